package content

import (
	"maps"

	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Distinct makes one of elements that are one: members with the same `value` (RFC 7643
// section 4.2), others with the same `value` and `type` (section 2.4), or the same
// content where there is no value. Letters of different case count in a value here, so
// that none is lost that a client tells from another. The list is the caller's to
// change, its elements are not.
func Distinct(a *schema.Attribute, list []any) []any {
	if len(list) < 2 {
		return list
	}
	seen := make(map[string]int, len(list))
	kept := list[:0]
	for _, e := range list {
		k := PairKey(a, e)
		at, again := seen[k]
		switch {
		case !again:
			seen[k] = len(kept)
			kept = append(kept, e)
		case !a.Identified():
			kept[at] = completed(a, kept[at], e)
		}
	}
	return kept
}

// completed is an element with what it lacks of another that has the same value. It is
// primary if one of them is. One that is not complex stays as it is.
func completed(a *schema.Attribute, one, other any) any {
	c, ok := one.(Complex)
	more, is := other.(Complex)
	if !ok || !is {
		return one
	}
	now := maps.Clone(c)
	for _, sub := range a.SubAttributes {
		if v := more[sub.Name]; Assigned(v) && (!Assigned(now[sub.Name]) || sub == a.PrimaryAttr() && v == true) {
			now[sub.Name] = v
		}
	}
	return now
}
