package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// IdentityProvider is the product that sends the SCIM requests. It chooses the
// departures from RFC 7643 and RFC 7644 that the server puts up with.
// +kubebuilder:validation:Enum=Entra;Okta;JumpCloud;OneLogin;PingOne;Authentik;Keycloak;Generic
type IdentityProvider string

// Identity providers.
const (
	// IdentityProviderEntra is Microsoft Entra ID.
	IdentityProviderEntra IdentityProvider = "Entra"
	// IdentityProviderOkta is Okta.
	IdentityProviderOkta IdentityProvider = "Okta"
	// IdentityProviderJumpCloud is JumpCloud.
	IdentityProviderJumpCloud IdentityProvider = "JumpCloud"
	// IdentityProviderOneLogin is OneLogin.
	IdentityProviderOneLogin IdentityProvider = "OneLogin"
	// IdentityProviderPingOne is PingOne or PingFederate.
	IdentityProviderPingOne IdentityProvider = "PingOne"
	// IdentityProviderAuthentik is authentik.
	IdentityProviderAuthentik IdentityProvider = "Authentik"
	// IdentityProviderKeycloak is Keycloak with one of its SCIM client extensions.
	IdentityProviderKeycloak IdentityProvider = "Keycloak"
	// IdentityProviderGeneric is any client that keeps to the RFCs.
	IdentityProviderGeneric IdentityProvider = "Generic"
)

// TenantState says whether a tenant takes requests.
// +kubebuilder:validation:Enum=Active;Paused
type TenantState string

// Tenant states.
const (
	// TenantStateActive: requests are served.
	TenantStateActive TenantState = "Active"
	// TenantStatePaused: requests with a good token are answered 503 with Retry-After.
	TenantStatePaused TenantState = "Paused"
)

// DeletionPolicy says what becomes of a tenant's users and groups when the
// ScimTenant is deleted.
// +kubebuilder:validation:Enum=Retain;Deactivate;Delete
type DeletionPolicy string

// Deletion policies.
const (
	// DeletionPolicyRetain leaves users and groups as they are.
	DeletionPolicyRetain DeletionPolicy = "Retain"
	// DeletionPolicyDeactivate keeps them and sets every user inactive.
	DeletionPolicyDeactivate DeletionPolicy = "Deactivate"
	// DeletionPolicyDelete deletes them.
	DeletionPolicyDelete DeletionPolicy = "Delete"
)

// UserDeletion says what a SCIM DELETE of a user does.
// +kubebuilder:validation:Enum=Deactivate;Delete
type UserDeletion string

// User deletions.
const (
	// UserDeletionDeactivate keeps the ScimUser, inactive and marked as
	// deleted; SCIM answers 404 for it.
	UserDeletionDeactivate UserDeletion = "Deactivate"
	// UserDeletionDelete deletes the ScimUser.
	UserDeletionDelete UserDeletion = "Delete"
)

// UserRecreation says what a SCIM POST does when its userName is that of a
// user which was deleted and kept.
// +kubebuilder:validation:Enum=Reactivate;Conflict
type UserRecreation string

// User recreations.
const (
	// UserRecreationReactivate brings the kept user back, with its id.
	UserRecreationReactivate UserRecreation = "Reactivate"
	// UserRecreationConflict answers 409 uniqueness.
	UserRecreationConflict UserRecreation = "Conflict"
)

// UnknownMembers says what happens to group members whose id the tenant does not know.
// +kubebuilder:validation:Enum=Ignore;Reject
type UnknownMembers string

// Ways to treat unknown members.
const (
	// UnknownMembersIgnore leaves them out and does the rest of the request.
	UnknownMembersIgnore UnknownMembers = "Ignore"
	// UnknownMembersReject answers 400 invalidValue and changes nothing.
	UnknownMembersReject UnknownMembers = "Reject"
)

