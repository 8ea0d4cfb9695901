package schema

import (
	"fmt"
	"net/url"
	"strings"
)

// ResourceType is a kind of resource: its core schema and the extensions that its
// resources may have (RFC 7643 section 6). It comes from a Registry.
type ResourceType struct {
	// Name is "User" or "Group", as in meta.resourceType.
	Name string
	// Endpoint is relative to the base URL: "/Users".
	Endpoint    string
	Description string
	Schema      *Schema
	Extensions  []SchemaExtension

	schemas   []*Schema         // the core schema and the extensions
	urns      []URN             // of these and of the other types, the longest first
	endpoints map[string]string // of the registry's types, for $ref
	derived   *Attribute        // the attribute that follows from other resources
	exact     bool              // every attribute that is kept is returned by default
}

// Schemas are the core schema and the extensions.
func (t *ResourceType) Schemas() []*Schema { return t.schemas }

// Derived is the attribute that follows from other resources: `groups` of a user, `members`
// of a group.
func (t *ResourceType) Derived() *Attribute { return t.derived }

// AllReturned reports whether every attribute that is kept is returned by default.
func (t *ResourceType) AllReturned() bool { return t.exact }

// SchemaExtension is an extension of a resource type (RFC 7643 section 3.3).
type SchemaExtension struct {
	Schema *Schema
	// Required says that a resource must have data of the extension.
	Required bool
}

func newResourceType(name, endpoint, description string, core *Schema, extensions []SchemaExtension) (*ResourceType, error) {
	compiled, err := core.compile(true)
	if err != nil {
		return nil, err
	}
	t := &ResourceType{Name: name, Endpoint: endpoint, Description: description, Schema: compiled}
	for _, e := range extensions {
		if e.Schema == nil {
			return nil, fmt.Errorf("an extension of %s has no schema", name)
		}
		s, err := e.Schema.compile(false)
		if err != nil {
			return nil, err
		}
		t.Extensions = append(t.Extensions, SchemaExtension{Schema: s, Required: e.Required})
	}
	t.schemas = []*Schema{t.Schema}
	for _, e := range t.Extensions {
		t.schemas = append(t.schemas, e.Schema)
	}
	t.exact = true
	for _, s := range t.schemas {
		t.exact = t.exact && returnedByDefault(s.Attributes)
	}
	return t, nil
}

// returnedByDefault says whether a client gets all of the attributes without asking.
func returnedByDefault(attributes []*Attribute) bool {
	for _, a := range attributes {
		if a.Discarded() {
			continue
		}
		if a.Returned != ReturnedDefault && a.Returned != ReturnedAlways || !returnedByDefault(a.SubAttributes) {
			return false
		}
	}
	return true
}

// Attribute finds a core or common attribute.
func (t *ResourceType) Attribute(name string) *Attribute {
	if a := t.Schema.index.find(name); a != nil {
		return a
	}
	return commonAttributes.find(name)
}

// EndpointOf is the endpoint of a resource type of the registry, by its name.
func (t *ResourceType) EndpointOf(name string) string { return t.endpoints[name] }

// Location is the URL of a resource, as in meta.location and the Location header
// (RFC 7644 section 3.1).
func (t *ResourceType) Location(baseURL, id string) string {
	return strings.TrimRight(baseURL, "/") + t.Endpoint + "/" + url.PathEscape(id)
}
