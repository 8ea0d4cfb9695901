package contract

import (
	"fmt"
	"strings"

	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/userlabels"
)

// Registry returns the SCIM schemas of a tenant: the RFC's and the tenant's own
// extensions. An error says which definition is wrong; the API server refuses such
// a tenant, unless an older CustomResourceDefinition was in place.
func Registry(t *scimv1alpha1.ScimTenant) (*schema.Registry, error) {
	extensions := make([]*schema.Schema, 0, len(t.Spec.SchemaExtensions))
	for i := range t.Spec.SchemaExtensions {
		extensions = append(extensions, schemaOf(&t.Spec.SchemaExtensions[i]))
	}
	registry, err := schema.NewRegistry(extensions...)
	if err != nil {
		return nil, fmt.Errorf("spec.schemaExtensions: %w", err)
	}
	return registry, nil
}

// Labels returns the labels that the users of a tenant have by their attributes. An error says which
// definitions are wrong, and these are left out: the API server sees only some of the mistakes.
func Labels(t *scimv1alpha1.ScimTenant, registry *schema.Registry) (*userlabels.Set, error) {
	definitions := make([]userlabels.Definition, 0, len(t.Spec.Users.Labels))
	for _, label := range t.Spec.Users.Labels {
		definitions = append(definitions, userlabels.Definition{Key: label.Key, Attribute: label.Attribute})
	}
	labels, err := userlabels.Parse(definitions, registry.User())
	if err != nil {
		return labels, fmt.Errorf("spec.users.labels: %w", err)
	}
	return labels, nil
}

// schemaOf returns the SCIM schema that an extension defines.
func schemaOf(extension *scimv1alpha1.SchemaExtension) *schema.Schema {
	schema := &schema.Schema{ID: extension.ID, Description: extension.Description}
	for i := range extension.Attributes {
		defined := &extension.Attributes[i]
		attribute := attributeOf(&defined.AttributeCharacteristics)
		for j := range defined.SubAttributes {
			attribute.SubAttributes = append(attribute.SubAttributes, attributeOf(&defined.SubAttributes[j].AttributeCharacteristics))
		}
		schema.Attributes = append(schema.Attributes, attribute)
	}
	return schema
}

// attributeOf returns the SCIM attribute with the characteristics. What is
// omitted has the defaults of RFC 7643 section 2.2.
func attributeOf(c *scimv1alpha1.AttributeCharacteristics) *schema.Attribute {
	return &schema.Attribute{
		Name:            c.Name,
		Type:            schema.Type(rfcName(string(c.Type))),
		Description:     c.Description,
		MultiValued:     ptr.Deref(c.MultiValued, false),
		Required:        ptr.Deref(c.Required, false),
		CaseExact:       ptr.Deref(c.CaseExact, false),
		Mutability:      schema.AttributeMutability(rfcName(string(c.Mutability))),
		Returned:        schema.AttributeReturned(rfcName(string(c.Returned))),
		CanonicalValues: c.CanonicalValues,
	}
}

// rfcName returns the RFC's spelling of an enum value, which begins with a small
// letter: DateTime is dateTime.
func rfcName(value string) string {
	if value == "" {
		return ""
	}
	return strings.ToLower(value[:1]) + value[1:]
}