// ScimTenantSpec says what one SCIM connection should be.
type ScimTenantSpec struct {
	// displayName is a name for people, for example the customer's.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	DisplayName string `json:"displayName,omitempty"`

	// identityProvider is the product that will call this tenant. Choose
	// Generic for one that is not listed; it keeps to the RFCs.
	// +required
	IdentityProvider IdentityProvider `json:"identityProvider,omitempty"`

	// state is Active, or Paused to answer every request with 503 and
	// Retry-After; identity providers then try again later and lose nothing.
	// Active when omitted.
	// +optional
	State TenantState `json:"state,omitempty"`

	// endpoint says under which URL the identity provider finds the tenant.
	// +optional
	Endpoint EndpointSpec `json:"endpoint,omitzero"`

	// server shapes the Deployment of the tenant's SCIM server.
	// +optional
	Server ServerSpec `json:"server,omitzero"`

	// users holds the rules for users.
	// +optional
	Users UserPolicy `json:"users,omitzero"`

	// groups holds the rules for groups.
	// +optional
	Groups GroupPolicy `json:"groups,omitzero"`

	// schemaExtensions are attributes of users beyond the RFC's. Data of an
	// extension that is taken out of the list stays in the ScimUsers, and SCIM
	// does not show it until the extension is back.
	// +optional
	// +listType=map
	// +listMapKey=id
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.map(e, e.id.lowerAscii()).all(id, self.exists_one(e, e.id.lowerAscii() == id))",message="must have ids that differ by more than case (RFC 7643 section 2.1)"
	SchemaExtensions []SchemaExtension `json:"schemaExtensions,omitempty"`

	// objectLimit is how many ScimUsers and ScimGroups together the tenant may
	// have, users who were deleted and are kept included. At the limit, a request
	// that would add one is answered 403; all else goes on. 250,000 when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	ObjectLimit int32 `json:"objectLimit,omitempty"`

	// storageLimit is how much the tenant's users and groups may take in the
	// cluster's etcd, deleted users that are kept included, from 1Mi to 8Gi, for
	// example 64Mi. At the limit, a request that would add to it is answered 403; all
	// else goes on. It also bounds what is written: half of it in 5 minutes, after
	// which requests are answered 429 for a while. 256Mi when omitted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="isQuantity(string(self)) && quantity(string(self)).compareTo(quantity('1Mi')) >= 0 && quantity(string(self)).compareTo(quantity('8Gi')) <= 0",message="must be a quantity from 1Mi to 8Gi, for example '64Mi'"
	StorageLimit *resource.Quantity `json:"storageLimit,omitempty"`

	// deletionPolicy says what becomes of the users and groups when this
	// ScimTenant is deleted: Retain leaves them (a tenant applied again under
	// the same name serves them again, with the same ids), Deactivate sets the
	// users inactive, Delete deletes everything. Retain when omitted.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// EndpointSpec says under which URL the identity provider finds the tenant.
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || has(self.host)",message="`tls` needs a `host`: set `host` to the DNS name that the certificate is for, or remove `tls`"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || has(self.host) || (!has(self.ingress.className) && !has(self.ingress.annotations))",message="`ingress` needs a `host`: set `host` to the DNS name that the identity provider will call, or remove `ingress`"
type EndpointSpec struct {
	// host is the DNS name that the identity provider calls, for example
	// acme.api.example.com. With a host, the operator makes an Ingress for it;
	// without one, the server can be reached inside the cluster only. A host
	// belongs to one ScimTenant in the whole cluster.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$') && !isIP(self)",message="must be a lower-case DNS name without scheme, port, path or wildcard, for example 'acme.api.example.com'"
	Host string `json:"host,omitempty"`

	// path is the base path of the SCIM API. /scim/v2 when omitted.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$')",message="must start with '/', must not end with '/', and may have letters, digits, '.', '_', '~' and '-' between slashes, for example '/scim/v2' or '/api/scim/v2'"
	Path string `json:"path,omitempty"`

	// tls says how the host is served over TLS. A host needs it: without, no
	// Ingress is made.
	// +optional
	TLS EndpointTLS `json:"tls,omitzero"`

	// ingress shapes the Ingress that is made for the host.
	// +optional
	Ingress EndpointIngress `json:"ingress,omitzero"`
}

// TLSTermination says where the TLS of a tenant's host ends.
// +kubebuilder:validation:Enum=Ingress;Elsewhere
type TLSTermination string

// TLS terminations.
const (
	// TLSTerminationIngress: the Ingress presents a certificate of the tenant's own.
	TLSTerminationIngress TLSTermination = "Ingress"
	// TLSTerminationElsewhere: a load balancer in front of the Ingress controller,
	// or the controller with a certificate of its own, presents one.
	TLSTerminationElsewhere TLSTermination = "Elsewhere"
)

// EndpointTLS says how the tenant's host is served over TLS. Tokens must not
// travel in the clear.
// +kubebuilder:validation:XValidation:rule="!has(self.termination) || has(self.secretName) == (self.termination == 'Ingress')",message="`tls` must have a `secretName`, or else `termination` 'Elsewhere' when the Ingress presents no certificate of the tenant's own"
type EndpointTLS struct {
	// secretName is the Secret of type kubernetes.io/tls, in the tenant's
	// namespace, that has the certificate which the Ingress presents.
	// cert-manager can make it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// termination says where TLS ends: Ingress, with the certificate in
	// secretName, or Elsewhere, when a load balancer in front of the Ingress
	// controller ends it, or the controller has a certificate of its own for the
	// host. Of the latter the operator sees nothing. Ingress when omitted.
	// +optional
	Termination TLSTermination `json:"termination,omitempty"`
}

// EndpointIngress shapes the tenant's Ingress.
type EndpointIngress struct {
	// className is the IngressClass to use; the cluster's default one when omitted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClassName string `json:"className,omitempty"`

	// annotations are put on the Ingress, for its controller or cert-manager. The
	// operator's configuration says which are allowed; by default those of
	// cert-manager.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]IngressAnnotation `json:"annotations,omitempty"`
}

// IngressAnnotation is the value of one annotation of an Ingress.
// +kubebuilder:validation:MaxLength=4096
type IngressAnnotation string

// ServerSpec shapes the Deployment of a tenant's SCIM server.
type ServerSpec struct {
	// replicas is the number of server pods, all of them active. 2 when
	// omitted, so that a node may go away without a failed request.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	Replicas int32 `json:"replicas,omitempty"`

	// resources are the requests and limits of the server's container. When
	// omitted: requests of 50m CPU and 64Mi memory, a limit of 256Mi memory.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// scheduling says on which nodes the server's pods may run.
	// +optional
	Scheduling ServerScheduling `json:"scheduling,omitzero"`

	// imagePullSecrets are Secrets in the tenant's namespace with credentials for
	// the registry of the server's image, in addition to those of the operator's
	// configuration.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []ImagePullSecret `json:"imagePullSecrets,omitempty"`
}

// ImagePullSecret names a Secret with credentials for a registry.
type ImagePullSecret struct {
	// name is the name of the Secret, of type kubernetes.io/dockerconfigjson.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}

// ServerScheduling says on which nodes a tenant's server pods may run. They are
// spread over nodes and zones in any case.
type ServerScheduling struct {
	// nodeSelector has the labels that a node must have.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	NodeSelector map[string]NodeLabelValue `json:"nodeSelector,omitempty"`

	// tolerations are the taints that the pods tolerate. The operator's
	// configuration says which are allowed; by default none.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// priorityClassName is the PriorityClass of the pods. The operator's
	// configuration says which are allowed; by default none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// NodeLabelValue is the value of a node's label.
// +kubebuilder:validation:MaxLength=63
type NodeLabelValue string

// UserPolicy holds a tenant's rules for users.
type UserPolicy struct {
	// requiredAttributes are attributes without which a user is refused, beside
	// userName: a request that leaves one unassigned gets 400 invalidValue,
	// except one that leaves an existing user inactive.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	RequiredAttributes []UserAttribute `json:"requiredAttributes,omitempty"`

	// onDelete says what a SCIM DELETE of a user does: Deactivate keeps the
	// ScimUser, inactive and marked as deleted, and SCIM answers 404 for it;
	// Delete deletes it. Deactivate when omitted.
	// +optional
	OnDelete UserDeletion `json:"onDelete,omitempty"`

	// onRecreate says what happens when a user is created whose userName is
	// that of a deleted user which was kept: Reactivate brings the old one back
	// with its id, Conflict answers 409. Reactivate when omitted.
	// +optional
	OnRecreate UserRecreation `json:"onRecreate,omitempty"`

	// retentionDays is how many days a user who was deleted and is kept stays,
	// counted from the deletion, before the ScimUser is removed for good; with 0,
	// it is removed soon after. Kept for ever when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3650
	RetentionDays *int32 `json:"retentionDays,omitempty"`

	// seats is how many active users the tenant may have, for example by its
	// licence. While all seats are taken, a request that would make one more user
	// active is answered 403, whether it creates, changes or brings back a user;
	// all else goes on. No limit when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Seats int32 `json:"seats,omitempty"`
}

// UserAttribute is the name of an attribute of a SCIM user that a tenant may
// require (RFC 7643 section 4.1).
// +kubebuilder:validation:Enum=externalId;displayName;name.givenName;name.familyName;name.formatted;emails;phoneNumbers;title;userType;preferredLanguage;locale;timezone
type UserAttribute string

// GroupPolicy holds a tenant's rules for groups.
type GroupPolicy struct {
	// unknownMembers says what happens to members whose id this tenant does not
	// know: Ignore leaves them out, Reject answers 400. When omitted, what the
	// identity provider copes with: Reject for Generic, Ignore for all others.
	// +optional
	UnknownMembers UnknownMembers `json:"unknownMembers,omitempty"`
}

// ScimTenantStatus says what a SCIM connection is.
type ScimTenantStatus struct {
	// conditions are Ready and what it is made of: ServerAvailable, ReplicasConnected,
	// SpecAllowed, EndpointAccepted, CertificateValid and SchemasAccepted; Reconciling or
	// Stalled while one of them holds; and those which Ready does not depend on: EndpointConfirmed, and
	// SeatsAvailable of a tenant that has seats.
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

	// state is whether requests are served: the spec's state, Active when it has none.
	// +optional
	State TenantState `json:"state,omitempty"`

	// url is the base URL to paste into the identity provider.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	URL string `json:"url,omitempty"`

	// serverReplicas is how many of the wanted server pods are ready, as in 2/2.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	ServerReplicas string `json:"serverReplicas,omitempty"`

	// users is how many users the tenant has, without those that were deleted and
	// are kept. This and the following fields are what the server reported last;
	// while they keep changing, they are written once a minute.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Users *int32 `json:"users,omitempty"`

	// activeUsers is how many of the users are active: the seats that are taken.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ActiveUsers *int32 `json:"activeUsers,omitempty"`

	// seats is how many of the tenant's seats are taken, as in 480/500; empty when
	// the tenant has any number of seats.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	Seats string `json:"seats,omitempty"`

	// groups is how many groups the tenant has.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Groups *int32 `json:"groups,omitempty"`

	// lastRequestTime is when the identity provider last sent a request with a
	// good token, to the minute.
	// +optional
	LastRequestTime metav1.Time `json:"lastRequestTime,omitzero"`
}

// ScimTenant is one SCIM connection: a SCIM 2.0 server for one application and
// one identity provider, whose users and groups are ScimUsers and ScimGroups
// in the same namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=stenant,categories=scim
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.state`
// +kubebuilder:printcolumn:name="IdP",type=string,JSONPath=`.spec.identityProvider`
// +kubebuilder:printcolumn:name="Users",type=integer,JSONPath=`.status.users`
// +kubebuilder:printcolumn:name="Seats",type=string,JSONPath=`.status.seats`
// +kubebuilder:printcolumn:name="Last Request",type=date,JSONPath=`.status.lastRequestTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Groups",type=integer,priority=1,JSONPath=`.status.groups`
// +kubebuilder:printcolumn:name="Active Users",type=integer,priority=1,JSONPath=`.status.activeUsers`
// +kubebuilder:printcolumn:name="Replicas",type=string,priority=1,JSONPath=`.status.serverReplicas`
// +kubebuilder:printcolumn:name="URL",type=string,priority=1,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.identityProvider`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 50",message="`metadata.name` must start with a lower-case letter, have only lower-case letters, digits and '-', and be at most 50 characters, since Services and labels are named after it; for example 'acme'"
type ScimTenant struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what the SCIM connection should be.
	// +required
	Spec ScimTenantSpec `json:"spec,omitzero"`

	// status says what the SCIM connection is.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimTenantStatus `json:"status,omitzero"`
}

// ScimTenantList is a list of ScimTenants.
//
// +kubebuilder:object:root=true
type ScimTenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimTenant `json:"items"`
}
