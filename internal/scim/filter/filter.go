// Package filter reads filters and matches resources with them (RFC 7644 section
// 3.4.2.2).
package filter

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/internal/scan"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Bounds on a filter.
const (
	// MaxLength is in bytes.
	MaxLength = 8 << 10
	// MaxDepth is how deep parentheses, brackets and not may nest.
	MaxDepth = 32
	// MaxTerms is how many comparisons there may be.
	MaxTerms = 500
	// MaxParts is how many of them may compare parts of a text, or its order, without
	// regard to case. Each folds the whole of every value.
	MaxParts = 50
)

// Filter is a compiled filter (RFC 7644 section 3.4.2.2). It may be used by many
// goroutines.
//
// Where the RFC leaves room: `ne` is true of an unassigned attribute, and of a
// multi-valued one if any value differs; `eq null` is true of what is unassigned,
// `ne null` of the rest; `pr` is false for the empty string; a complex
// attribute with a `value` sub-attribute, multi-valued or not, stands for that in a
// comparison; after a value path there may be a sub-attribute and a comparison, as
// in emails[type eq "work"].value eq "a@example.com", which Entra ID sends.
type Filter struct {
	t     *schema.ResourceType
	text  string
	root  node
	needs compact.Needs
}

// Parse compiles a filter for resources of a type. An error is 400
// invalidFilter and says where and what; a filter on a password is 403 sensitive.
func Parse(t *schema.ResourceType, text string, l scim.Leniency) (*Filter, error) {
	return ParseAmong(t, nil, text, l)
}

// ParseAmong is Parse for a search over several resource types, of which t is
// one: an attribute that another of them has and this one has not is unassigned here (RFC
// 7644 section 3.4.2.1).
func ParseAmong(t *schema.ResourceType, types []*schema.ResourceType, text string, l scim.Leniency) (*Filter, error) {
	p := parser{t: t, among: types, l: l, Scanner: scan.Scanner{Text: text}}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	f := &Filter{t: t, text: text, root: root}
	root.refers(func(r schema.Ref) { f.needs.Add(t, r.Schema, r.Attr) })
	return f, nil
}

// String is the filter as it was written.
func (f *Filter) String() string { return f.text }

// Match says whether a resource satisfies the filter. A nil filter is satisfied by
// all.
func (f *Filter) Match(r *scim.Resource) bool {
	return f == nil || f.root.match(r, nil)
}

// Equality is a comparison with eq to a string.
type Equality struct {
	// Path is canonical: userName, emails.value, URN:employeeNumber.
	Path string
	// Value is as in the filter. Whether its case counts, the attribute says.
	Value string
}

// Equalities are the eq comparisons to strings that every match must satisfy, so
// that an index can narrow the search down. There is none where an `or` or a
// `not` leaves more than one way to match. Those inside of a value path count
// too: emails[type eq "work" and value eq "a@example.com"] implies both parts.
func (f *Filter) Equalities() []Equality {
	if f == nil {
		return nil
	}
	var all []Equality
	f.root.implies(func(a *schema.Attribute, c *comparison) {
		if c.op == opEq && c.kind == kindText {
			all = append(all, Equality{Path: a.Path(), Value: c.literal})
		}
	})
	return all
}

// Sole is the comparison that the filter consists of, if it is nothing but one eq to a
// string: then what an index finds under the value is the answer. A nil filter is none.
func (f *Filter) Sole() (Equality, bool) {
	if f == nil {
		return Equality{}, false
	}
	term, ok := f.root.(*termNode)
	if !ok || term.is.op != opEq || term.is.kind != kindText {
		return Equality{}, false
	}
	return Equality{Path: term.ref.Leaf().Path(), Value: term.is.literal}, true
}
