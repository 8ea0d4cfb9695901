package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

const (
	// LabelTenant is on every object that Kubescim makes for a tenant; its
	// value is the ScimTenant's name. Whose a user or group is, its spec.tenantRef
	// says, and not the label.
	LabelTenant = "scim.kubescim.dev/tenant"

	// LabelServer is on every object that Kubescim makes for a ScimServer, the Leases of its
	// pods included; its value is the ScimServer's name.
	LabelServer = "scim.kubescim.dev/server"

	// LabelGroup is on every ScimGroupMembers; its value is the name of the
	// ScimGroup, which is the group's SCIM id.
	LabelGroup = "scim.kubescim.dev/group"

	// LabelSliced is on a ScimGroup that has, or has had, more members than fit
	// into it, so that others are in ScimGroupMembers; its value is "true".
	LabelSliced = "scim.kubescim.dev/sliced"

	// LabelAPIKey is on the Secrets of a ScimApiKey; its value is the
	// ScimApiKey's name.
	LabelAPIKey = "scim.kubescim.dev/api-key" //nolint:gosec // A label, not a credential.

	// LabelRoleBinding is on the RoleBindings and ClusterRoleBindings of a ScimRoleBinding; its value is
	// the ScimRoleBinding's name.
	LabelRoleBinding = "scim.kubescim.dev/role-binding"
	// LabelRoleBindingNamespace is on the ClusterRoleBindings of a ScimRoleBinding, which are in no
	// namespace; its value is the ScimRoleBinding's.
	LabelRoleBindingNamespace = "scim.kubescim.dev/role-binding-namespace"

	// LabelDeleted is on every marker, and on a ScimUser that the identity provider deleted and that
	// the tenant keeps; its value is "true".
	LabelDeleted = "scim.kubescim.dev/deleted"

	// AnnotationMarker is on every marker: a ScimUser or ScimGroup that stands for nobody, as it is left for a while
	// when a user or group is deleted for good. It has an id, and nothing else of whom it comes after.
	AnnotationMarker = "scim.kubescim.dev/marker"

	// LabelLease says what a Lease of a tenant or a server is for: LeaseReplica, LeaseClaim or
	// LeasePort.
	LabelLease = "scim.kubescim.dev/lease"
	// LeaseReplica is the value of LabelLease on the Lease of a server pod.
	LeaseReplica = "replica"
	// LeaseClaim is the value of LabelLease on the claim of a unique value. There
	// may be as many as users.
	LeaseClaim = "claim"
	// LeasePort is the value of LabelLease on the claim of a port of a ScimServer's pods that is for
	// one tenant alone.
	LeasePort = "port"

	// Finalizer keeps a ScimTenant, a ScimApiKey or a ScimRoleBinding until what its deletion
	// means has been done: the tenant's deletionPolicy, the key's revocation
	// at every replica, or that nobody has the role any more. To get rid of a stuck object, mend what its Ready
	// condition says, or remove this finalizer by hand.
	Finalizer = "scim.kubescim.dev/finalizer"
)

// TenantReference names a ScimTenant in the same namespace.
type TenantReference struct {
	// name is the name of the ScimTenant.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=50
	Name string `json:"name,omitempty"`
}

// CIDR is a network of IPv4 or IPv6 addresses.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=43
// +kubebuilder:validation:XValidation:rule="isCIDR(self) && cidr(self) == cidr(self).masked()",message="must be a network in CIDR notation without bits behind its prefix, for example '203.0.113.0/24', '2001:db8::/32', or '203.0.113.7/32' for one address"
type CIDR string

// ResourceMeta says when a SCIM resource was written and by whom. It is the
// source of the SCIM attribute meta (RFC 7643 section 3.1); the version there
// is the object's metadata.generation, with those of its ScimGroupMembers for a
// group that has any.
//
// +structType=atomic
type ResourceMeta struct {
	// createdTime is when the identity provider created the resource.
	// +required
	CreatedTime metav1.MicroTime `json:"createdTime,omitzero"`

	// lastModifiedTime is when a request last changed the resource.
	// +required
	LastModifiedTime metav1.MicroTime `json:"lastModifiedTime,omitzero"`

	// deletedTime is when the identity provider deleted the resource, under a
	// tenant that keeps deleted users (`spec.users.onDelete: Deactivate`). A
	// resource that has it does not exist for SCIM: it answers 404 and no list
	// holds it.
	// +optional
	DeletedTime metav1.MicroTime `json:"deletedTime,omitzero"`

	// activeTransitionTime is when a request last made an inactive user active or
	// an active one inactive, or deleted an active one. A user who has been the
	// same since its creation has none, and neither has a group.
	// +optional
	ActiveTransitionTime metav1.MicroTime `json:"activeTransitionTime,omitzero"`

	// keyID is the id of the API key whose request wrote the resource last.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`

	// requestID is the id of the request that wrote the resource last. The same
	// id is in the server's log, in the response header X-Request-Id and, as
	// Audit-ID, in the API server's audit log.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RequestID string `json:"requestID,omitempty"`
}
