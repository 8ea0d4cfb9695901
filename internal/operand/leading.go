package operand

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1ac "sigs.k8s.io/gateway-api/applyconfiguration/apis/v1"
)

// What the spec does not ask for any more has no intent: its class, its annotations or its Gateways are in no spec. So it is
// led to another backend by what its maker owns of it, which is in its managed fields.

// LeadIngress returns an Ingress as a field manager has applied it, but leading to a backend; nil when somebody else has
// changed where it leads to. The Ingress must be as the API server has it.
func LeadIngress(ingress *networkingv1.Ingress, manager string, backend Backend) (*networkingv1ac.IngressApplyConfiguration, error) {
	applied, err := networkingv1ac.ExtractIngress(ingress, manager)
	if err != nil {
		return nil, fmt.Errorf("finding what was applied of Ingress %s: %w", ingress.Name, err)
	}
	if applied.Spec == nil || len(applied.Spec.Rules) == 0 {
		return nil, nil
	}
	for _, rule := range applied.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for i, path := range rule.HTTP.Paths {
			rule.HTTP.Paths[i] = *ingressPath(backend, ptr.Deref(path.Path, ""), ptr.Deref(path.PathType, ""))
		}
	}
	protocol, set := applied.Annotations[annotationBackendProtocol]
	switch {
	case backend.TLS && !set:
		applied.WithAnnotations(map[string]string{annotationBackendProtocol: protocolTLS})
	case !backend.TLS && protocol == protocolTLS:
		delete(applied.Annotations, annotationBackendProtocol)
	}
	return applied, nil
}

// LeadHTTPRoute is LeadIngress for an HTTPRoute.
func LeadHTTPRoute(route *gatewayv1.HTTPRoute, manager string, backend Backend) (*gatewayv1ac.HTTPRouteApplyConfiguration, error) {
	applied, err := gatewayv1ac.ExtractHTTPRoute(route, manager)
	if err != nil {
		return nil, fmt.Errorf("finding what was applied of HTTPRoute %s: %w", route.Name, err)
	}
	if applied.Spec == nil || len(applied.Spec.Rules) == 0 {
		return nil, nil
	}
	for i := range applied.Spec.Rules {
		applied.Spec.Rules[i].BackendRefs = nil
		applied.Spec.Rules[i].WithBackendRefs(routeBackend(backend))
	}
	return applied, nil
}
