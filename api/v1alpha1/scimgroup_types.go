package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxGroupMembers is the number of members that one ScimGroup can hold itself,
// users and groups together. Servers keep fewer in it, and further ones in
// ScimGroupMembers; those of older releases have filled it.
const MaxGroupMembers = 1000

// MemberID is the SCIM id of a member of a group.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
type MemberID string

// ScimGroupSpec is a SCIM Group (RFC 7643 section 4.2) and what Kubescim keeps
// about it. Field names are the RFC's.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="self.tenantRef == oldSelf.tenantRef",message="`tenantRef` must not change: a group belongs to one tenant"
type ScimGroupSpec struct {
	// tenantRef is the tenant that the group belongs to.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// displayName is the group's name; unique in the tenant whatever its case.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	DisplayName string `json:"displayName,omitempty"`

	// externalId is the identity provider's own id of the group.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ExternalID string `json:"externalId,omitempty"`

	// memberCount is the number of members in this object, users and groups
	// together. A group with the label `scim.kubescim.dev/sliced` has others in
	// ScimGroupMembers, which count their own.
	// +required
	// +kubebuilder:validation:Minimum=0
	MemberCount *int32 `json:"memberCount,omitempty"`

	// members are the SCIM ids of the users in the group, in order. A
	// group of more than 100 members has them in the ScimGroupMembers with the
	// label `scim.kubescim.dev/group`.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Members []MemberID `json:"members,omitempty"`

	// memberGroups are the SCIM ids of the groups in the group, in order.
	// Further ones may be in ScimGroupMembers.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	MemberGroups []MemberID `json:"memberGroups,omitempty"`

	// meta says when the group was written and by whom.
	// +required
	Meta ResourceMeta `json:"meta,omitzero"`
}

// ScimGroup is one group of a tenant, as its identity provider wrote it. Its
// name is its SCIM id. The SCIM server writes it; read it, and write nothing.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=sgroup
// +kubebuilder:printcolumn:name="DisplayName",type=string,JSONPath=`.spec.displayName`
// +kubebuilder:printcolumn:name="Members",type=integer,JSONPath=`.spec.memberCount`
// +kubebuilder:printcolumn:name="Deleted",type=date,JSONPath=`.spec.meta.deletedTime`
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Modified",type=date,JSONPath=`.spec.meta.lastModifiedTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="External ID",type=string,priority=1,JSONPath=`.spec.externalId`
// +kubebuilder:printcolumn:name="Key",type=string,priority=1,JSONPath=`.spec.meta.keyID`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.displayName`
// +kubebuilder:selectablefield:JSONPath=`.spec.externalId`
type ScimGroup struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata; its name is the SCIM id.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the group.
	// +required
	Spec ScimGroupSpec `json:"spec,omitzero"`
}

// ScimGroupList is a list of ScimGroups.
//
// +kubebuilder:object:root=true
type ScimGroupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimGroup `json:"items"`
}
