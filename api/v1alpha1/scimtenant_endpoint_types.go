package v1alpha1

// EndpointSpec says under which URL the identity provider finds the tenant.
// +kubebuilder:validation:XValidation:rule="!has(self.tls) || has(self.host)",message="`tls` needs a `host`: set `host` to the DNS name that the certificate is for, or remove `tls`"
// +kubebuilder:validation:XValidation:rule="!has(self.ingress) || has(self.host) || (!has(self.ingress.className) && !has(self.ingress.annotations))",message="`ingress` needs a `host`: set `host` to the DNS name that the identity provider will call, or remove `ingress`"
// +kubebuilder:validation:XValidation:rule="!has(self.hostPolicy) || self.hostPolicy != 'None' || !has(self.host)",message="`hostPolicy` 'None' is for a tenant without a host of its own: remove `host` or `hostPolicy`"
// +kubebuilder:validation:XValidation:rule="!has(self.httpRoute) || !has(self.httpRoute.parentRefs) || has(self.host)",message="`httpRoute` needs a `host`: set `host` to the DNS name that the identity provider will call, or remove `httpRoute`"
// +kubebuilder:validation:XValidation:rule="!has(self.httpRoute) || !has(self.httpRoute.parentRefs) || !has(self.ingress) || (!has(self.ingress.className) && !has(self.ingress.annotations))",message="a host has an Ingress or an HTTPRoute: remove `ingress`, or else `httpRoute`"
// +kubebuilder:validation:XValidation:rule="!has(self.httpRoute) || !has(self.httpRoute.parentRefs) || !has(self.tls) || !has(self.tls.secretName)",message="with `httpRoute`, TLS ends at the listener of the Gateway, which has the certificate in its `certificateRefs`: remove `tls.secretName`"
type EndpointSpec struct {
	// host is the DNS name that the identity provider calls, for example
	// acme.api.example.com. With a host, the operator makes an Ingress for it, or
	// an HTTPRoute; without one, the server can be reached inside the cluster only, unless the
	// operator's configuration gives a host to tenants that name none: see
	// status.host. A host belongs to one ScimTenant in the whole cluster.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$') && !isIP(self)",message="must be a lower-case DNS name without scheme, port, path or wildcard, for example 'acme.api.example.com'"
	Host string `json:"host,omitempty"`

	// hostPolicy says where the host comes from that is not named here: Default, from the
	// operator's configuration, if that gives one, or None, for a tenant that is to have no
	// host of its own. Default when omitted.
	// +optional
	HostPolicy HostPolicy `json:"hostPolicy,omitempty"`

	// path is the base path of the SCIM API. /scim/v2 when omitted.
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$')",message="must start with '/', must not end with '/', and may have letters, digits, '.', '_', '~' and '-' between slashes, for example '/scim/v2' or '/api/scim/v2'"
	Path string `json:"path,omitempty"`

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

	// trustedProxies are the networks of the proxies and load balancers in front of the
	// server. Of a request that comes through them, the client's address is the last one in
	// X-Forwarded-For that is not theirs; of any other, the address of the connection.
	// Keys with `spec.allowedCIDRs` need it. It cannot be every address (0.0.0.0/0, ::/0). None when
	// omitted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:XValidation:rule="self.all(network, !isCIDR(network) || cidr(network).prefixLength() > 0)",message="`trustedProxies` must not be every address: then anybody could say in a header from where they come, and pass for one of a key's `allowedCIDRs`. Name the networks of your Ingress controller and load balancers, for example '10.4.0.0/16'"
	TrustedProxies []CIDR `json:"trustedProxies,omitempty"`
}

// HostPolicy says where the host of a tenant comes from whose spec names none.
// +kubebuilder:validation:Enum=Default;None
type HostPolicy string

// Host policies.
const (
	// HostPolicyDefault: from the operator's configuration, if that gives one.
	HostPolicyDefault HostPolicy = "Default"
	// HostPolicyNone: there is none.
	HostPolicyNone HostPolicy = "None"
)

// TLSTermination says where the TLS of a tenant's host ends.
// +kubebuilder:validation:Enum=Ingress;Elsewhere
type TLSTermination string

// TLS terminations.
const (
	// TLSTerminationIngress: the Ingress presents a certificate of the tenant's own.
	TLSTerminationIngress TLSTermination = "Ingress"
	// TLSTerminationElsewhere: a load balancer in front of the Ingress controller,
	// the controller with a certificate of its own, or a Gateway presents one.
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

// EndpointHTTPRoute shapes the tenant's HTTPRoute.
type EndpointHTTPRoute struct {
	// parentRefs are the Gateways that publish the host, or single listeners of them. Each
	// has to accept the HTTPRoute: Gateways say in their allowedRoutes from which namespaces they
	// take any, and by the hostname of a listener for which hosts. The operator's configuration may limit
	// which Gateways may be named; by default any.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.name == b.name && (has(a.__namespace__) ? a.__namespace__ : '') == (has(b.__namespace__) ? b.__namespace__ : '') && (has(a.sectionName) ? a.sectionName : '') == (has(b.sectionName) ? b.sectionName : '')))",message="a Gateway must be named once, or else with another `sectionName` each time"
	// +kubebuilder:validation:XValidation:rule="self.all(a, has(a.sectionName) || self.exists_one(b, a.name == b.name && (has(a.__namespace__) ? a.__namespace__ : '') == (has(b.__namespace__) ? b.__namespace__ : '')))",message="a Gateway must be named once, or else with another `sectionName` each time"
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`
}

// GatewayReference names a Gateway, or one of its listeners.
type GatewayReference struct {
	// name is the name of the Gateway.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// namespace is the namespace of the Gateway; that of the HTTPRoute when omitted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace, in lower-case letters, digits and '-', for example 'infra'"
	Namespace string `json:"namespace,omitempty"`

	// sectionName is the name of the one listener of the Gateway to publish at. Name one with TLS
	// if the Gateway has one without, since tokens must not travel in the clear. All
	// listeners that take the host when omitted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of a listener, in lower-case letters, digits, '-' and '.', for example 'https'"
	SectionName string `json:"sectionName,omitempty"`
}
