// Package publishing keeps the hosts of tenants and servers published: for each that has one,
// it holds the host (internal/hosts), applies the Ingress or the HTTPRoute, looks at the certificate
// that an Ingress is to present, and says in conditions how that goes. What is served at the host is its
// reconciler's.
package publishing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/certificates"
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

// Publisher publishes hosts. It is safe for concurrent use.
type Publisher struct {
	// Client reads through the manager's cache, and Live at the API server.
	Client client.Client
	Live   client.Reader
	// Applier applies Ingresses.
	Applier *apply.Applier
	// GatewayAPI has the HTTPRoutes, where the cluster has any.
	GatewayAPI *GatewayAPI
	// Hosts knows who holds which host.
	Hosts *hosts.Records
	// Allow is what may be asked for.
	Allow config.Allow
	// Defaults is what a tenant gets whose spec names no host.
	Defaults config.Endpoint
	// Certificates looks at those that the Ingresses are to present.
	Certificates *certificates.Reader
}

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

// Gather reads what decides whether there is an Ingress or an HTTPRoute.
func (p *Publisher) Gather(ctx context.Context, e *Endpoint) error {
	e.Refused = refused(e, p.Allow)
	if err := p.gatherRoute(ctx, e); err != nil {
		return err
	}
	ingress := &networkingv1.Ingress{}
	err := p.Client.Get(ctx, types.NamespacedName{Namespace: e.Owner.Namespace, Name: e.publicationName()}, ingress)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the Ingress: %w", err)
	}
	if err == nil && e.Owner.Made(ingress) {
		e.Ingress = ingress
	}
	if e.Spec.Host != "" && !e.AsksForRoute() {
		classes := &networkingv1.IngressClassList{}
		if err := p.Client.List(ctx, classes); err != nil {
			return fmt.Errorf("listing the IngressClasses: %w", err)
		}
		e.IngressClass = hasIngressClass(e.Spec.Ingress.ClassName, classes.Items)
	}
	return nil
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

// Publish applies the Ingress or the HTTPRoute of a tenant or a server that has a host, and removes
// that of one that has none, or whose host another one holds. GatherCertificate has to come first.
func (p *Publisher) Publish(ctx context.Context, e *Endpoint) error {
	if err := p.keepPublished(ctx, e); err != nil {
		return err
	}
	if e.Undecided {
		return nil
	}
	published := p.publish(ctx, e)
	var err error
	e.reservedFor, err = p.Hosts.Release(ctx, e.Owner.Holder(), e.Spec.Host)
	return errors.Join(published, err)
}

// keepPublished makes the owner the holder of what it publishes, whatever the spec asks for by
// now. Of a host that another one holds, it must not have an Ingress or an HTTPRoute.
func (p *Publisher) keepPublished(ctx context.Context, e *Endpoint) error {
	for _, publication := range e.Publications() {
		if err := p.keep(ctx, e, publication); err != nil {
			return err
		}
	}
	return nil
}

func (p *Publisher) keep(ctx context.Context, e *Endpoint, publication operand.Publication) error {
	for _, host := range publication.Hosts {
		held, err := p.Hosts.HoldsForSure(ctx, e.Owner.Holder(), host)
		if err != nil {
			return err
		}
		if held {
			continue
		}
		byAnother, err := p.Hosts.Hold(ctx, e.Owner, e.Publications(), hosts.Wish{Host: host, Chosen: e.Chosen && host == e.Spec.Host})
		if err != nil {
			return err
		}
		if byAnother != nil {
			return p.unpublish(ctx, e, publication.Kind)
		}
	}
	return nil
}

// publish applies the Ingress or the HTTPRoute, where the spec asks for one and may. Else what
// there is stays: what the identity provider calls goes on working.
func (p *Publisher) publish(ctx context.Context, e *Endpoint) error {
	switch {
	case e.Spec.Host == "":
		return errors.Join(p.unpublish(ctx, e, operand.KindIngress), p.unpublish(ctx, e, operand.KindHTTPRoute))
	case e.held() != "":
		return nil
	case !e.mayWrite():
		return p.leadFormer(ctx, e)
	}
	written, err := p.write(ctx, e)
	switch {
	case err != nil || !written || !e.replacesFormer():
		return errors.Join(err, p.leadFormer(ctx, e))
	case e.AsksForRoute():
		return p.unpublish(ctx, e, operand.KindIngress)
	default:
		return p.unpublish(ctx, e, operand.KindHTTPRoute)
	}
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

// write applies what the spec asks for, and reports whether that is in place.
func (p *Publisher) write(ctx context.Context, e *Endpoint) (written bool, err error) {
	host, kind, intent := e.Spec.Host, operand.KindIngress, e.IngressIntent
	if e.AsksForRoute() {
		kind, intent = operand.KindHTTPRoute, e.RouteIntent
	}
	to, _ := e.Lead()
	wanted := intent(to)
	applied, err := p.applierOf(e, kind).IsApplied(ctx, e.Owner, wanted)
	if err == nil && applied {
		applied, err = p.Hosts.HoldsForSure(ctx, e.Owner.Holder(), host)
	}
	if err != nil || applied {
		return applied, err
	}
	e.Taken, err = p.Hosts.Hold(ctx, e.Owner, e.Publications(), hosts.Wish{Host: host, Chosen: e.Chosen})
	if err != nil || e.Taken != nil {
		return false, err
	}
	if there, err := p.mayMakeRoute(ctx, e); err != nil || !there {
		return false, err
	}
	return p.apply(ctx, e, kind, wanted)
}

// apply writes an Ingress or an HTTPRoute, and reports whether nothing is in its way.
func (p *Publisher) apply(ctx context.Context, e *Endpoint, kind string, wanted apply.Intent) (written bool, err error) {
	obj, err := p.applierOf(e, kind).Apply(ctx, e.Owner, wanted)
	problem, failure := apply.ProblemOf(err)
	if problem != nil {
		e.Problem = problem
	}
	switch published := obj.(type) {
	case *networkingv1.Ingress:
		e.Ingress = published
	case *gatewayv1.HTTPRoute:
		e.HTTPRoute = published
	}
	return problem == nil && failure == nil, failure
}

// applierOf returns what applies objects of a kind. There must be HTTPRoutes in the cluster for theirs.
func (p *Publisher) applierOf(e *Endpoint, kind string) *apply.Applier {
	if kind == operand.KindHTTPRoute {
		return e.routes.applier
	}
	return p.Applier
}

// unpublish deletes the Ingress or the HTTPRoute.
func (p *Publisher) unpublish(ctx context.Context, e *Endpoint, kind string) error {
	meta := metav1.ObjectMeta{Namespace: e.Owner.Namespace, Name: e.publicationName()}
	if kind == operand.KindIngress {
		e.Ingress = nil
		return p.Applier.Delete(ctx, e.Owner, &networkingv1.Ingress{ObjectMeta: meta})
	}
	e.HTTPRoute = nil
	if e.routes == nil {
		return nil
	}
	return e.routes.applier.Delete(ctx, e.Owner, &gatewayv1.HTTPRoute{ObjectMeta: meta})
}

// Forget forgets what is remembered of an owner's endpoint.
func (p *Publisher) Forget(owner types.UID) { p.Certificates.Forget(owner) }

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
