package scim

import (
	"maps"
	"strings"
)

// assigned says whether there is a value: null and the empty array are none (RFC
// 7643 section 2.5), nor is a complex value with nothing in it.
func assigned(v any) bool {
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

// present is `pr` of a filter, for which the empty string is no value either (RFC
// 7644 section 3.4.2.2).
func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		for _, e := range v {
			if present(e) {
				return true
			}
		}
		return false
	case Complex:
		for _, e := range v {
			if present(e) {
				return true
			}
		}
		return false
	default:
		return true
	}
}

// Equal says whether two resources have the same content. Read-only attributes,
// `id` and `groups` among them, are not content, nor is `meta`. The order of
// the elements of a multi-valued attribute does not matter, as it has no meaning
// to SCIM; letters of different case do.
func (r *Resource) Equal(o *Resource) bool {
	if r == nil || o == nil || r.kind != o.kind {
		return r == o
	}
	if !equalContent(attrExternalID, r.Attributes()[attrExternalID.Name], o.Attributes()[attrExternalID.Name]) {
		return false
	}
	for _, s := range r.kind.schemas {
		x, y := r.container(s), o.container(s)
		for _, a := range s.Attributes {
			if a.Mutability != ReadOnly && !equalContent(a, x[a.Name], y[a.Name]) {
				return false
			}
		}
	}
	return true
}

// equalContent compares two values of an attribute as Equal does.
func equalContent(a *Attribute, x, y any) bool {
	switch x := x.(type) {
	case []any:
		list, ok := y.([]any)
		if !ok {
			return len(x) == 0 && !assigned(y)
		}
		return equalLists(a, x, list)
	case Complex:
		c, ok := y.(Complex)
		if !ok && assigned(y) {
			return false
		}
		for _, s := range a.SubAttributes {
			if s.Mutability != ReadOnly && !s.made() && !equalContent(s, x[s.Name], c[s.Name]) {
				return false
			}
		}
		return true
	case nil:
		return !assigned(y)
	default:
		switch y.(type) {
		case []any, Complex:
			return false
		}
		return x == y
	}
}

// equalLists compares elements pair by pair, and regardless of order only where
// that fails.
func equalLists(a *Attribute, x, y []any) bool {
	if len(x) != len(y) {
		return false
	}
	i := 0
	for i < len(x) && equalContent(a, x[i], y[i]) {
		i++
	}
	if i == len(x) {
		return true
	}
	count := make(map[string]int, len(x)-i)
	for _, e := range x[i:] {
		count[contentKey(a, e)]++
	}
	for _, e := range y[i:] {
		k := contentKey(a, e)
		if count[k] == 0 {
			return false
		}
		count[k]--
	}
	return true
}

// contentKey is the same for two elements exactly if equalContent is true.
func contentKey(a *Attribute, e any) string {
	c, ok := e.(Complex)
	if !ok {
		return string(appendValue(nil, a, e))
	}
	var b []byte
	for _, s := range a.SubAttributes {
		if v := c[s.Name]; assigned(v) && s.Mutability != ReadOnly && !s.made() {
			b = appendValue(append(b, s.key...), s, v)
		}
	}
	return string(b)
}

// elementKey is the same for two elements that are one to SCIM: members by their
// `value` (RFC 7643 section 4.2), other elements with a `value` by that and their
// `type` (section 2.4: no pair occurs twice), the rest by their whole content.
func elementKey(a *Attribute, e any) string {
	c, ok := e.(Complex)
	if !ok {
		return scalarKey(a, e)
	}
	if a.value == nil || !assigned(c["value"]) {
		return contentKey(a, e)
	}
	key := scalarKey(a.value, c["value"])
	if a.identified || a.kind == nil {
		return key
	}
	return key + "\x00" + scalarKey(a.kind, c["type"])
}

// scalarKey is the same for two simple values that a filter's eq finds equal.
func scalarKey(a *Attribute, v any) string {
	s, ok := v.(string)
	switch {
	case !ok && v == nil:
		return ""
	case !ok:
		return string(appendScalar(nil, v))
	case a.folds():
		return Fold(s)
	case a.Type == TypeDateTime:
		if t, ok := parseDateTime(s); ok {
			return string(appendTime(nil, t))
		}
	case a.Type == TypeBinary:
		return strings.TrimRight(s, "=")
	}
	return s
}

// sameScalar says whether a filter's eq finds two simple values equal. Of a sub-attribute
// with several values, all have to be there.
func sameScalar(a *Attribute, x, y any) bool {
	if a.MultiValued && a.parent != nil {
		return assigned(x) && equalContent(a, x, y)
	}
	return x != nil && y != nil && scalarKey(a, x) == scalarKey(a, y)
}

// distinct makes one of elements that are one: members with the same `value` (RFC 7643
// section 4.2), others with the same `value` and `type` (section 2.4), or the same
// content where there is no value. Letters of different case count in a value here, so
// that none is lost that a client tells from another. The list is the caller's to
// change, its elements are not.
func distinct(a *Attribute, list []any) []any {
	if len(list) < 2 {
		return list
	}
	seen := make(map[string]int, len(list))
	kept := list[:0]
	for _, e := range list {
		k := pairKey(a, e)
		at, again := seen[k]
		switch {
		case !again:
			seen[k] = len(kept)
			kept = append(kept, e)
		case !a.identified:
			kept[at] = completed(a, kept[at], e)
		}
	}
	return kept
}

// pairKey is the same for two elements that distinct makes one of.
func pairKey(a *Attribute, e any) string {
	c, ok := e.(Complex)
	switch {
	case a.identified:
		return elementKey(a, e)
	case !ok || a.value == nil || a.kind == nil || !assigned(c[a.value.Name]):
		return contentKey(a, e)
	}
	return string(appendScalar(nil, c[a.value.Name])) + "\x00" + scalarKey(a.kind, c[a.kind.Name])
}

// completed is an element with what it lacks of another that has the same value. It is
// primary if one of them is. One that is not complex stays as it is.
func completed(a *Attribute, one, other any) any {
	c, ok := one.(Complex)
	more, is := other.(Complex)
	if !ok || !is {
		return one
	}
	now := maps.Clone(c)
	for _, sub := range a.SubAttributes {
		if v := more[sub.Name]; assigned(v) && (!assigned(now[sub.Name]) || sub == a.primary && v == true) {
			now[sub.Name] = v
		}
	}
	return now
}
