package v1alpha1

import (
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

// ScimTenantSpec says what one SCIM connection should be.
// +kubebuilder:validation:XValidation:rule="!has(self.serverRef) || !has(self.server)",message="`server` shapes a server that only this tenant has, and `serverRef` names one that others have too: remove one of them; what shapes the shared server is in the ScimServer"
// +kubebuilder:validation:XValidation:rule="!has(self.serverRef) || !has(self.endpoint) || !has(self.endpoint.path) || has(self.endpoint.host)",message="`endpoint.path` needs an `endpoint.host` in a tenant with a `serverRef`: at the host of its ScimServer it is found at /<name of the tenant>/scim/v2. Set `endpoint.host`, or remove `endpoint.path`"
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

	// server shapes the Deployment of the SCIM server that only this tenant has, unless it
	// has a serverRef.
	// +optional
	Server ServerSpec `json:"server,omitzero"`

	// serverRef names the ScimServer that hosts this tenant beside others. The tenant has a
	// server of its own when omitted. When it is set, changed or taken out, the tenant is moved,
	// and served meanwhile: the condition Moved says how far that is.
	// +optional
	ServerRef ServerReference `json:"serverRef,omitzero"`

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

	// rateLimit is how many requests with a good token the tenant may send in a time, with
	// all of its keys together. More are answered 429, with how long to wait, and change
	// nothing. 10000 requests and 1000 writes a second when omitted.
	// +optional
	RateLimit RateLimit `json:"rateLimit,omitzero"`

	// tombstoneDays is how many days a marker stays of a user or group that was deleted for good, by which
	// programs that were away learn of it: an object with the id, and nothing else of whom it stands
	// for. With 0, it is removed at once, or after an hour if the tenant has event sinks. 7 when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=90
	TombstoneDays *int32 `json:"tombstoneDays,omitempty"`

	// credentialsNotBefore refuses every token that was made before this time. It is in whole
	// seconds, as the times of tokens are. It is how to revoke all of a tenant's tokens at
	// once, also while the operator is away, and how to make sure that a restored backup
	// brings no revoked one back.
	// +optional
	// +kubebuilder:validation:XValidation:rule="int(self) > 0 && timestamp(int(self)) == self",message="must be a time in whole seconds, for example '2026-05-01T12:00:00Z'"
	CredentialsNotBefore metav1.Time `json:"credentialsNotBefore,omitzero"`

	// deletionPolicy says what becomes of the users and groups when this
	// ScimTenant is deleted: Retain leaves them (a tenant applied again under
	// the same name serves them again, with the same ids), Deactivate sets the
	// users inactive, Delete deletes everything. Retain when omitted.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// ServerReference names a ScimServer in the same namespace.
type ServerReference struct {
	// name is the name of the ScimServer.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=50
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a ScimServer: it starts with a lower-case letter and has only lower-case letters, digits and '-', for example 'shared'"
	Name string `json:"name,omitempty"`
}

// HostingMode says how a server hosts a tenant.
// +kubebuilder:validation:Enum=Memory;Live
type HostingMode string

// How a server hosts a tenant.
const (
	// HostingModeMemory is for a server that has the tenant's users and groups in memory, and
	// reads there. It is the only one that answers requests to the tenant.
	HostingModeMemory HostingMode = "Memory"
	// HostingModeLive is for a server that reads at the API server, since another one may
	// answer requests to the tenant, too: while the tenant is moved.
	HostingModeLive HostingMode = "Live"
)

// TenantServer is one server that is to host a tenant.
type TenantServer struct {
	// name is that of the server's Deployment and Service.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// mode is how it hosts the tenant: Memory, with its users and groups in memory, or Live,
	// reading them at the API server, while the tenant is moved from one server to another.
	// +required
	Mode HostingMode `json:"mode,omitempty"`

	// host is the tenant's own host, at which the server takes all requests for those of this
	// tenant. It is the one that the tenant's Ingress publishes, and not just what its spec
	// asks for. Empty while the tenant has none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host,omitempty"`

	// port is that of the pods of a ScimServer at which all requests are for this tenant, whatever
	// host and path they name: the tenant's own Service leads there. A tenant has one if it has a
	// Service of its own, since it has, or had, a server of its own. It keeps it for as long as the
	// ScimServer hosts it.
	// +optional
	// +kubebuilder:validation:Minimum=10000
	// +kubebuilder:validation:Maximum=14999
	Port int32 `json:"port,omitempty"`
}

// ScimTenantStatus says what a SCIM connection is.
type ScimTenantStatus struct {
	// conditions are Ready and what it is made of: ServerAvailable, ReplicasConnected,
	// SpecAllowed, EndpointAccepted, CertificateValid, SchemasAccepted, LabelsAccepted of a tenant that has labels, and TLSServed of one
	// whose own server has tls; Reconciling or Stalled while one of them holds; and those which Ready does not depend on: EndpointConfirmed, UpToDate,
	// ProviderActive, RequestsSucceeding, UsersSelectable, SeatsAvailable of a tenant that has seats, DeactivationsAllowed of one that has a
	// deactivationGuard, Autoscaled of one with autoscaling, and Moved of one whose serverRef has changed.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=24
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

	// host is the one that the operator's configuration has given a tenant whose spec names none. The
	// tenant keeps it when the configuration changes, since identity providers call it; a host in the
	// spec takes its place.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Host string `json:"host,omitempty"`

	// servers are those that are to host the tenant, by the names of their objects, and how; the
	// first one gets its requests. A server hosts the tenants that name it here; the operator
	// writes it. Empty for a tenant that was never served but by a server of its own.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Servers []TenantServer `json:"servers,omitempty"`

	// server is the one that gets the tenant's requests, as kubectl names it: scimserver/shared, or
	// deployment/acme-scim for a server of its own. Empty while there is none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Server string `json:"server,omitempty"`

	// serverReplicas is how many of the wanted server pods are ready, as in 2/2. Of a tenant
	// with a serverRef, the ScimServer says it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	ServerReplicas string `json:"serverReplicas,omitempty"`

	// replicas is how many server pods there are, ready or not.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Replicas int32 `json:"replicas,omitempty"`

	// selector chooses the server pods by their labels, in the form of a string: it is
	// what an autoscaler finds them by.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Selector string `json:"selector,omitempty"`

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
	// good token, to the minute, and never before the tenant was created.
	// +optional
	LastRequestTime metav1.Time `json:"lastRequestTime,omitzero"`

	// requestGaps says how regularly requests come. The condition ProviderActive goes by it.
	// +optional
	RequestGaps RequestGaps `json:"requestGaps,omitzero"`
}

// RequestGaps says how long the times were in which a tenant got no request, in the last days.
type RequestGaps struct {
	// minutes is in how many minutes requests came, counted up to 50. Before that many, it is not
	// known how often they come.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=50
	Minutes int32 `json:"minutes,omitempty"`

	// sinceTime is when the counts began that are in counts. They become the formerCounts after 84
	// hours, so that both together are about 7 days at the most.
	// +optional
	SinceTime metav1.Time `json:"sinceTime,omitzero"`

	// counts are how many gaps of 5 minutes and more there were, by their length: the first number is
	// of those of up to 20 minutes, and the next ones of up to 30 and 45 minutes, 1, 1.5, 2, 3, 4, 6, 8, 12 and
	// 16 hours, 1, 2, 4 and 7 days or longer. Those at the end that are 0 are left out.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=0
	Counts []int32 `json:"counts,omitempty"`

	// formerCounts are those of the 84 hours before sinceTime.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=0
	FormerCounts []int32 `json:"formerCounts,omitempty"`
}

// ScimTenant is one SCIM connection: a SCIM 2.0 server for one application and
// one identity provider, whose users and groups are ScimUsers and ScimGroups
// in the same namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.server.replicas,statuspath=.status.replicas,selectorpath=.status.selector
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
// +kubebuilder:printcolumn:name="Server",type=string,priority=1,JSONPath=`.status.server`
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
