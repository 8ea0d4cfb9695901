package operand

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1ac "sigs.k8s.io/gateway-api/applyconfiguration/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/oauth"
)

// HTTPRoute returns the HTTPRoute for a tenant's host, which leads to the Service of a server that
// serves it: for the same paths as its Ingress does. endpoint is the tenant's, with what the operator's configuration
// adds to it. It must have a host.
func HTTPRoute(t *scimv1alpha1.ScimTenant, endpoint scimv1alpha1.EndpointSpec, backend Backend) *gatewayv1ac.HTTPRouteApplyConfiguration {
	return httpRoute(Name(t.Name), Labels(t.Name), TenantOwner(t), endpoint, backend,
		routeMatch(gatewayv1.PathMatchPathPrefix, t.Path()), // first: the URL goes by it
		routeMatch(gatewayv1.PathMatchExact, oauth.ServerMetadataPath+t.Path()),
		routeMatch(gatewayv1.PathMatchExact, oauth.ResourceMetadataPath+t.Path()))
}

// SharedHTTPRoute returns the HTTPRoute for a ScimServer's host, with all of its tenants. It must
// not be asked for when the ScimServer has no host.
func SharedHTTPRoute(s *scimv1alpha1.ScimServer, backend Backend) *gatewayv1ac.HTTPRouteApplyConfiguration {
	server := SharedServer(s)
	return httpRoute(server.Name, server.Labels(), server.Owner, s.Endpoint(), backend,
		routeMatch(gatewayv1.PathMatchPathPrefix, "/"))
}

func httpRoute(
	name string, labels map[string]string, owner Owner, endpoint scimv1alpha1.EndpointSpec, backend Backend,
	matches ...*gatewayv1ac.HTTPRouteMatchApplyConfiguration,
) *gatewayv1ac.HTTPRouteApplyConfiguration {
	spec := gatewayv1ac.HTTPRouteSpec().
		WithHostnames(gatewayv1.Hostname(endpoint.Host)).
		WithRules(gatewayv1ac.HTTPRouteRule().
			WithMatches(matches...).
			WithBackendRefs(routeBackend(backend)))
	for _, gateway := range endpoint.HTTPRoute.ParentRefs {
		parent := gatewayv1ac.ParentReference().WithName(gatewayv1.ObjectName(gateway.Name))
		if gateway.Namespace != "" {
			parent.WithNamespace(gatewayv1.Namespace(gateway.Namespace))
		}
		if gateway.SectionName != "" {
			parent.WithSectionName(gatewayv1.SectionName(gateway.SectionName))
		}
		spec.WithParentRefs(parent)
	}
	return gatewayv1ac.HTTPRoute(name, owner.Namespace).
		WithLabels(labels).
		WithOwnerReferences(owner.reference()).
		WithSpec(spec)
}

func routeMatch(matchType gatewayv1.PathMatchType, path string) *gatewayv1ac.HTTPRouteMatchApplyConfiguration {
	return gatewayv1ac.HTTPRouteMatch().WithPath(gatewayv1ac.HTTPPathMatch().WithType(matchType).WithValue(path))
}

func routeBackend(backend Backend) *gatewayv1ac.HTTPBackendRefApplyConfiguration {
	port := contract.PortService
	if backend.TLS {
		port = contract.PortServiceTLS
	}
	return gatewayv1ac.HTTPBackendRef().WithName(gatewayv1.ObjectName(backend.Service)).WithPort(port)
}
