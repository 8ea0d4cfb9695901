package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxSliceMembers is the number of members that one ScimGroupMembers can hold,
// users and groups together. Servers begin to put some of them into another one
// long before that.
const MaxSliceMembers = 1000

// GroupReference names a ScimGroup in the same namespace.
type GroupReference struct {
	// name is the name of the ScimGroup, which is its SCIM id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`
}

// ScimGroupMembersSpec is a part of the members of a SCIM Group (RFC 7643
// section 4.2).
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="self.tenantRef == oldSelf.tenantRef",message="`tenantRef` must not change: members belong to one tenant"
// +kubebuilder:validation:XValidation:rule="self.groupRef == oldSelf.groupRef",message="`groupRef` must not change: make another ScimGroupMembers for another group"
// +kubebuilder:validation:XValidation:rule="(has(self.members) ? size(self.members) : 0) + (has(self.memberGroups) ? size(self.memberGroups) : 0) <= 1000",message="`members` and `memberGroups` together must not have more than 1000 items"
type ScimGroupMembersSpec struct {
	// tenantRef is the tenant that the group belongs to.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// groupRef is the group whose members these are.
	// +required
	GroupRef GroupReference `json:"groupRef,omitzero"`

	// memberCount is the number of members in this object, users and groups
	// together.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	MemberCount *int32 `json:"memberCount,omitempty"`

	// members are the SCIM ids of users in the group, in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	Members []MemberID `json:"members,omitempty"`

	// memberGroups are the SCIM ids of groups in the group, in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1000
	MemberGroups []MemberID `json:"memberGroups,omitempty"`

	// meta says when these members were written and by whom.
	// +required
	Meta ResourceMeta `json:"meta,omitzero"`
}

// ScimGroupMembers is a part of the members of a ScimGroup that has more than
// fit into one object, as an EndpointSlice is a part of the endpoints of a
// Service. Its name is the group's SCIM id, a part of the ScimGroup's uid and a
// number, which says with the annotation `scim.kubescim.dev/slice-depth` which
// members it is for; the label
// `scim.kubescim.dev/group` has the id too. The SCIM server writes it, and
// deletes it with the group; read it, and write nothing.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=scimgroupmembers,shortName=sgroupmembers
// +kubebuilder:printcolumn:name="Group",type=string,JSONPath=`.spec.groupRef.name`
// +kubebuilder:printcolumn:name="Members",type=integer,JSONPath=`.spec.memberCount`
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Modified",type=date,JSONPath=`.spec.meta.lastModifiedTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Key",type=string,priority=1,JSONPath=`.spec.meta.keyID`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.groupRef.name`
type ScimGroupMembers struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the part of the members.
	// +required
	Spec ScimGroupMembersSpec `json:"spec,omitzero"`
}

// ScimGroupMembersList is a list of ScimGroupMembers.
//
// +kubebuilder:object:root=true
type ScimGroupMembersList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimGroupMembers `json:"items"`
}
