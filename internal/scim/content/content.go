// Package content compares, copies and writes the values of attributes. What they mean to
// each other, the definition of the attribute decides.
package content

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Complex is a complex value, or the attributes of a whole resource: canonical
// names, as the schema spells them, to values. The attributes of an extension are a
// Complex under the extension's URN. A value is a string (for dateTime, reference
// and binary too, as the client sent it), bool, int64, float64, Complex, or []any
// with elements of one of these kinds. What is unassigned is absent.
type Complex = map[string]any

// Has says whether a value has content; with a sub-attribute, whether there is any
// in that.
func Has(a, sub *schema.Attribute, v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return strings.TrimSpace(v) != ""
	case []any:
		for _, e := range v {
			if Has(a, sub, e) {
				return true
			}
		}
		return false
	case Complex:
		if sub == nil {
			sub = a.ValueAttr()
		}
		if sub != nil {
			return Has(sub, nil, v[sub.Name])
		}
		for _, s := range a.SubAttributes {
			if s != a.TypeAttr() && s != a.PrimaryAttr() && Has(s, nil, v[s.Name]) {
				return true
			}
		}
		return false
	default:
		return true
	}
}

// Assigned says whether there is a value: null and the empty array are none (RFC
// 7643 section 2.5), nor is a complex value with nothing in it.
func Assigned(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case []any:
		return len(v) > 0
	case Complex:
		return len(v) > 0
	default:
		return true
	}
}

// Present is `pr` of a filter, for which the empty string is no value either (RFC
// 7644 section 3.4.2.2).
func Present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		for _, e := range v {
			if Present(e) {
				return true
			}
		}
		return false
	case Complex:
		for _, e := range v {
			if Present(e) {
				return true
			}
		}
		return false
	default:
		return true
	}
}

// Clone is a deep copy of a value.
func Clone(v any) any {
	switch v := v.(type) {
	case Complex:
		c := make(Complex, len(v))
		for k, x := range v {
			c[k] = Clone(x)
		}
		return c
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = Clone(x)
		}
		return l
	default:
		return v
	}
}

// First is the value of a multi-valued attribute that is primary, or else the first
// one.
func First(a *schema.Attribute, v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	for _, e := range list {
		if IsPrimary(a, e) {
			return e
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// IsPrimary reports whether an element says that it is the primary one.
func IsPrimary(a *schema.Attribute, e any) bool {
	c, ok := e.(Complex)
	return ok && a.PrimaryAttr() != nil && c[a.PrimaryAttr().Name] == true
}

// CountPrimary is how many elements say that they are the primary one.
func CountPrimary(a *schema.Attribute, list []any) int {
	n := 0
	for _, e := range list {
		if IsPrimary(a, e) {
			n++
		}
	}
	return n
}

// IsBlank says whether a required value is missing: RFC 7643 section 4.1.1 wants a
// userName that is not empty.
func IsBlank(v any) bool {
	s, ok := v.(string)
	return !Assigned(v) || ok && strings.TrimSpace(s) == ""
}

// ParseBool reads "true" and "false" in any case.
func ParseBool(s string) (value, ok bool) {
	value = ascii.Equal(s, "true")
	return value, value || ascii.Equal(s, "false")
}
