package scim

import (
	"strings"
	"time"
)

// ref is an attribute that a path names (RFC 7644 section 3.10). With attr nil it
// is a whole extension.
type ref struct {
	schema *Schema // nil for the common attributes
	attr   *Attribute
	sub    *Attribute
}

// leaf is the attribute or sub-attribute that is named.
func (r ref) leaf() *Attribute {
	if r.sub != nil {
		return r.sub
	}
	return r.attr
}

// resolve finds what a path without a filter names. The problem is a sentence for
// the client, empty where there is none.
//
// URNs contain dots and colons, so the schema is split off first, by comparison
// with the URNs of the resource type.
func (t *ResourceType) resolve(text string, l Leniency) (r ref, problem string) {
	schema, rest := t.splitURN(text, l)
	if schema == nil && strings.Contains(text, ":") {
		return ref{}, "\"" + text + "\" begins with no schema of " + t.Name
	}
	if schema != nil && rest == "" {
		if schema.core {
			return ref{}, "\"" + text + "\" names a schema and no attribute"
		}
		return ref{schema: schema}, ""
	}
	name, sub, dotted := strings.Cut(rest, ".")
	r = t.find(schema, name, l)
	if r.attr == nil {
		if urn := t.extensionWith(name); schema == nil && urn != "" {
			return ref{}, "\"" + text + "\" needs the URN of its extension before it, as in \"" + urn + ":" + text + "\""
		}
		return ref{}, "\"" + text + "\" is no attribute of " + t.Name
	}
	if !dotted {
		return r, ""
	}
	if r.sub = r.attr.sub(sub, l); r.sub == nil {
		return ref{}, "\"" + r.attr.path + "\" has no sub-attribute \"" + sub + "\""
	}
	return r, ""
}

// sub finds a sub-attribute by one of its names.
func (a *Attribute) sub(name string, l Leniency) *Attribute {
	s, err := reader{l: l}.subAttribute(a, name)
	if err != nil {
		return nil
	}
	return s
}

// splitURN splits the schema off a path. The longest URN wins: one may begin with
// another.
func (t *ResourceType) splitURN(text string, l Leniency) (*Schema, string) {
	for _, s := range t.byLength {
		if rest, ok := cutURN(text, s.ID); ok {
			return s, rest
		}
	}
	if !l.LegacyURNs {
		return nil, text
	}
	if rest, ok := cutURN(text, legacyCoreURN); ok {
		return t.Schema, rest
	}
	for _, legacy := range legacyEnterpriseURNs {
		if rest, ok := cutURN(text, legacy); ok {
			return t.schemaNamed(URNEnterpriseUser, Leniency{}), rest
		}
	}
	return nil, text
}

func cutURN(text, urn string) (rest string, ok bool) {
	if len(text) < len(urn) || !equalASCII(text[:len(urn)], urn) {
		return "", false
	}
	if len(text) == len(urn) {
		return "", true
	}
	if text[len(urn)] != ':' || len(text) == len(urn)+1 {
		return "", false
	}
	return text[len(urn)+1:], true
}

// find finds an attribute by name. Without a schema it is a core or common one
// or, by leniency, that of the only extension that has one of the name.
func (t *ResourceType) find(schema *Schema, name string, l Leniency) ref {
	if schema != nil && !schema.core {
		return ref{schema: schema, attr: schema.index.find(name)}
	}
	if a := t.Schema.index.find(name); a != nil {
		return ref{schema: t.Schema, attr: a}
	}
	if a := commonAttributes.find(name); a != nil {
		return ref{attr: a}
	}
	found := ref{}
	if schema != nil || !l.UnqualifiedExtensions {
		return found
	}
	for _, e := range t.Extensions {
		if a := e.Schema.index.find(name); a != nil {
			if found.attr != nil {
				return ref{}
			}
			found = ref{schema: e.Schema, attr: a}
		}
	}
	return found
}

// extensionWith is the URN of the first extension that has an attribute of this
// name; empty if none has.
func (t *ResourceType) extensionWith(name string) string {
	for _, e := range t.Extensions {
		if e.Schema.index.find(name) != nil {
			return e.Schema.ID
		}
	}
	return ""
}

// value is the attribute's value in a resource, the whole of it even if a
// sub-attribute is named; nil where it is unassigned.
func (r ref) value(of *Resource) any {
	switch r.attr {
	case attrMeta:
		c := Complex{}
		for _, s := range attrMeta.SubAttributes {
			if v := of.metaValue(s); v != nil {
				c[s.Name] = v
			}
		}
		return c
	case attrSchemas:
		urns := of.Schemas()
		list := make([]any, len(urns))
		for i, urn := range urns {
			list[i] = urn
		}
		return list
	}
	return of.container(r.schema)[r.attr.Name]
}

// metaValue is a sub-attribute of `meta`. A dateTime is a time.Time here. The
// location is none, since it depends on where the server is.
func (r *Resource) metaValue(s *Attribute) any {
	switch {
	case s == metaResourceType:
		return r.kind.Name
	case s == metaCreated && !r.meta.Created.IsZero():
		return r.meta.Created
	case s == metaLastModified && !r.meta.LastModified.IsZero():
		return r.meta.LastModified
	case s == metaVersion && r.meta.Version != "":
		return r.meta.Version
	}
	return nil
}

// instant is the time that a dateTime value stands for.
func instant(v any) (t time.Time, ok bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		return parseDateTime(v)
	}
	return time.Time{}, false
}
