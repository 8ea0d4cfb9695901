package gateway

import (
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// weightScale keeps the weights of pods whole numbers, whatever their number.
const weightScale = 100

// rules are the routes for the paths that the rules match. A route that asks for more than paths is not served at all: part of
// it would do something else than the whole.
func (r *routing) rules() ([]site.Route, *reason) {
	var routes []site.Route
	for i := range r.route.Spec.Rules {
		rule := &r.route.Spec.Rules[i]
		if what := unsupportedIn(rule); what != "" {
			return nil, &reason{string(gatewayv1.RouteReasonUnsupportedValue), fmt.Sprintf("spec.rules[%d].%s is not served: remove it", i, what)}
		}
		servers, broken := r.servers(rule)
		matches := rule.Matches
		if len(matches) == 0 {
			matches = []gatewayv1.HTTPRouteMatch{{}}
		}
		for j := range matches {
			path, exact, problem := pathOf(&matches[j])
			if problem != "" {
				return nil, &reason{string(gatewayv1.RouteReasonUnsupportedValue), fmt.Sprintf("spec.rules[%d].matches[%d]: %s", i, j, problem)}
			}
			routes = append(routes, site.Route{Path: path, Exact: exact, Servers: servers, Broken: broken})
		}
	}
	return routes, nil
}

// unsupportedIn is the field of a rule that is not served; empty when all is.
func unsupportedIn(rule *gatewayv1.HTTPRouteRule) string {
	switch {
	case len(rule.Filters) > 0, slices.ContainsFunc(rule.BackendRefs, func(b gatewayv1.HTTPBackendRef) bool { return len(b.Filters) > 0 }):
		return "filters"
	case rule.Timeouts != nil:
		return "timeouts"
	case rule.Retry != nil:
		return "retry"
	case rule.SessionPersistence != nil:
		return "sessionPersistence"
	default:
		return ""
	}
}

// pathOf is the path that a match is for, which is everything when it names none. The problem is in words for the author.
func pathOf(match *gatewayv1.HTTPRouteMatch) (path site.Path, exact bool, problem string) {
	if len(match.Headers) > 0 || len(match.QueryParams) > 0 || match.Method != nil {
		return path, false, "headers, queryParams and method are not looked at: remove them"
	}
	if match.Path == nil {
		return path, false, ""
	}
	kind := ptr.Deref(match.Path.Type, gatewayv1.PathMatchPathPrefix)
	if kind != gatewayv1.PathMatchPathPrefix && kind != gatewayv1.PathMatchExact {
		return path, false, "the type of the path has to be PathPrefix or Exact"
	}
	exact = kind == gatewayv1.PathMatchExact
	path, err := site.ParsePath(ptr.Deref(match.Path.Value, "/"), exact)
	if err != nil {
		return path, exact, err.Error()
	}
	return path, exact, ""
}

// servers are the pods of a rule's backends, by their weights. It is broken when some of them cannot be had: the others do not
// get their share.
func (r *routing) servers(rule *gatewayv1.HTTPRouteRule) (servers []site.Server, broken bool) {
	for _, ref := range rule.BackendRefs {
		weight := ptr.Deref(ref.Weight, 1)
		if weight <= 0 {
			continue
		}
		pods, refused := r.backend(ref)
		if refused != nil {
			return nil, true
		}
		for _, pod := range pods {
			pod.Weight = max(1, int(weight)*weightScale/len(pods))
			servers = append(servers, pod)
		}
	}
	return servers, len(rule.BackendRefs) == 0
}

// backend is the pods that a reference leads to, or why it leads nowhere.
func (r *routing) backend(ref gatewayv1.HTTPBackendRef) ([]site.Server, *reason) {
	switch {
	case ptr.Deref(ref.Group, "") != "" || ptr.Deref(ref.Kind, "Service") != "Service":
		return nil, &reason{string(gatewayv1.RouteReasonInvalidKind), fmt.Sprintf("the backend %q is no Service", ref.Name)}
	case string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(r.route.Namespace))) != r.route.Namespace:
		return nil, &reason{string(gatewayv1.RouteReasonRefNotPermitted), fmt.Sprintf("the backend %q is of another namespace: ReferenceGrants are not read here", ref.Name)}
	}
	servers, err := r.objects.Servers(r.route.Namespace, string(ref.Name), networkingv1.ServiceBackendPort{Number: ptr.Deref(ref.Port, 0)})
	if err != nil {
		return nil, &reason{string(gatewayv1.RouteReasonBackendNotFound), err.Error()}
	}
	return servers, nil
}

// unresolved is why some backend of the route leads nowhere; nil when none does.
func (r *routing) unresolved() *reason {
	for i := range r.route.Spec.Rules {
		for _, ref := range r.route.Spec.Rules[i].BackendRefs {
			if _, refused := r.backend(ref); refused != nil {
				return refused
			}
		}
	}
	return nil
}
