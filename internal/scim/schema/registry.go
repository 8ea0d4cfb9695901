package schema

import (
	"fmt"

	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// Registry is the resource types that one tenant has: User with the enterprise
// extension and the tenant's own, and Group. It does not change, and may be used
// by many goroutines.
type Registry struct {
	user, group *ResourceType
	schemas     []*Schema
}

// NewRegistry makes the registry of a tenant. The extensions add attributes to
// User, each under its own URN; an error says which definition is wrong.
func NewRegistry(userExtensions ...*Schema) (*Registry, error) {
	extensions := []SchemaExtension{{Schema: enterpriseSchema()}}
	for _, s := range userExtensions {
		extensions = append(extensions, SchemaExtension{Schema: s})
	}
	user, err := newResourceType("User", "/Users", "User Account", userSchema(), extensions)
	if err != nil {
		return nil, err
	}
	group, err := newResourceType("Group", "/Groups", "Group", groupSchema(), nil)
	if err != nil {
		return nil, err
	}
	user.derived, group.derived = user.Schema.index["groups"], group.Schema.index["members"]
	g := &Registry{user: user, group: group}
	endpoints := map[string]string{user.Name: user.Endpoint, group.Name: group.Endpoint}
	for _, t := range g.ResourceTypes() {
		t.endpoints = endpoints
		for _, s := range t.schemas {
			if _, taken := g.Schema(s.ID); taken {
				return nil, fmt.Errorf("schema %s is defined twice", s.ID)
			}
			g.schemas = append(g.schemas, s)
		}
	}
	learnURNs(g.ResourceTypes())
	return g, nil
}

// User is the resource type User.
func (g *Registry) User() *ResourceType { return g.user }

// Group is the resource type Group.
func (g *Registry) Group() *ResourceType { return g.group }

// ResourceTypes are all resource types, in a fixed order.
func (g *Registry) ResourceTypes() []*ResourceType { return []*ResourceType{g.user, g.group} }

// Schemas are the schemas of all resource types, in a fixed order.
func (g *Registry) Schemas() []*Schema { return append([]*Schema(nil), g.schemas...) }

// Schema finds a schema by its URN, whatever its case.
func (g *Registry) Schema(urn string) (*Schema, bool) {
	for _, s := range g.schemas {
		if ascii.Equal(s.ID, urn) {
			return s, true
		}
	}
	return nil, false
}
