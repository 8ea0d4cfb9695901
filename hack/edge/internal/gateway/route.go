package gateway

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// routing is an HTTPRoute that is attached to Gateways.
type routing struct {
	controller Controller
	objects    *objects.Objects
	route      *gatewayv1.HTTPRoute
}

// attach attaches the route to the Gateways that it names, and returns its sites. What other controllers have written into its
// status stays.
func (r *routing) attach(gateways map[types.NamespacedName]*attaching) []site.Site {
	var sites []site.Site
	parents := []gatewayv1.RouteParentStatus{} // A status without the field is refused.
	routes, unsupported := r.rules()
	unresolved := r.unresolved()
	before := r.route.Status.Parents
	for _, parent := range before {
		if string(parent.ControllerName) != r.controller.Name {
			parents = append(parents, parent)
		}
	}
	for _, ref := range r.route.Spec.ParentRefs {
		gateway := gateways[types.NamespacedName{Namespace: string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(r.route.Namespace))), Name: string(ref.Name)}]
		if gateway == nil || ptr.Deref(ref.Kind, "Gateway") != "Gateway" || ptr.Deref(ref.Group, gatewayv1.GroupName) != gatewayv1.GroupName {
			continue
		}
		attached, refused := unsupportedOr(unsupported, func() ([]site.Site, *reason) { return r.attachTo(gateway, ref, routes) })
		sites = append(sites, attached...)
		parents = append(parents, r.parentStatus(before, ref, refused, unresolved))
	}
	if len(parents) > 0 || len(before) > 0 {
		r.route.Status.Parents = parents
	}
	return sites
}

// unsupportedOr is a refusal, or what else comes of it.
func unsupportedOr(unsupported *reason, attach func() ([]site.Site, *reason)) ([]site.Site, *reason) {
	if unsupported != nil {
		return nil, unsupported
	}
	return attach()
}

// parentStatus is what the route's status says of a Gateway.
func (r *routing) parentStatus(before []gatewayv1.RouteParentStatus, ref gatewayv1.ParentReference, refused, unresolved *reason) gatewayv1.RouteParentStatus {
	status := gatewayv1.RouteParentStatus{ParentRef: ref, ControllerName: gatewayv1.GatewayController(r.controller.Name)}
	for _, earlier := range before {
		if earlier.ControllerName == status.ControllerName && isSameParent(earlier.ParentRef, ref) {
			status.Conditions = earlier.Conditions
		}
	}
	accepted := condition(gatewayv1.RouteConditionAccepted, true, gatewayv1.RouteReasonAccepted, "nginx serves it")
	if refused != nil {
		accepted = condition(gatewayv1.RouteConditionAccepted, false, refused.code, refused.message)
	}
	resolved := condition(gatewayv1.RouteConditionResolvedRefs, true, gatewayv1.RouteReasonResolvedRefs, "all that it refers to is there")
	if unresolved != nil {
		resolved = condition(gatewayv1.RouteConditionResolvedRefs, false, unresolved.code, unresolved.message)
	}
	r.controller.set(&status.Conditions, r.route.Generation, accepted, resolved)
	return status
}

// isSameParent reports whether two references are to the same part of the same Gateway.
func isSameParent(a, b gatewayv1.ParentReference) bool {
	return a.Name == b.Name && ptr.Equal(a.Namespace, b.Namespace) && ptr.Equal(a.SectionName, b.SectionName) && ptr.Equal(a.Port, b.Port) &&
		ptr.Equal(a.Kind, b.Kind) && ptr.Equal(a.Group, b.Group)
}

// attachTo attaches the route to listeners of a Gateway, or says why it is attached to none.
func (r *routing) attachTo(g *attaching, ref gatewayv1.ParentReference, routes []site.Route) ([]site.Site, *reason) {
	named := slices.DeleteFunc(slices.Clone(g.listeners), func(l *listener) bool {
		return l.refused != nil || (ref.SectionName != nil && *ref.SectionName != l.spec.Name) || (ref.Port != nil && *ref.Port != l.spec.Port)
	})
	if len(named) == 0 {
		return nil, &reason{string(gatewayv1.RouteReasonNoMatchingParent), "the Gateway has no such listener that is accepted: see its status.listeners"}
	}
	allowing := slices.DeleteFunc(named, func(l *listener) bool { return !r.isAllowedBy(l, g.gateway.Namespace) })
	if len(allowing) == 0 {
		return nil, &reason{string(gatewayv1.RouteReasonNotAllowedByListeners), fmt.Sprintf("no listener allows routes of namespace %q: see spec.listeners[].allowedRoutes of the Gateway", r.route.Namespace)}
	}
	var sites []site.Site
	for _, l := range allowing {
		hosts := r.hostsAt(l)
		if len(hosts) > 0 {
			l.attached++
		}
		for _, host := range hosts {
			sites = append(sites, site.Site{Host: host, Certificate: l.certificate, RefuseTLS: l.certificate == nil, Routes: routes})
		}
	}
	if len(sites) == 0 {
		return nil, &reason{string(gatewayv1.RouteReasonNoMatchingListenerHostname), "no listener is for a host of spec.hostnames, and neither does without one"}
	}
	return sites, nil
}

// isAllowedBy reports whether a listener of a Gateway in a namespace lets the route be attached.
func (r *routing) isAllowedBy(l *listener, namespace string) bool {
	if len(l.kinds) == 0 {
		return false
	}
	from, allowed := gatewayv1.NamespacesFromSame, l.spec.AllowedRoutes
	if allowed != nil && allowed.Namespaces != nil {
		from = ptr.Deref(allowed.Namespaces.From, from)
	}
	switch from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return r.route.Namespace == namespace
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(allowed.Namespaces.Selector)
		own, known := r.objects.NamespaceLabels[r.route.Namespace]
		return err == nil && known && selector.Matches(own)
	case gatewayv1.NamespacesFromNone:
	}
	return false
}

// hostsAt are the hosts of the route that are the listener's too.
func (r *routing) hostsAt(l *listener) []site.Host {
	if len(r.route.Spec.Hostnames) == 0 && l.host != nil {
		return []site.Host{*l.host}
	}
	var hosts []site.Host
	for _, name := range r.route.Spec.Hostnames {
		host, err := site.ParseHost(string(name))
		if err != nil {
			continue // The definition of HTTPRoutes refuses it.
		}
		if both := intersection(host, l.host); both != nil {
			hosts = append(hosts, *both)
		}
	}
	return hosts
}

// intersection is the narrower of two hosts, if one is within the other. A listener without one is for all.
func intersection(host site.Host, of *site.Host) *site.Host {
	switch {
	case of == nil, *of == host, isWithin(host, *of):
		return &host
	case isWithin(*of, host):
		return of
	default:
		return nil
	}
}

// isWithin reports whether a wildcard stands for a host.
func isWithin(host, wildcard site.Host) bool {
	return wildcard.IsWildcard() && strings.HasSuffix(host.String(), strings.TrimPrefix(wildcard.String(), "*"))
}
