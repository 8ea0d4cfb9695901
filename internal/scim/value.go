package scim

import (
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Value is the value of an attribute, the whole of it even if a sub-attribute is named;
// nil where it is unassigned.
func (r *Resource) Value(at schema.Ref) any {
	switch at.Attr {
	case schema.AttrMeta:
		c := Complex{}
		for _, s := range schema.AttrMeta.SubAttributes {
			if v := r.MetaValue(s); v != nil {
				c[s.Name] = v
			}
		}
		return c
	case schema.AttrSchemas:
		urns := r.Schemas()
		list := make([]any, len(urns))
		for i, urn := range urns {
			list[i] = urn
		}
		return list
	}
	return r.Container(at.Schema)[at.Attr.Name]
}

// MetaValue is a sub-attribute of `meta`. A dateTime is a time.Time here. The
// location is none, since it depends on where the server is.
func (r *Resource) MetaValue(s *schema.Attribute) any {
	switch {
	case s == schema.MetaResourceType:
		return r.kind.Name
	case s == schema.MetaCreated && !r.meta.Created.IsZero():
		return r.meta.Created
	case s == schema.MetaLastModified && !r.meta.LastModified.IsZero():
		return r.meta.LastModified
	case s == schema.MetaVersion && r.meta.Version != "":
		return r.meta.Version
	}
	return nil
}

// Has reports whether the attribute that a path names has content, which is more than
// being there: an empty text says nothing, nor does an e-mail address of which there is
// only the type. It is false of a path that names no attribute of the resource's type.
func (r *Resource) Has(path string) bool {
	at, wrong := r.kind.Resolve(path)
	if wrong != nil || at.Attr == nil {
		return false
	}
	return content.Has(at.Attr, at.Sub, r.Value(at))
}

// Equal says whether two resources have the same content. Read-only attributes,
// `id` and `groups` among them, are not content, nor is `meta`. The order of
// the elements of a multi-valued attribute does not matter, as it has no meaning
// to SCIM; letters of different case do.
func (r *Resource) Equal(o *Resource) bool {
	if r == nil || o == nil || r.kind != o.kind {
		return r == o
	}
	if !content.Equal(schema.AttrExternalID, r.Attributes()[schema.AttrExternalID.Name], o.Attributes()[schema.AttrExternalID.Name]) {
		return false
	}
	for _, s := range r.kind.Schemas() {
		x, y := r.Container(s), o.Container(s)
		for _, a := range s.Attributes {
			if a.Mutability != schema.ReadOnly && !content.Equal(a, x[a.Name], y[a.Name]) {
				return false
			}
		}
	}
	return true
}

// Changed returns the names of the attributes that o has with other content than r, as the paths
// of a filter name them: userName, name.givenName, emails, URN:department. What Equal does not
// look at is not among them. Of values it says nothing.
func (r *Resource) Changed(o *Resource) []string {
	var names []string
	note := func(a *schema.Attribute, x, y any) {
		if a.Mutability == schema.ReadOnly || content.Equal(a, x, y) {
			return
		}
		if a.MultiValued || len(a.SubAttributes) == 0 {
			names = append(names, a.Path())
			return
		}
		before, _ := x.(Complex)
		after, _ := y.(Complex)
		for _, sub := range a.SubAttributes {
			if sub.Mutability != schema.ReadOnly && !sub.Made() && !content.Equal(sub, before[sub.Name], after[sub.Name]) {
				names = append(names, sub.Path())
			}
		}
	}
	note(schema.AttrExternalID, r.Attributes()[schema.AttrExternalID.Name], o.Attributes()[schema.AttrExternalID.Name])
	for _, s := range r.kind.Schemas() {
		before, after := r.Container(s), o.Container(s)
		for _, a := range s.Attributes {
			note(a, before[a.Name], after[a.Name])
		}
	}
	return names
}
