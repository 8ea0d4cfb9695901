// Package roles has the roles and entitlements of a tenant's application, as its identity provider
// sees them (draft-ietf-scim-roles-entitlements): a list that is read, and never changed. Where they
// come from is not its business.
package roles

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

const (
	// mostNamed bounds how many values a refusal names.
	mostNamed = 10
	// longestNamed bounds how many bytes of a value it has that a client has sent.
	longestNamed = 128
)

// Role is one role or entitlement.
type Role struct {
	// Value is what users have as its value. It is the id, too: Okta writes the id into users.
	Value string
	// Display is for people; they see the value when it is empty.
	Display string
	// Type and Description are of the application's own, and may be empty.
	Type, Description string
	Created           time.Time
}

// Catalogue has the roles and entitlements of a tenant. It does not change, and may be used by many
// goroutines. A nil one stands for those of which nothing is known.
type Catalogue struct {
	roles, entitlements kind
}

// kind is either the roles or the entitlements.
type kind struct {
	resourceType *schema.ResourceType
	resources    []*scim.Resource
	known        map[string]struct{} // by the folded value
}

// New returns the catalogue of roles and entitlements, of which no two have one value. Okta gets
// them as it reads them.
func New(okta bool, roles, entitlements []Role) *Catalogue {
	types, attributes := schema.DraftRoles(), draft
	if okta {
		types, attributes = schema.OktaRoles(), forOkta
	}
	return &Catalogue{
		roles:        newKind(types.Role, roles, attributes),
		entitlements: newKind(types.Entitlement, entitlements, attributes),
	}
}

func newKind(t *schema.ResourceType, roles []Role, attributes func(Role) scim.Complex) kind {
	k := kind{resourceType: t, known: make(map[string]struct{}, len(roles))}
	for _, role := range roles {
		k.resources = append(k.resources, newResource(t, role, attributes(role)))
		k.known[fold.Key(role.Value)] = struct{}{}
	}
	return k
}

// newResource makes the resource of a role. Its version follows from what is in it, so that it is
// the same at all replicas, and after a restore.
func newResource(t *schema.ResourceType, role Role, attributes scim.Complex) *scim.Resource {
	for name, value := range map[string]string{"type": role.Type, "description": role.Description} {
		if value != "" {
			attributes[name] = value
		}
	}
	r := scim.NewResource(t, attributes)
	r.SetID(role.Value)
	hash := sha256.Sum256(render.JSON(r))
	r.SetMeta(scim.Meta{Created: role.Created, Version: `W/"` + hex.EncodeToString(hash[:8]) + `"`})
	return r
}

func draft(role Role) scim.Complex {
	attributes := scim.Complex{"value": role.Value, "supported": true}
	if role.Display != "" {
		attributes["display"] = role.Display
	}
	return attributes
}

func forOkta(role Role) scim.Complex {
	if role.Display == "" {
		return scim.Complex{"displayName": role.Value}
	}
	return scim.Complex{"displayName": role.Display}
}

// ResourceTypes are the types of which there are any: a client that reads of others would make
// something of them.
func (c *Catalogue) ResourceTypes() (types []*schema.ResourceType) {
	if c == nil {
		return nil
	}
	for _, k := range []*kind{&c.roles, &c.entitlements} {
		if len(k.resources) > 0 {
			types = append(types, k.resourceType)
		}
	}
	return types
}

// Has reports whether there are roles, and whether there are entitlements.
func (c *Catalogue) Has() (roles, entitlements bool) {
	if c == nil {
		return false, false
	}
	return len(c.roles.resources) > 0, len(c.entitlements.resources) > 0
}

// Serves reports whether resources of a type are in the catalogue.
func (c *Catalogue) Serves(t *schema.ResourceType) bool {
	return c != nil && (t == c.roles.resourceType || t == c.entitlements.resourceType)
}

// List returns those of a type that a query asks for.
func (c *Catalogue) List(t *schema.ResourceType, query store.Query) (*store.Page, error) {
	return store.Select(slices.Clone(c.of(t).resources), query)
}

// Get returns one by its id.
func (c *Catalogue) Get(t *schema.ResourceType, id string) (*scim.Resource, error) {
	for _, r := range c.of(t).resources {
		if r.ID() == id {
			return r, nil
		}
	}
	return nil, store.NotFound(t, id)
}

// of returns the kind of a type that is served.
func (c *Catalogue) of(t *schema.ResourceType) *kind {
	if t == c.roles.resourceType {
		return &c.roles
	}
	return &c.entitlements
}

// Check returns an error for a user who has a role or an entitlement that there is not, unless the
// former user had it. former is nil for a user who is new.
func (c *Catalogue) Check(former, user *scim.Resource) error {
	if err := c.roles.check("roles", former, user); err != nil {
		return err
	}
	return c.entitlements.check("entitlements", former, user)
}

func (k *kind) check(attribute string, former, user *scim.Resource) error {
	had := valuesOf(former, attribute)
	for _, value := range valuesOf(user, attribute) {
		if _, known := k.known[fold.Key(value)]; !known && !slices.Contains(had, value) {
			return k.unknown(attribute, value)
		}
	}
	return nil
}

// valuesOf are the values of an attribute of a user. An element without one counts as empty.
func valuesOf(user *scim.Resource, attribute string) (values []string) {
	if user == nil {
		return nil
	}
	elements, _ := user.Attributes()[attribute].([]any)
	for _, element := range elements {
		parts, _ := element.(scim.Complex)
		value, _ := parts["value"].(string)
		values = append(values, value)
	}
	return values
}

// unknown is the error for a value that there is not. It names some that there are.
func (k *kind) unknown(attribute, value string) error {
	what := "an element without a value"
	if value != "" {
		what = fmt.Sprintf("%q", strings.ToValidUTF8(value[:min(len(value), longestNamed)], ""))
	}
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
		"%q has %s, which this application does not know: %s; choose another one in the identity provider, or ask who runs this service to add it",
		attribute, what, k.names())
}

// names says which values there are.
func (k *kind) names() string {
	if len(k.resources) == 0 {
		return "it knows none so far"
	}
	var values []string
	for _, r := range k.resources {
		values = append(values, r.ID())
	}
	slices.Sort(values)
	more := ""
	if len(values) > mostNamed {
		more = fmt.Sprintf(" and %d more", len(values)-mostNamed)
		values = values[:mostNamed]
	}
	for i, value := range values {
		values[i] = fmt.Sprintf("%q", value)
	}
	return "it knows " + strings.Join(values, ", ") + more
}
