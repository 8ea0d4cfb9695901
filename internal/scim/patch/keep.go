package patch

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// removesIdentity is the error for who would leave a value without what it is known by.
func removesIdentity(a *schema.Attribute) error {
	return scim.BadRequest(scim.Mutability, "%q is what a value of %q is known by, and cannot be taken away from it: remove the whole, with the path %s[value eq \"…\"]",
		a.ValueAttr().Path(), a.Path(), a.Path())
}

// KeepElements is the new list, with the current elements for those that are still
// in it: they are the same by their `value`, and nothing else of them can change.
func KeepElements(a *schema.Attribute, old, now any) any {
	before, _ := old.([]any)
	after, _ := now.([]any)
	known := make(map[string]any, len(before))
	for _, e := range before {
		known[content.ElementKey(a, e)] = e
	}
	kept := make([]any, len(after))
	for i, e := range after {
		kept[i] = e
		if was, ok := known[content.ElementKey(a, e)]; ok {
			kept[i] = was
		}
	}
	return kept
}

// KeepSubAttributes is the new complex value with the current immutable
// sub-attributes and, where it says the same as before, the read-only ones.
func KeepSubAttributes(a *schema.Attribute, old any, now scim.Complex) (scim.Complex, error) {
	was, ok := old.(scim.Complex)
	if !ok {
		return now, nil
	}
	same := content.Equal(a, was, now)
	for _, s := range a.SubAttributes {
		v, is := was[s.Name]
		if !is {
			continue
		}
		switch {
		case s.Mutability == schema.Immutable:
			if content.Assigned(now[s.Name]) && !content.Equal(s, v, now[s.Name]) {
				return nil, ImmutableDiffers(s)
			}
			now[s.Name] = v
		case s.Mutability == schema.ReadOnly && same:
			now[s.Name] = v
		}
	}
	return now, nil
}

// ImmutableDiffers is the error for another value of an immutable attribute.
func ImmutableDiffers(a *schema.Attribute) error {
	return scim.BadRequest(scim.Mutability, "%q is immutable and has another value already", a.Path())
}
