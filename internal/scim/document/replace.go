package document

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Replace reads the body of a PUT and gives the resource that is to be in place of
// the current one (RFC 7644 section 3.5.1). Attributes that the client may write
// and left out are gone, but for `active`; the read-only ones stay as they are, and an
// immutable one that differs is `mutability`. The current resource is not changed.
func Replace(t *schema.ResourceType, current *scim.Resource, doc []byte, l scim.Leniency) (*scim.Resource, error) {
	r, err := Decode(t, doc, l)
	if err != nil {
		return nil, err
	}
	r.SetMeta(current.Meta())
	if id := current.ID(); id != "" {
		r.SetID(id)
	}
	for _, s := range t.Schemas() {
		if err := carryOver(r, s, current.Container(s)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// carryOver takes from the current attributes of a schema what a PUT cannot
// change.
func carryOver(r *scim.Resource, s *schema.Schema, current scim.Complex) error {
	for _, a := range s.Attributes {
		old, is := current[a.Name]
		if !is {
			continue
		}
		now := r.Container(s)[a.Name]
		switch {
		case a.Mutability == schema.ReadOnly:
		case a.Lasting() && !content.Assigned(now):
		case a.Mutability == schema.Immutable:
			if content.Assigned(now) && !content.Equal(a, old, now) {
				return patch.ImmutableDiffers(a)
			}
		case a.Identified():
			old = patch.KeepElements(a, old, now)
		case a.Type == schema.TypeComplex && !a.MultiValued:
			c, ok := now.(scim.Complex)
			if !ok {
				continue
			}
			merged, err := patch.KeepSubAttributes(a, old, c)
			if err != nil {
				return err
			}
			old = merged
		default:
			continue
		}
		put(r, s, a, content.Clone(old))
	}
	return nil
}

// put assigns a value; unassigned values are taken out, and an extension with
// nothing in it too.
func put(r *scim.Resource, s *schema.Schema, a *schema.Attribute, v any) {
	c := r.Container(s)
	if c == nil {
		c = scim.Complex{}
		r.Attributes()[s.ID] = c
	}
	if content.Assigned(v) {
		c[a.Name] = v
	} else {
		delete(c, a.Name)
	}
	if !s.Core() && len(c) == 0 {
		delete(r.Attributes(), s.ID)
	}
}
