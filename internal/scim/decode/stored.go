package decode

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// FromJSON reads what MarshalJSON wrote, for a store. Everything counts, read-only
// attributes and `meta` too, and nothing is put up with.
func FromJSON(t *schema.ResourceType, doc []byte) (*scim.Resource, error) {
	o, err := message.Parse(doc)
	if err != nil {
		return nil, err
	}
	return Reader{Type: t, Stored: true}.Resource(o, refuseOdd(t))
}

// ExtensionFromJSON reads the JSON of one extension's attributes, for a store, as
// FromJSON reads a whole resource. The extension must be one of the type's.
func ExtensionFromJSON(t *schema.ResourceType, urn string, doc []byte) (scim.Complex, error) {
	s := t.SchemaNamed(urn)
	if s == nil || s.Core() {
		return nil, scim.BadRequest(scim.InvalidValue, "%q is no extension of %s", urn, t.Name)
	}
	o, err := message.Parse(doc)
	if err != nil {
		return nil, err
	}
	var odd []OddMember
	c, err := Reader{Type: t, Stored: true}.extension(s, &odd, o)
	if len(odd) > 0 {
		return nil, scim.BadRequest(scim.InvalidSyntax, "%q has no attribute %q", urn, odd[0].Name)
	}
	if err != nil || len(c) == 0 {
		return nil, err
	}
	return c, RequireAttributes(s, c)
}

// refuseOdd refuses members that have not the name of an attribute.
func refuseOdd(t *schema.ResourceType) func(*scim.Resource, []OddMember) (*scim.Resource, error) {
	return func(_ *scim.Resource, odd []OddMember) (*scim.Resource, error) {
		return nil, scim.BadRequest(scim.InvalidSyntax, "%q is no attribute of %s", odd[0].Name, t.Name)
	}
}
