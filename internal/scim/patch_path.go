package scim

import "strings"

// target is what a path of an operation names: an attribute, an extension, a
// sub-attribute, or those of the elements that satisfy a filter.
type target struct {
	ref
	filter *valueFilter
	// ignored says that it is a part of elements that no schema has, and is to be left out.
	ignored bool
}

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

// path reads a path with a URN, or one that is for the core schema.
func (d reader) path(text string) (target, error) { return d.pathIn(nil, text) }

// pathIn reads PATH of RFC 7644 section 3.5.2, figure 7. As table 9 has it, what is
// wrong with the filter between two brackets is invalidFilter, and all else is
// invalidPath: a bracket that is never closed has no filter in it, and makes the path
// malformed, whatever follows.
func (d reader) pathIn(home *Schema, text string) (target, error) {
	if len(text) > MaxFilterLength {
		return target{}, badRequest(InvalidPath, "path: it is longer than %d bytes", MaxFilterLength)
	}
	p := filterParser{t: d.t, l: d.l, text: text, inPath: true}
	word := p.word()
	if word == "" {
		return target{}, badRequest(InvalidPath, "path: it begins with no attribute")
	}
	r, wrong := d.t.meaning(home, word)
	if wrong != nil {
		return target{}, badRequest(InvalidPath, "path: %s", wrong.problem)
	}
	at := target{ref: r}
	if p.opens() {
		if err := at.brackets(&p); err != nil {
			return target{}, err
		}
	}
	if p.pos < len(text) {
		return target{}, badRequest(InvalidPath, "path, position %d: the path should end here", p.pos+1)
	}
	return at, nil
}

// ignorable says whether a path is well formed, but names an attribute that is unknown
// and to be ignored.
func (d reader) ignorable(path string) bool {
	if !d.l.IgnoreUnknown {
		return false
	}
	name := beforeBracket(path)
	_, wrong := d.t.resolve(name)
	return wrong != nil && wrong.unknown && validPath(name[strings.LastIndexByte(name, ':')+1:])
}

// beforeBracket is a path up to its filter.
func beforeBracket(path string) string {
	name, _, bracketed := strings.Cut(path, "[")
	if bracketed {
		name = strings.TrimRight(name, " \t")
	}
	return name
}

func (at *target) brackets(p *filterParser) error {
	if at.attr == nil || at.sub != nil || at.attr.plain() {
		return badRequest(InvalidPath, `path: brackets follow an attribute with several values or parts, as in emails[type eq "work"].value`)
	}
	open := p.pos
	n, err := p.brackets(at.ref, 0, 0)
	if err != nil && !closes(p.text[open:]) {
		return badRequest(InvalidPath, `path: the bracket at position %d is never closed; "]" is missing`, open+1)
	}
	if err != nil {
		return err
	}
	at.filter = newValueFilter(at.attr, n, p.terms)
	at.filter.text = p.text[open:p.pos]
	if !p.part() {
		return nil
	}
	p.pos++
	name := p.word()
	at.sub = at.attr.sub(name)
	at.ignored = at.sub == nil && p.l.IgnoreUnknown && validName(name, true)
	if at.sub == nil && !at.ignored {
		return badRequest(InvalidPath, "path: %q has no sub-attribute %q", at.attr.path, name)
	}
	return nil
}

// closes says whether there is a closing bracket outside of a string.
func closes(text string) bool {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return true
		}
	}
	return false
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
