package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxListedSubjects is how many subjects the status of a ScimRoleBinding lists at most.
const MaxListedSubjects = 100

// BoundRoleKind is the kind of a role that can be bound.
// +kubebuilder:validation:Enum=Role;ClusterRole
type BoundRoleKind string

// Kinds of roles.
const (
	// BoundRole is a Role of the namespace.
	BoundRole BoundRoleKind = "Role"
	// BoundClusterRole is a ClusterRole.
	BoundClusterRole BoundRoleKind = "ClusterRole"
)

// RoleBindingScope says where the role holds.
// +kubebuilder:validation:Enum=Namespace;Cluster
type RoleBindingScope string

// Scopes of role bindings.
const (
	// ScopeNamespace is the namespace of the ScimRoleBinding.
	ScopeNamespace RoleBindingScope = "Namespace"
	// ScopeCluster is the whole cluster.
	ScopeCluster RoleBindingScope = "Cluster"
)

// RoleBindingMode says whether something is done.
// +kubebuilder:validation:Enum=Apply;DryRun
type RoleBindingMode string

// Modes of role bindings.
const (
	// ModeApply gives the role.
	ModeApply RoleBindingMode = "Apply"
	// ModeDryRun says in the status whom the role would be given.
	ModeDryRun RoleBindingMode = "DryRun"
)

// SubjectAttribute is the attribute of a user that the API server knows the user by.
// +kubebuilder:validation:Enum=UserName;PrimaryEmail;ExternalId;Id
type SubjectAttribute string

// Attributes that subjects are made of.
const (
	// SubjectUserName is userName.
	SubjectUserName SubjectAttribute = "UserName"
	// SubjectPrimaryEmail is the primary e-mail address, or the first one of who has no primary one.
	SubjectPrimaryEmail SubjectAttribute = "PrimaryEmail"
	// SubjectExternalID is externalId.
	SubjectExternalID SubjectAttribute = "ExternalId"
	// SubjectID is the SCIM id.
	SubjectID SubjectAttribute = "Id"
)

// ScimRoleBindingSpec says which group gets which role.
// +kubebuilder:validation:XValidation:rule="self.roleRef == oldSelf.roleRef",message="`roleRef` must not change, as that of a RoleBinding: make another ScimRoleBinding, and delete this one"
// +kubebuilder:validation:XValidation:rule="self.scope == oldSelf.scope",message="`scope` must not change: make another ScimRoleBinding, and delete this one"
// +kubebuilder:validation:XValidation:rule="self.scope != 'Cluster' || self.roleRef.kind == 'ClusterRole'",message="`scope` 'Cluster' needs a `roleRef` of kind 'ClusterRole': a Role holds in its namespace only"
// +kubebuilder:validation:XValidation:rule="oldSelf.mode != 'Apply' || self.mode == 'Apply'",message="`mode` must not go back to 'DryRun', by which nobody would lose the role any more: make another ScimRoleBinding with 'DryRun' to see what that would do"
type ScimRoleBindingSpec struct {
	// tenantRef is the tenant that the group is of.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// group says which group of the tenant gets the role, by one of the fields.
	// +required
	Group GroupSelector `json:"group,omitzero"`

	// roleRef is the role. The operator's configuration says which ones can be named.
	// +required
	RoleRef BoundRoleReference `json:"roleRef,omitzero"`

	// scope says where the role holds: Namespace is that of the ScimRoleBinding, and Cluster the
	// whole cluster. Namespace when omitted.
	// +optional
	// +kubebuilder:default=Namespace
	Scope RoleBindingScope `json:"scope,omitempty"`

	// subject says by which name the API server knows the members.
	// +required
	Subject SubjectSpec `json:"subject,omitzero"`

	// mode says whether the role is given: with DryRun, the status lists whom it would be given, and
	// nothing else is done. Apply when omitted, which cannot become DryRun.
	// +optional
	// +kubebuilder:default=Apply
	Mode RoleBindingMode `json:"mode,omitempty"`
}

// GroupSelector finds one group of a tenant.
// +kubebuilder:validation:ExactlyOneOf=displayName;externalId;id
type GroupSelector struct {
	// displayName is the group's name, whatever its case. A group that is renamed is not found any more.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	DisplayName string `json:"displayName,omitempty"`

	// externalId is the identity provider's own id of the group.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ExternalID string `json:"externalId,omitempty"`

	// id is the SCIM id of the group, which is the name of the ScimGroup.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ID string `json:"id,omitempty"`
}

