package decode

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// checkRequired checks that required attributes have a value (RFC 7643 section
// 7). An extension's count where the resource has any data of it.
func checkRequired(r *scim.Resource) error {
	if err := RequireAttributes(r.Type().Schema, r.Attributes()); err != nil {
		return err
	}
	for _, e := range r.Type().Extensions {
		c := r.Container(e.Schema)
		if len(c) == 0 && e.Required {
			return scim.BadRequest(scim.InvalidValue, "attributes of %q are required", e.Schema.ID)
		}
		if len(c) > 0 {
			if err := RequireAttributes(e.Schema, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// RequireAttributes checks that the required attributes of a schema have a value.
func RequireAttributes(s *schema.Schema, c scim.Complex) error {
	for _, a := range s.Attributes {
		if a.Required && a.Mutability != schema.ReadOnly && !a.Discarded() && content.IsBlank(c[a.Name]) {
			return scim.BadRequest(scim.InvalidValue, "%q is required", a.Path())
		}
	}
	return nil
}

// RequireSubAttributes checks that a complex value has what one of the attribute needs.
func (d Reader) RequireSubAttributes(a *schema.Attribute, c scim.Complex) error {
	if a.Identified() && content.IsBlank(c[a.ValueAttr().Name]) {
		return scim.BadRequest(scim.InvalidValue, "%q is required: it says which resource is meant", a.ValueAttr().Path())
	}
	if d.Partial {
		return nil
	}
	for _, s := range a.SubAttributes {
		if s.Required && s.Mutability != schema.ReadOnly && !s.Discarded() && content.IsBlank(c[s.Name]) {
			return scim.BadRequest(scim.InvalidValue, "%q is required", s.Path())
		}
	}
	return nil
}
