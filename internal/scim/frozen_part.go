package scim

import (
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// parts are the members of a resource that a search looks at, by the names that
// they have in its JSON.
type parts struct {
	all     bool
	names   []string
	derived bool
}

// need adds an attribute of a schema; nil for a common attribute.
func (p *parts) need(t *ResourceType, s *Schema, a *Attribute) {
	switch a {
	case attrMeta: // It is kept apart.
		return
	case attrSchemas: // It follows from all extensions.
		p.all = true
		return
	case t.derived:
		p.derived = true
		return
	}
	name := a.Name
	if s != nil && !s.core {
		name = s.ID
	}
	if !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
}

// part makes a resource that has only some of the attributes, which is what it
// takes to look through very many.
func (f *Frozen) part(p parts, derived []Reference) *Resource {
	if p.all {
		return f.Thaw(derived)
	}
	c := make(Complex, len(p.names)+1)
	f.members(func(name, value string) {
		if slices.Contains(p.names, name) {
			f.member(c, name, value)
		}
	})
	if list := referenceValues(derived); p.derived && len(list) > 0 {
		c[f.kind.derived.Name] = list
	}
	r := NewResource(f.kind, c)
	r.SetMeta(f.Meta())
	return r
}

// member reads one member of the text.
func (f *Frozen) member(c Complex, name, text string) {
	if strings.IndexByte(text, markBase) >= 0 {
		text = strings.ReplaceAll(text, string(markBase), "")
	}
	value, err := strictjson.Parse([]byte(text))
	if err != nil {
		panic("scim: a frozen resource cannot be read: " + f.id) // The text is this package's own.
	}
	if a := f.kind.attributeNamed(name); a != nil {
		c[name] = trusted(a, value)
	} else if s := f.kind.schemaNamed(name); s != nil {
		c[s.ID] = trustedMembers(s.attr, value)
	}
}

// members calls back for each member of the text, which is JSON without a space
// and with names that need no escapes, as this package writes it, but for `schemas`
// and `meta`.
func (f *Frozen) members(yield func(name, value string)) {
	text := f.text
	for {
		text = strings.TrimLeft(text, ",\x01")
		if text == "" || text[0] != '"' {
			return
		}
		name, rest, _ := strings.Cut(text[1:], `":`)
		end := valueEnd(rest)
		yield(name, rest[:end])
		text = rest[end:]
	}
}

// valueEnd is where the JSON value that a text begins with ends.
func valueEnd(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return min(i+1, len(text))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
			if depth < 0 {
				return i
			}
		case ',', markDerived:
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// MatchFrozen is Match of a resource that is kept frozen, with the references of its
// derived attribute. It reads no more of it than the filter asks for.
func (f *Filter) MatchFrozen(r *Frozen, derived []Reference) bool {
	return f == nil || f.root.match(r.part(f.needs, derived), nil)
}

// Mentions says whether the filter depends on the derived attribute.
func (f *Filter) Mentions(derived string) bool {
	return f != nil && (f.needs.all || f.needs.derived) && f.t.derived.Name == derived
}

// OrderFrozen is Order of resources that are kept frozen.
func (s *Sort) OrderFrozen(n int, resource func(i int) *Frozen) []int {
	var needs parts
	if s != nil {
		needs.need(s.t, s.ref.schema, s.ref.attr)
	}
	return s.Order(n, func(i int) *Resource { return resource(i).part(needs, nil) })
}
