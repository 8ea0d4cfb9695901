package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxRoles is how many ScimRoles of a tenant are served, roles and entitlements together.
const MaxRoles = 1000

// RoleType says what a ScimRole is.
// +kubebuilder:validation:Enum=Role;Entitlement
type RoleType string

// What a ScimRole may be.
const (
	// RoleTypeRole is what a user is, in the user's roles.
	RoleTypeRole RoleType = "Role"
	// RoleTypeEntitlement is what a user has, in the user's entitlements.
	RoleTypeEntitlement RoleType = "Entitlement"
)

// ScimRoleSpec is a role or an entitlement as identity providers see it.
// +kubebuilder:validation:XValidation:rule="self.tenantRef == oldSelf.tenantRef",message="`tenantRef` must not change: a role belongs to one tenant. Create another ScimRole for the other tenant"
// +kubebuilder:validation:XValidation:rule="self.value == oldSelf.value",message="`value` must not change, since identity providers know the role by it. Create another ScimRole with the other value, and delete this one"
// +kubebuilder:validation:XValidation:rule="self.resourceType == oldSelf.resourceType",message="`resourceType` must not change. Create another ScimRole"
type ScimRoleSpec struct {
	// tenantRef is the ScimTenant, in the same namespace, whose identity provider sees the role.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// resourceType says whether it is a role, in the `roles` of users, or an entitlement, in their
	// `entitlements`.
	// +optional
	// +kubebuilder:default=Role
	ResourceType RoleType `json:"resourceType,omitempty"`

	// value is what users who have the role have as its value. It is its SCIM id, too, so that it
	// has no slash and stays as it is. A tenant has one role and one entitlement of a value,
	// whatever its case.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^\\\\x00-\\\\x20\\\\x7f./]([^\\\\x00-\\\\x1f\\\\x7f/]*[^\\\\x00-\\\\x20\\\\x7f/])?$')",message="must have no slash and no control character, begin with neither a blank nor a dot, and not end with a blank, since it is part of URLs: for example 'billing-admin'"
	Value string `json:"value,omitempty"`

	// display is the name that people choose the role by. When omitted, they see the value.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Display string `json:"display,omitempty"`

	// type is a label of the application's own, for example License.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Type string `json:"type,omitempty"`

	// description says what the role is for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Description string `json:"description,omitempty"`
}

// ScimRoleStatus says whether a role is served.
type ScimRoleStatus struct {
	// conditions are Ready, and Stalled while somebody has to act.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the metadata.generation that this status describes. It is
	// -1 until there is any status, so that nobody takes the resource for ready.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// ScimRole is a role or an entitlement of the application. The identity provider of its tenant
// sees it at /Roles or /Entitlements, and cannot change it. Who has it, users say, in their
// `roles` and `entitlements`.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sapprole,categories=scim
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Value",type=string,JSONPath=`.spec.value`
// +kubebuilder:printcolumn:name="Resource type",type=string,JSONPath=`.spec.resourceType`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.value`
type ScimRole struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what the role is.
	// +required
	Spec ScimRoleSpec `json:"spec,omitzero"`

	// status says whether it is served.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimRoleStatus `json:"status,omitzero"`
}

// Type returns whether it is a role or an entitlement: a role when its spec says nothing.
func (r *ScimRole) Type() RoleType { return orDefault(r.Spec.ResourceType, RoleTypeRole) }

// GetConditions returns the conditions of the role.
func (r *ScimRole) GetConditions() []metav1.Condition { return r.Status.Conditions }

// SetConditions replaces the conditions of the role.
func (r *ScimRole) SetConditions(c []metav1.Condition) { r.Status.Conditions = c }

// ScimRoleList is a list of ScimRoles.
//
// +kubebuilder:object:root=true
type ScimRoleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimRole `json:"items"`
}
