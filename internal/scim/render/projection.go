package render

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Projection is the part of a resource that a client wants, by `attributes` or
// `excludedAttributes` (RFC 7644 section 3.9). A nil Projection is the default: all
// but the attributes that are returned on request only.
type Projection struct {
	t       *schema.ResourceType
	exclude bool
	// named has what the client names: a whole attribute, or some sub-attributes.
	named map[*schema.Attribute]*selection
	// schemas are those that are named as a whole.
	schemas map[*schema.Schema]bool
	hidden  *schema.Attribute // in no answer, whatever the client names; nil for none
}

type selection struct {
	whole bool
	subs  map[*schema.Attribute]bool
}

// ParseProjection reads the two parameters, which are lists with commas. Names that
// no schema has are ignored. Only one of the two can be given. Without any
// the Projection is nil.
func ParseProjection(t *schema.ResourceType, attributes, excludedAttributes string) (*Projection, error) {
	include, exclude := splitList(attributes), splitList(excludedAttributes)
	if len(include) > 0 && len(exclude) > 0 {
		return nil, scim.BadRequest(scim.InvalidValue, "attributes and excludedAttributes exclude each other: send one of them")
	}
	if len(include)+len(exclude) == 0 {
		return nil, nil
	}
	p := &Projection{t: t, exclude: len(exclude) > 0, named: map[*schema.Attribute]*selection{}, schemas: map[*schema.Schema]bool{}}
	for _, name := range append(include, exclude...) {
		if err := p.name(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// WithoutDerived returns a projection of resources of the type that shows no attribute but
// those which p shows, and not the derived one.
func (p *Projection) WithoutDerived(t *schema.ResourceType) *Projection {
	hiding := Projection{t: t, exclude: true}
	if p != nil {
		hiding = *p
	}
	hiding.hidden = t.Derived()
	return &hiding
}

func splitList(s string) []string {
	var names []string
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// name adds a name. What may be of several schemas is refused: to leave it out could show
// what was to be excluded.
func (p *Projection) name(path string) error {
	r, wrong := p.t.Resolve(path)
	switch {
	case wrong != nil && wrong.Several:
		return scim.BadRequest(scim.InvalidValue, "%s", wrong.Problem)
	case wrong != nil:
		return nil
	case r.Attr == nil:
		p.schemas[r.Schema] = true
		return nil
	}
	s := p.named[r.Attr]
	if s == nil {
		s = &selection{subs: map[*schema.Attribute]bool{}}
		p.named[r.Attr] = s
	}
	if r.Sub == nil {
		s.whole = true
	} else {
		s.subs[r.Sub] = true
	}
	return nil
}

// Wants says whether an attribute can be in the answer at all, so that a store may
// spare itself the work for `members` or `groups`.
func (p *Projection) Wants(path string) bool {
	if p == nil {
		return true
	}
	r, wrong := p.t.Resolve(path)
	if wrong != nil {
		return false
	}
	if r.Attr == nil {
		return p.wantsSchema(r.Schema)
	}
	return p.shows(r.Schema, r.Attr) && (r.Sub == nil || p.showsSub(r.Schema, r.Attr, r.Sub))
}

// onlyExcludes says whether the projection is the default, or the default without the
// whole of the attribute, and which of the two.
func (p *Projection) onlyExcludes(a *schema.Attribute) (without, ok bool) {
	if p == nil {
		return false, true
	}
	if !p.exclude || len(p.schemas) > 0 || len(p.named) > 1 {
		return false, false
	}
	if p.hidden == a {
		return true, len(p.named) == 0
	}
	if len(p.named) == 0 {
		return false, true
	}
	named := p.named[a]
	return true, named != nil && named.whole && a.Returned == schema.ReturnedDefault
}

func (p *Projection) wantsSchema(s *schema.Schema) bool {
	for _, a := range s.Attributes {
		if p.shows(s, a) {
			return true
		}
	}
	return false
}

// shows says whether an attribute is in the answer, in whole or in part (RFC 7643
// section 7, "returned").
func (p *Projection) shows(s *schema.Schema, a *schema.Attribute) bool {
	switch a.Returned {
	case schema.ReturnedNever:
		return false
	case schema.ReturnedAlways:
		return true
	}
	if p == nil {
		return a.Returned == schema.ReturnedDefault
	}
	if a == p.hidden {
		return false
	}
	named := p.named[a]
	if p.exclude {
		return a.Returned == schema.ReturnedDefault && !(named != nil && named.whole) && !p.schemas[s]
	}
	return named != nil || p.schemas[s] && a.Returned == schema.ReturnedDefault
}

// showsSub says whether a sub-attribute is in the answer if its attribute is.
func (p *Projection) showsSub(_ *schema.Schema, a, sub *schema.Attribute) bool {
	switch sub.Returned {
	case schema.ReturnedNever:
		return false
	case schema.ReturnedAlways:
		return true
	}
	if p == nil {
		return sub.Returned == schema.ReturnedDefault
	}
	named := p.named[a]
	asked := named != nil && named.subs[sub]
	if p.exclude {
		return sub.Returned == schema.ReturnedDefault && !asked
	}
	whole := named == nil || named.whole // all of the schema, or "always", brought it here
	return asked || whole && sub.Returned == schema.ReturnedDefault
}
