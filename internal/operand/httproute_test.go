package operand

import (
	"slices"
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// It leads the same paths as the Ingress to the same Service.
func TestHTTPRouteIsAsTheIngress(t *testing.T) {
	acme := tenant(func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Endpoint = scimv1alpha1.EndpointSpec{Host: "acme.example.com", Path: "/api", HTTPRoute: scimv1alpha1.EndpointHTTPRoute{
			ParentRefs: []scimv1alpha1.GatewayReference{{Name: "public", Namespace: "infra", SectionName: "https"}, {Name: "own"}},
		}}
	})
	route, ingress := HTTPRoute(acme, acme.Spec.Endpoint, Backend{Service: "acme-scim"}), Ingress(acme, acme.Spec.Endpoint, Backend{Service: "acme-scim"})
	r := as[gatewayv1.HTTPRoute](t, route)
	checkMeta(t, r)
	var routed, ingressed []string
	for _, match := range r.Spec.Rules[0].Matches {
		routed = append(routed, *match.Path.Value)
	}
	for _, path := range ingress.Spec.Rules[0].HTTP.Paths {
		ingressed = append(ingressed, *path.Path)
	}
	if !slices.Equal(routed, ingressed) || *r.Spec.Rules[0].Matches[0].Path.Type != gatewayv1.PathMatchPathPrefix ||
		*r.Spec.Rules[0].Matches[1].Path.Type != gatewayv1.PathMatchExact {
		t.Errorf("the HTTPRoute is for %q, and the Ingress for %q", routed, ingressed)
	}
	if *route.Name != *ingress.Name || len(r.Spec.Rules) != 1 || len(r.Spec.Hostnames) != 1 || r.Spec.Hostnames[0] != "acme.example.com" {
		t.Errorf("the HTTPRoute is %+v", r)
	}
	if b := r.Spec.Rules[0].BackendRefs; len(b) != 1 || b[0].Name != "acme-scim" || *b[0].Port != 80 {
		t.Errorf("the backends are %+v", b)
	}
	parents := r.Spec.ParentRefs
	if len(parents) != 2 || parents[0].Name != "public" || *parents[0].Namespace != "infra" || *parents[0].SectionName != "https" ||
		parents[1].Name != "own" || parents[1].Namespace != nil || parents[1].SectionName != nil {
		t.Errorf("the parents are %+v", parents)
	}
}