// BoundRoleReference names a role.
type BoundRoleReference struct {
	// kind is ClusterRole, or Role for one of the namespace.
	// +required
	Kind BoundRoleKind `json:"kind,omitempty"`

	// name is the name of the role.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!self.contains('/') && !self.contains('%') && self != '.' && self != '..'",message="must be the name of a role, for example 'view'"
	Name string `json:"name,omitempty"`
}

// SubjectSpec says by which name the API server knows a user of the tenant.
type SubjectSpec struct {
	// attribute is what the API server has of a user: the claim by which it knows users must have the
	// same value, letter for letter. A member without it does not get the role.
	// +required
	Attribute SubjectAttribute `json:"attribute,omitempty"`

	// prefix is what the API server puts before that, as `--oidc-username-prefix` or `usernamePrefix`
	// of its authentication says, for example 'oidc:'. Without one, the identity provider could choose the name
	// of anybody in the cluster.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('system:') && !'system:'.startsWith(self)",message="must not be the beginning of 'system:', by which Kubernetes' own users are called: choose the prefix that the API server's authentication adds, for example 'oidc:'"
	Prefix string `json:"prefix,omitempty"`
}

// ScimRoleBindingStatus says who has the role.
type ScimRoleBindingStatus struct {
	// conditions are Ready and what it is made of, RoleAllowed and GroupFound; Reconciling or Stalled
	// while one of them holds.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about;
	// -1 until there is any status, so that nobody takes the resource for ready.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// group is the SCIM id of the group.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Group string `json:"group,omitempty"`

	// subjects is how many members have the role or, with DryRun, would have it.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Subjects *int32 `json:"subjects,omitempty"`

	// withoutSubject is how many active members of the group cannot have the role, since they do not have the attribute of
	// spec.subject, or have one that is longer than 1,024 bytes with the prefix.
	// +optional
	// +kubebuilder:validation:Minimum=0
	WithoutSubject *int32 `json:"withoutSubject,omitempty"`

	// generatedBindings is how many RoleBindings or ClusterRoleBindings the subjects are in.
	// +optional
	// +kubebuilder:validation:Minimum=0
	GeneratedBindings *int32 `json:"generatedBindings,omitempty"`

	// dryRun says what would be done.
	// +optional
	DryRun RoleBindingDryRun `json:"dryRun,omitzero"`
}

// RoleBindingDryRun is what a ScimRoleBinding would do.
// +kubebuilder:validation:MinProperties=1
type RoleBindingDryRun struct {
	// subjects are the names that would get the role, in order; the first 100, if there are more.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=5120
	Subjects []string `json:"subjects,omitempty"`

	// generatedBindings is how many RoleBindings or ClusterRoleBindings there would be.
	// +optional
	// +kubebuilder:validation:Minimum=0
	GeneratedBindings *int32 `json:"generatedBindings,omitempty"`
}

// ScimRoleBinding gives the active members of a group of a tenant a role in Kubernetes, in
// RoleBindings or ClusterRoleBindings that the operator writes. Who writes its spec must
// hold `bind` on the role, and must be allowed to create RoleBindings or, for the scope Cluster, ClusterRoleBindings.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=srole,categories=scim
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Role",type=string,JSONPath=`.spec.roleRef.name`
// +kubebuilder:printcolumn:name="Scope",type=string,JSONPath=`.spec.scope`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Subjects",type=integer,JSONPath=`.status.subjects`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Mode",type=string,priority=1,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Group",type=string,priority=1,JSONPath=`.status.group`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 50 && !self.metadata.name.contains('.')",message="`metadata.name` must be at most 50 characters and have no '.', since labels and other objects are named after it; for example 'admins'"
type ScimRoleBinding struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says which group gets which role.
	// +required
	Spec ScimRoleBindingSpec `json:"spec,omitzero"`

	// status says who has the role.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimRoleBindingStatus `json:"status,omitzero"`
}

// ScimRoleBindingList is a list of ScimRoleBindings.
//
// +kubebuilder:object:root=true
type ScimRoleBindingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimRoleBinding `json:"items"`
}

// GetConditions returns the conditions of the binding.
func (b *ScimRoleBinding) GetConditions() []metav1.Condition { return b.Status.Conditions }

// SetConditions replaces the conditions of the binding.
func (b *ScimRoleBinding) SetConditions(conditions []metav1.Condition) {
	b.Status.Conditions = conditions
}
