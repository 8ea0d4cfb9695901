package publishing

import (
	"context"
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
)

// former is what the spec does not ask for any more, and publishes the host meanwhile; nil when there is no
// such thing.
func (e *Endpoint) former() *operand.Publication {
	for _, publication := range e.Publications() {
		if (publication.Kind == operand.KindHTTPRoute) != e.AsksForRoute() {
			return &publication
		}
	}
	return nil
}

// replacesFormer reports whether what the spec does not ask for any more need not be there: all Gateways have
// accepted the HTTPRoute, or a controller has stated an address for the Ingress, whose certificate is good. One for
// another host than the spec's goes at once, as with any change of the host, and so does an HTTPRoute that no Gateway
// publishes: nobody misses it.
func (e *Endpoint) replacesFormer() bool {
	former := e.former()
	switch {
	case former != nil && !slices.Contains(former.Hosts, e.Spec.Host):
		return true
	case e.AsksForRoute():
		return e.HTTPRoute != nil && acceptanceOf(e.HTTPRoute).reason == ""
	case e.HTTPRoute != nil && !isPublishedByAny(e.HTTPRoute):
		return true
	default:
		return e.Ingress != nil && len(e.Ingress.Status.LoadBalancer.Ingress) > 0 && e.CertificateValid().Status == metav1.ConditionTrue
	}
}

// leadFormer leads what the spec does not ask for any more to where what it asks for leads. It publishes the host for as
// long as it is there, which may be for ever: the tenant may be moved meanwhile, or TLS to its pods be switched.
func (p *Publisher) leadFormer(ctx context.Context, e *Endpoint) error {
	former := e.former()
	to, _ := e.Lead()
	if former == nil || former.LeadsBy(to) {
		return nil
	}
	intent, err := p.intentOfFormer(ctx, e, former.Kind, to)
	if err != nil {
		return fmt.Errorf("reading the %s as it was applied: %w", former.Kind, err)
	}
	if intent == nil {
		return nil
	}
	_, err = p.apply(ctx, e, former.Kind, intent)
	return err
}

// intentOfFormer returns what the spec does not ask for any more, as it was applied, but leading to a backend; nil when
// it is gone, or somebody else has changed where it leads to. The cache does not have what was applied.
func (p *Publisher) intentOfFormer(ctx context.Context, e *Endpoint, kind string, backend operand.Backend) (apply.Intent, error) {
	key := types.NamespacedName{Namespace: e.Owner.Namespace, Name: e.publicationName()}
	if kind == operand.KindHTTPRoute {
		route := &gatewayv1.HTTPRoute{}
		if err := p.Live.Get(ctx, key, route); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
		intent, err := operand.LeadHTTPRoute(route, string(apply.FieldManager), backend)
		if err != nil || intent == nil {
			return nil, err
		}
		return intent, nil
	}
	ingress := &networkingv1.Ingress{}
	if err := p.Live.Get(ctx, key, ingress); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	intent, err := operand.LeadIngress(ingress, string(apply.FieldManager), backend)
	if err != nil || intent == nil {
		return nil, err
	}
	return intent, nil
}
