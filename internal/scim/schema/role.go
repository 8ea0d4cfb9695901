package schema

// URNs of the schemas of roles and entitlements: those of draft-ietf-scim-roles-entitlements, and
// those that Okta goes by.
const (
	URNRole            = "urn:ietf:params:scim:schemas:core:2.0:Role"
	URNEntitlement     = "urn:ietf:params:scim:schemas:core:2.0:Entitlement"
	URNOktaRole        = "urn:okta:scim:schemas:core:1.0:Role"
	URNOktaEntitlement = "urn:okta:scim:schemas:core:1.0:Entitlement"
)

// RoleTypes are the resource types of what users can be given. They are the same for all
// tenants, and read-only.
type RoleTypes struct {
	Role, Entitlement *ResourceType
}

var (
	draftRoles = newRoleTypes(draftRoleSchema(URNRole, "Role", "role"), draftRoleSchema(URNEntitlement, "Entitlement", "entitlement"))
	oktaRoles  = newRoleTypes(oktaRoleSchema(URNOktaRole, "Role", "role"), oktaRoleSchema(URNOktaEntitlement, "Entitlement", "entitlement"))
)

// DraftRoles are roles and entitlements as draft-ietf-scim-roles-entitlements has them.
func DraftRoles() RoleTypes { return draftRoles }

// OktaRoles are roles and entitlements as Okta reads them.
func OktaRoles() RoleTypes { return oktaRoles }

func newRoleTypes(role, entitlement *Schema) RoleTypes {
	// Constant definitions: a test says that they compile.
	roles, _ := newResourceType("Role", "/Roles", "Role of the application", role, nil)
	entitlements, _ := newResourceType("Entitlement", "/Entitlements", "Entitlement of the application", entitlement, nil)
	learnURNs([]*ResourceType{roles, entitlements})
	return RoleTypes{Role: roles, Entitlement: entitlements}
}

// draftRoleSchema is that of the draft, of which it has what is known here. It has a description
// besides, for the people who choose.
func draftRoleSchema(urn, name, what string) *Schema {
	return &Schema{ID: urn, Name: name, Description: name, Attributes: []*Attribute{
		{Name: "value", Required: true, Mutability: ReadOnly, Description: "The value of the " + what + ", as in users. It is the id, too."},
		{Name: "display", Mutability: ReadOnly, Description: "A human-readable name, primarily used for display purposes."},
		{Name: "type", Mutability: ReadOnly, Description: "A label indicating the function of the " + what + "."},
		{Name: "supported", Type: TypeBoolean, Required: true, Mutability: ReadOnly, Description: "Whether the " + what + " is enabled and intended for use."},
		{Name: "description", Mutability: ReadOnly, Description: "What the " + what + " is for."},
	}}
}

// oktaRoleSchema is that of Okta's guide to servers with entitlements.
func oktaRoleSchema(urn, name, what string) *Schema {
	return &Schema{ID: urn, Name: name, Description: name, Attributes: []*Attribute{
		{Name: "displayName", Required: true, Mutability: ReadOnly, Description: "The name of the " + what + " for people."},
		{Name: "type", Mutability: ReadOnly, Description: "A label indicating the function of the " + what + "."},
		{Name: "description", Mutability: ReadOnly, Description: "What the " + what + " is for."},
	}}
}
