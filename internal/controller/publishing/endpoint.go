package publishing

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

const (
	// pollInterval is how soon to look again for what no watch tells about.
	pollInterval = 2 * time.Second
	// conflictInterval is how soon to look whether somebody has moved an object
	// out of the way. Objects of others are not watched.
	conflictInterval = time.Minute
	// decidedInterval is how soon to publish a host of which it has just been recorded that the
	// operator's configuration gives it: at once.
	decidedInterval = time.Millisecond
)

// Endpoint is the host of a tenant or a server, and what one pass has found about it.
type Endpoint struct {
	// Owner is whose it is.
	Owner operand.Owner
	// Spec is what it asks for, and what the operator's configuration adds to that.
	Spec scimv1alpha1.EndpointSpec
	// Chosen is true when it is the operator's configuration that gives the host, and how that is
	// published.
	Chosen bool
	// Unfit says why it has no host although the operator's configuration gives one; empty when it
	// has, or is to have none.
	Unfit string
	// Offered is the host that the operator's configuration gives to tenants which are new, and does not
	// give to this one, since it has been served without a host.
	Offered string
	// Undecided is true until it is recorded which host the operator's configuration has given:
	// before, nothing is published.
	Undecided bool
	// IngressIntent and RouteIntent are the Ingress and the HTTPRoute to apply when there is a host.
	IngressIntent, RouteIntent func(to operand.Backend) apply.Intent
	// Lead says where they lead to, and why the Ingress or the HTTPRoute stays as it is for now; held is empty when it
	// does not. It is called when that would be applied.
	Lead func() (to operand.Backend, held string)

	// Refused is what the spec asks for and is not allowed, in words for its author. Set by
	// Gather.
	Refused []string
	// Ingress is the Ingress as it is; nil when there is none. Set by Gather, and by
	// Publish when it writes it.
	Ingress *networkingv1.Ingress
	// HTTPRoute is the HTTPRoute as it is, in the same way.
	HTTPRoute *gatewayv1.HTTPRoute
	// IngressClass is false when the host needs an Ingress and there is no IngressClass for
	// it. Set by Gather.
	IngressClass bool
	// Certificate is what was found about the certificate that the spec names; nil
	// when it names none. Set by GatherCertificate.
	Certificate *Finding
	// Taken says who holds the host; nil when no other one does. Set by Publish.
	Taken *hosts.Taken
	// Problem is why the Ingress or the HTTPRoute was not written, when that is nothing that a retry mends.
	// Set by Publish.
	Problem error

	// routes are the HTTPRoutes of the operator; nil while the cluster has none. Set by Gather.
	routes *Routes
	// reservedFor is for how long a host that was given up is still reserved; 0 when there
	// is none. Set by Publish.
	reservedFor time.Duration
}

// refused is what an endpoint asks for and is not allowed.
func refused(e *Endpoint, allow config.Allow) (refused []string) {
	if e.Chosen { // Whoever runs the operator has said so.
		return nil
	}
	if e.Spec.Host != "" && !allow.Host(e.Owner.Namespace, e.Spec.Host) {
		refused = append(refused, fmt.Sprintf("spec.endpoint.host %q is not allowed for namespace %q (allow.hosts)", e.Spec.Host, e.Owner.Namespace))
	}
	if contract.IsServiceHost(e.Spec.Host, e.Owner.Namespace) {
		refused = append(refused, fmt.Sprintf("spec.endpoint.host %q is that of a SCIM server's Service inside the cluster, at which clients find its tenants", e.Spec.Host))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Spec.Ingress.Annotations)) {
		if !allow.IngressAnnotation(key) {
			refused = append(refused, fmt.Sprintf("annotation %q in spec.endpoint.ingress.annotations is not allowed (allow.ingressAnnotations)", key))
		}
	}
	for _, gateway := range e.Spec.HTTPRoute.ParentRefs {
		if namespace := cmp.Or(gateway.Namespace, e.Owner.Namespace); !allow.Gateway(namespace, gateway.Name) {
			refused = append(refused, fmt.Sprintf("Gateway %q in spec.endpoint.httpRoute.parentRefs is not allowed (allow.gateways)", namespace+"/"+gateway.Name))
		}
	}
	return refused
}

// hasIngressClass reports whether the IngressClass of that name exists or, without a name, a
// default one.
func hasIngressClass(name string, classes []networkingv1.IngressClass) bool {
	for _, class := range classes {
		if class.Name == name || (name == "" && class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true") {
			return true
		}
	}
	return false
}

// mayWrite reports whether what the spec asks for can be applied, and may be.
func (e *Endpoint) mayWrite() bool {
	switch {
	case len(e.Refused) > 0, e.LacksTLS():
		return false
	case e.AsksForRoute():
		return e.routes != nil
	default:
		// The cluster's default class is filled in when an Ingress is made, and
		// only then: one that is made too early never gets it.
		return e.IngressClass
	}
}

// LacksTLS reports whether the spec does not say how the host is served over TLS.
func (e *Endpoint) LacksTLS() bool {
	return e.Spec.Host != "" && !e.AsksForRoute() && e.Spec.TLS.SecretName == "" && e.Spec.TLS.Termination != scimv1alpha1.TLSTerminationElsewhere
}

// field names a field of what the endpoint is made from, as whoever reads a condition finds it.
func (e *Endpoint) field(name string) string {
	if e.Chosen {
		return "endpoint." + name + " in the operator's configuration"
	}
	return "spec.endpoint." + name
}

// held is why the Ingress or the HTTPRoute stays as it is for now; empty when it does not.
func (e *Endpoint) held() string {
	if e.Lead == nil {
		return ""
	}
	_, held := e.Lead()
	return held
}

func (e *Endpoint) publicationName() string { return e.Owner.Holder().PublicationName() }

// Again is how soon to look again for what no watch tells about; 0 when there is no such
// thing.
func (e *Endpoint) Again() time.Duration {
	var waits []time.Duration
	switch {
	case e.Undecided:
		waits = append(waits, decidedInterval)
	case apply.IsLeftover(e.Problem):
		waits = append(waits, pollInterval)
	case e.Problem != nil, e.Taken != nil:
		waits = append(waits, conflictInterval)
	case e.AsksForRoute() && e.routes == nil:
		waits = append(waits, lookInterval)
	}
	if e.Certificate != nil {
		waits = append(waits, e.Certificate.again)
	}
	return reconcile.Soonest(append(waits, e.reservedFor)...)
}
