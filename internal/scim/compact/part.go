package compact

import (
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Needs are the members of a resource that a search looks at, by the names that
// they have in its JSON.
type Needs struct {
	All     bool
	names   []string
	Derived bool
}

// Add adds an attribute of a schema; nil for a common attribute.
func (p *Needs) Add(t *schema.ResourceType, s *schema.Schema, a *schema.Attribute) {
	switch a {
	case schema.AttrMeta: // It is kept apart.
		return
	case schema.AttrSchemas: // It follows from all extensions.
		p.All = true
		return
	case t.Derived():
		p.Derived = true
		return
	}
	name := a.Name
	if s != nil && !s.Core() {
		name = s.ID
	}
	if !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
}

// Part makes a resource that has only some of the attributes, which is what it
// takes to look through very many.
func (f *Resource) Part(p Needs, derived []scim.Reference) *scim.Resource {
	if p.All {
		return f.Expand(derived)
	}
	c := make(scim.Complex, len(p.names)+1)
	f.members(func(name, value string) {
		if slices.Contains(p.names, name) {
			f.member(c, name, value)
		}
	})
	if list := scim.ReferenceValues(derived); p.Derived && len(list) > 0 {
		c[f.kind.Derived().Name] = list
	}
	r := scim.NewResource(f.kind, c)
	r.SetMeta(f.Meta())
	return r
}

// member reads one member of the text.
func (f *Resource) member(c scim.Complex, name, text string) {
	if strings.IndexByte(text, render.MarkBase) >= 0 {
		text = strings.ReplaceAll(text, string(render.MarkBase), "")
	}
	value, err := strictjson.Parse([]byte(text))
	if err != nil {
		panic("scim: a compact resource cannot be read: " + f.id) // The text is this package's own.
	}
	if a := f.kind.Attribute(name); a != nil {
		c[name] = trusted(a, value)
	} else if s := f.kind.SchemaNamed(name); s != nil {
		c[s.ID] = trustedMembers(s.Attribute, value)
	}
}

// members calls back for each member of the text, which is JSON without a space
// and with names that need no escapes, as this package writes it, but for `schemas`
// and `meta`.
func (f *Resource) members(yield func(name, value string)) {
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
		case ',', render.MarkDerived:
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}
