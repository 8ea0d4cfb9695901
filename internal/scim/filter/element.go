package filter

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scan"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// ValueFilter is the filter in the brackets of a path.
type ValueFilter struct {
	node node
	Text string // as it was written, with its brackets
	// cost is how many comparisons it takes for an element.
	Cost int
	// terms are the comparisons of which an element can be made that satisfies the
	// filter; nil if it is more than a conjunction of eq.
	terms []*elementNode
	// id is the `value` that an element must have, if the filter says so and
	// elements are identified by it.
	ID *string
}

// ParseValueFilter reads the value filter of an attribute in the path of a PATCH, from "["
// to "]".
func ParseValueFilter(t *schema.ResourceType, r schema.Ref, s *scan.Scanner, l scim.Leniency) (*ValueFilter, error) {
	p := parser{t: t, l: l, Scanner: *s, inPath: true}
	n, err := p.brackets(r, 0, 0)
	if err != nil {
		return nil, err
	}
	f := newValueFilter(r.Attr, n, p.terms)
	f.Text = p.Text[s.Pos:p.Pos]
	*s = p.Scanner
	return f, nil
}

func newValueFilter(a *schema.Attribute, n node, cost int) *ValueFilter {
	f := &ValueFilter{node: n, Cost: cost}
	f.terms, _ = conjunction(n)
	n.implies(func(b *schema.Attribute, c *comparison) {
		if a.Identified() && b == a.ValueAttr() && c.op == opEq && c.kind == kindText {
			f.ID = &c.literal
		}
	})
	return f
}

// conjunction takes a filter apart that is only eq joined by and.
func conjunction(n node) ([]*elementNode, bool) {
	switch n := n.(type) {
	case *elementNode:
		if n.sub != nil && n.is.op == opEq && n.is.kind != kindNull {
			return []*elementNode{n}, true
		}
	case andNode:
		var all []*elementNode
		for _, x := range n {
			terms, ok := conjunction(x)
			if !ok {
				return nil, false
			}
			all = append(all, terms...)
		}
		return all, true
	}
	return nil, false
}

// Match reports whether an element of a resource satisfies the filter.
func (f *ValueFilter) Match(r *scim.Resource, element any) bool { return f.node.match(r, element) }

// Simple reports whether the filter is one comparison and nothing else.
func (f *ValueFilter) Simple() bool { return len(f.terms) == 1 }

// Element is a new element that satisfies the filter, as far as a client may write
// it; nil if none can be made.
func (f *ValueFilter) Element() scim.Complex {
	if len(f.terms) == 0 {
		return nil
	}
	c := make(scim.Complex, len(f.terms)+1)
	for _, t := range f.terms {
		if t.sub.Mutability == schema.ReadOnly || t.sub.Discarded() {
			continue
		}
		v := t.is.valueOf(t.sub)
		if v == nil {
			return nil
		}
		if t.sub.MultiValued {
			v = []any{v}
		}
		c[t.sub.Name] = v
	}
	return c
}
