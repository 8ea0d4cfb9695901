package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AnnotationAbandonTenants on a ScimServer, if it is "true", has the server deleted although it has
// tenants, which nobody serves then. Their users and groups stay.
const AnnotationAbandonTenants = "scim.kubescim.dev/abandon-tenants"

// ScimServerSpec says what one SCIM server for many tenants should be.
type ScimServerSpec struct {
	ServerSpec `json:",inline"`

	// endpoint says at which host the server is to be found.
	// +optional
	Endpoint ServerEndpointSpec `json:"endpoint,omitzero"`
}

// ServerEndpointSpec says at which host the identity providers find the tenants of a
// server: each at https://<host>/<tenant>/scim/v2, unless it has a host of its own.
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || has(self.host)",message="`tls` needs a `host`: set `host` to the DNS name that the certificate is for, or remove `tls`"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || has(self.host) || (!has(self.ingress.className) && !has(self.ingress.annotations))",message="`ingress` needs a `host`: set `host` to the DNS name that the identity providers will call, or remove `ingress`"
// +kubebuilder:validation:XValidation:rule="!has(self.httpRoute) || !has(self.httpRoute.parentRefs) || has(self.host)",message="`httpRoute` needs a `host`: set `host` to the DNS name that the identity providers will call, or remove `httpRoute`"
// +kubebuilder:validation:XValidation:rule="!has(self.httpRoute) || !has(self.httpRoute.parentRefs) || !has(self.ingress) || (!has(self.ingress.className) && !has(self.ingress.annotations))",message="a host has an Ingress or an HTTPRoute: remove `ingress`, or else `httpRoute`"
// +kubebuilder:validation:XValidation:rule="!has(self.httpRoute) || !has(self.httpRoute.parentRefs) || !has(self.tls) || !has(self.tls.secretName)",message="with `httpRoute`, TLS ends at the listener of the Gateway, which has the certificate in its `certificateRefs`: remove `tls.secretName`"
type ServerEndpointSpec struct {
	// host is the DNS name that the identity providers call, for example
	// scim.api.example.com. With a host, the operator makes an Ingress for it, or an
	// HTTPRoute; without one, tenants that have no host of their own can be reached inside the cluster
	// only. A host belongs to one ScimServer or ScimTenant in the whole cluster.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$') && !isIP(self)",message="must be a lower-case DNS name without scheme, port, path or wildcard, for example 'scim.api.example.com'"
	Host string `json:"host,omitempty"`

	// tls says how the host is served over TLS. A host needs it: without, no
	// Ingress is made. With httpRoute, TLS ends at the Gateway, and nothing need be said.
	// +optional
	TLS EndpointTLS `json:"tls,omitzero"`

	// ingress shapes the Ingress that is made for the host.
	// +optional
	Ingress EndpointIngress `json:"ingress,omitzero"`

	// httpRoute has the host published by Gateways, with an HTTPRoute of the Gateway API,
	// instead of an Ingress.
	// +optional
	HTTPRoute EndpointHTTPRoute `json:"httpRoute,omitzero"`
}

// ScimServerStatus says what a SCIM server is.
type ScimServerStatus struct {
	// conditions are Ready and what it is made of: ServerAvailable, ReplicasConnected,
	// SpecAllowed, EndpointAccepted and CertificateValid, and TLSServed of one with tls; Reconciling
	// or Stalled while one of them holds; and EndpointConfirmed, which Ready does not depend on.
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

	// url is what the base URLs of the tenants begin with that have no host of their own: a
	// tenant is at <url>/<tenant>/scim/v2.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	URL string `json:"url,omitempty"`

	// serverReplicas is how many of the wanted server pods are ready, as in 2/2.
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

	// tenants is how many ScimTenants the server hosts.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Tenants *int32 `json:"tenants,omitempty"`
}

// ScimServer is one SCIM server for many tenants of its namespace: those whose
// spec.serverRef names it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:resource:shortName=sserver,categories=scim
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Replicas",type=string,JSONPath=`.status.serverReplicas`
// +kubebuilder:printcolumn:name="Tenants",type=integer,JSONPath=`.status.tenants`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.status.url`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 50",message="`metadata.name` must start with a lower-case letter, have only lower-case letters, digits and '-', and be at most 50 characters, since Services and labels are named after it; for example 'shared'"
type ScimServer struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what the server should be. All of it may be omitted.
	// +optional
	// +kubebuilder:default:={}
	Spec ScimServerSpec `json:"spec,omitzero"`

	// status says what the server is.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimServerStatus `json:"status,omitzero"`
}

// ScimServerList is a list of ScimServers.
//
// +kubebuilder:object:root=true
type ScimServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimServer `json:"items"`
}

// AbandonsTenants reports whether the server may be deleted although it has tenants.
func (s *ScimServer) AbandonsTenants() bool { return s.Annotations[AnnotationAbandonTenants] == "true" }

// GetConditions returns the conditions of the server.
func (s *ScimServer) GetConditions() []metav1.Condition { return s.Status.Conditions }

// SetConditions replaces the conditions of the server.
func (s *ScimServer) SetConditions(conditions []metav1.Condition) { s.Status.Conditions = conditions }

// Endpoint returns the endpoint in the form of a tenant's, whose path is all of the host.
func (s *ScimServer) Endpoint() EndpointSpec {
	endpoint := s.Spec.Endpoint
	return EndpointSpec{Host: endpoint.Host, TLS: endpoint.TLS, Ingress: endpoint.Ingress, HTTPRoute: endpoint.HTTPRoute}
}
