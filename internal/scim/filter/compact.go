package filter

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
)

// MatchCompact is Match of a resource that is kept compact, with the references of its
// derived attribute. It reads no more of it than the filter asks for.
func (f *Filter) MatchCompact(r *compact.Resource, derived []scim.Reference) bool {
	return f == nil || f.root.match(r.Part(f.needs, derived), nil)
}

// Names reports whether the derived attribute, or a part of it, stands in the filter. A
// filter may depend on it without that: schemas follow from all that a resource has.
func (f *Filter) Names(derived string) bool {
	return f != nil && f.needs.Derived && f.t.Derived().Name == derived
}

// Mentions says whether the filter depends on the derived attribute.
func (f *Filter) Mentions(derived string) bool {
	return f != nil && (f.needs.All || f.needs.Derived) && f.t.Derived().Name == derived
}
