package scim

import "time"

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

// Value is the value of an attribute, the whole of it even if a sub-attribute is named;
// nil where it is unassigned.
func (r *Resource) Value(at ref) any {
	switch at.attr {
	case attrMeta:
		c := Complex{}
		for _, s := range attrMeta.SubAttributes {
			if v := r.metaValue(s); v != nil {
				c[s.Name] = v
			}
		}
		return c
	case attrSchemas:
		urns := r.Schemas()
		list := make([]any, len(urns))
		for i, urn := range urns {
			list[i] = urn
		}
		return list
	}
	return r.container(at.schema)[at.attr.Name]
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
