package publishing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// A host is published by an Ingress or by an HTTPRoute. When the spec asks for the other one, that is made
// beside the one there is, which goes once it is known that the new one is served (replacesFormer). Until then,
// that leads to where the new one does (former.go).

// AsksForRoute reports whether the spec asks for an HTTPRoute.
func (e *Endpoint) AsksForRoute() bool {
	return e.Spec.Host != "" && len(e.Spec.HTTPRoute.ParentRefs) > 0
}

// gatherRoute reads the HTTPRoute. That the cluster has none is no failure; nor, for who does not ask for
// one, that it could not be found out.
func (p *Publisher) gatherRoute(ctx context.Context, e *Endpoint) error {
	routes, err := p.GatewayAPI.Routes(ctx, e.AsksForRoute())
	if err != nil && !e.AsksForRoute() {
		log.FromContext(ctx).V(1).Info("Looking for an HTTPRoute", "error", err.Error())
		return nil
	}
	if err != nil || routes == nil {
		return err
	}
	e.routes = routes
	route := &gatewayv1.HTTPRoute{}
	err = routes.Client.Get(ctx, types.NamespacedName{Namespace: e.Owner.Namespace, Name: e.publicationName()}, route)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the HTTPRoute: %w", err)
	}
	if err == nil && e.Owner.Made(route) {
		e.HTTPRoute = route
	}
	return nil
}

// mayMakeRoute reports whether what the spec asks for can be made, as far as that is an HTTPRoute which is not
// there.
func (p *Publisher) mayMakeRoute(ctx context.Context, e *Endpoint) (bool, error) {
	if !e.AsksForRoute() || e.HTTPRoute != nil {
		return true, nil
	}
	served, err := p.GatewayAPI.StillServed(ctx, e.routes)
	if err == nil && !served {
		e.routes = nil
	}
	return served, err
}

// Publications are what publishes hosts of the owner. The first one decides what its URL is: while the spec asks
// for another kind than that, and this is not served yet, it is the one from before.
func (e *Endpoint) Publications() []operand.Publication {
	var found []operand.Publication
	if e.Ingress != nil {
		found = append(found, operand.ByIngress(e.Ingress))
	}
	if e.HTTPRoute != nil {
		found = append(found, operand.ByHTTPRoute(e.HTTPRoute))
	}
	if !e.AsksForRoute() {
		slices.Reverse(found)
	}
	return found
}

// PublishedHosts are the hosts that are published, the one of the URL first.
func (e *Endpoint) PublishedHosts() []string {
	var found []string
	for _, publication := range e.Publications() {
		for _, host := range publication.Hosts {
			if !slices.Contains(found, host) {
				found = append(found, host)
			}
		}
	}
	return found
}

// URL returns the URL, without a slash at its end, below which everything is led to a server; empty when nothing is. One is
// stated by an Ingress as soon as that is there, and by an HTTPRoute once Gateways have accepted it; stated is what was
// stated before, which stays.
func (e *Endpoint) URL(stated string) string {
	published := e.Publications()
	if len(published) == 0 {
		return ""
	}
	url := published[0].URL
	if published[0].Kind == operand.KindHTTPRoute && acceptanceOf(e.HTTPRoute).reason != "" && !isOf(published[0], stated) {
		return ""
	}
	return url
}

// isOf reports whether a URL is at a host of a publication.
func isOf(publication operand.Publication, url string) bool {
	return slices.ContainsFunc(publication.Hosts, func(host string) bool {
		return url == "https://"+host || strings.HasPrefix(url, "https://"+host+"/")
	})
}

// LeadsTo reports whether all that comes in is led to a Service, by all that publishes the owner's hosts.
func (e *Endpoint) LeadsTo(service string) bool {
	for _, publication := range e.Publications() {
		if !publication.LeadsTo(service) {
			return false
		}
	}
	return e.HTTPRoute == nil || hasSettled(e.HTTPRoute)
}

// Unreached reports whether an EndpointAccepted is False since Gateways do not publish the host.
func Unreached(accepted metav1.Condition) bool {
	switch accepted.Reason {
	case scimv1alpha1.ReasonRoutePending, scimv1alpha1.ReasonRouteNotAccepted, scimv1alpha1.ReasonRouteRefsNotResolved:
		return accepted.Status == metav1.ConditionFalse
	default:
		return false
	}
}

// NeedsTime reports whether an EndpointAccepted that is False is likely to become True without anybody.
func NeedsTime(accepted metav1.Condition) bool {
	return accepted.Reason == scimv1alpha1.ReasonProgressing || accepted.Reason == scimv1alpha1.ReasonRoutePending
}
