package scim

// valueFilter is the filter in the brackets of a path.
type valueFilter struct {
	node node
	text string // as it was written, with its brackets
	// cost is how many comparisons it takes for an element.
	cost int
	// terms are the comparisons of which an element can be made that satisfies the
	// filter; nil if it is more than a conjunction of eq.
	terms []*elementNode
	// id is the `value` that an element must have, if the filter says so and
	// elements are identified by it.
	id *string
}

// parseValueFilter reads the value filter of an attribute in the path of a PATCH, from "["
// to "]".
func parseValueFilter(t *ResourceType, r ref, s *scanner, l Leniency) (*valueFilter, error) {
	p := filterParser{t: t, l: l, scanner: *s, inPath: true}
	n, err := p.brackets(r, 0, 0)
	if err != nil {
		return nil, err
	}
	f := newValueFilter(r.attr, n, p.terms)
	f.text = p.text[s.pos:p.pos]
	*s = p.scanner
	return f, nil
}

func newValueFilter(a *Attribute, n node, cost int) *valueFilter {
	f := &valueFilter{node: n, cost: cost}
	f.terms, _ = conjunction(n)
	n.implies(func(b *Attribute, c *comparison) {
		if a.identified && b == a.value && c.op == opEq && c.kind == kindText {
			f.id = &c.literal
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

// match reports whether an element of a resource satisfies the filter.
func (f *valueFilter) match(r *Resource, element any) bool { return f.node.match(r, element) }

// simple reports whether the filter is one comparison and nothing else.
func (f *valueFilter) simple() bool { return len(f.terms) == 1 }

// element is a new element that satisfies the filter, as far as a client may write
// it; nil if none can be made.
func (f *valueFilter) element() Complex {
	if len(f.terms) == 0 {
		return nil
	}
	c := make(Complex, len(f.terms)+1)
	for _, t := range f.terms {
		if t.sub.Mutability == ReadOnly || t.sub.discarded() {
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
