// Package publishing keeps the hosts of tenants and servers published: for each that has one,
// it holds the host (internal/hosts), applies the Ingress or the HTTPRoute, looks at the certificate
// that an Ingress is to present, and says in conditions how that goes. What is served at the host is its
// reconciler's.
package publishing

import (
	"context"
	"errors"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/certificates"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
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
