package scim

import "strings"

// Has reports whether the attribute that a path names has content, which is more than
// being there: an empty text says nothing, nor does an e-mail address of which there is
// only the type. It is false of a path that names no attribute of the resource's type.
func (r *Resource) Has(path string) bool {
	at, wrong := r.kind.resolve(path)
	if wrong != nil || at.attr == nil {
		return false
	}
	return hasContent(at.attr, at.sub, r.Value(at))
}

// hasContent says whether a value has content; with a sub-attribute, whether there is any
// in that.
func hasContent(a, sub *Attribute, v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return strings.TrimSpace(v) != ""
	case []any:
		for _, e := range v {
			if hasContent(a, sub, e) {
				return true
			}
		}
		return false
	case Complex:
		if sub == nil {
			sub = a.value
		}
		if sub != nil {
			return hasContent(sub, nil, v[sub.Name])
		}
		for _, s := range a.SubAttributes {
			if s != a.kind && s != a.primary && hasContent(s, nil, v[s.Name]) {
				return true
			}
		}
		return false
	default:
		return true
	}
}
