package operand

import (
	"slices"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestPublishedByIngress(t *testing.T) {
	own := as[networkingv1.Ingress](t, Ingress(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Path = "/api" }),
		scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: "acme-scim"}))
	at := func(host string, paths ...string) networkingv1.IngressRule {
		rule := networkingv1.IngressRule{Host: host}
		if len(paths) > 0 {
			rule.HTTP = &networkingv1.HTTPIngressRuleValue{}
		}
		for _, path := range paths {
			rule.HTTP.Paths = append(rule.HTTP.Paths, networkingv1.HTTPIngressPath{Path: path})
		}
		return rule
	}
	for name, c := range map[string]struct {
		rules []networkingv1.IngressRule
		hosts []string
		url   string
	}{
		"our own":          {own.Spec.Rules, []string{"acme.example.com"}, "https://acme.example.com/api"},
		"no rule":          {nil, nil, ""},
		"every host":       {[]networkingv1.IngressRule{at("", "/")}, nil, ""},
		"several":          {[]networkingv1.IngressRule{at(""), at("a.example.com"), at("b.example.com", "/x", "/y")}, []string{"a.example.com", "b.example.com"}, "https://b.example.com/x"},
		"a host, no paths": {[]networkingv1.IngressRule{at("a.example.com")}, []string{"a.example.com"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ingress := &networkingv1.Ingress{Spec: networkingv1.IngressSpec{Rules: c.rules}}
			if got := ByIngress(ingress).Hosts; !slices.Equal(got, c.hosts) {
				t.Errorf("hosts are %q", got)
			}
			if got := ByIngress(ingress).URL; got != c.url {
				t.Errorf("the URL is %q", got)
			}
		})
	}
}

func TestPublishedByHTTPRoute(t *testing.T) {
	own := as[gatewayv1.HTTPRoute](t, HTTPRoute(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Path = "/api" }),
		scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: "acme-scim"}))
	for name, c := range map[string]struct {
		change func(*gatewayv1.HTTPRoute)
		hosts  []string
		url    string
		leads  bool
	}{
		"our own":        {func(*gatewayv1.HTTPRoute) {}, []string{"acme.example.com"}, "https://acme.example.com/api", true},
		"every host":     {func(r *gatewayv1.HTTPRoute) { r.Spec.Hostnames = nil }, nil, "", true},
		"no path":        {func(r *gatewayv1.HTTPRoute) { r.Spec.Rules[0].Matches = nil }, []string{"acme.example.com"}, "", true},
		"the whole host": {func(r *gatewayv1.HTTPRoute) { *r.Spec.Rules[0].Matches[0].Path.Value = "/" }, []string{"acme.example.com"}, "https://acme.example.com", true},
		"another Service": {func(r *gatewayv1.HTTPRoute) {
			r.Spec.Rules = append(r.Spec.Rules, gatewayv1.HTTPRouteRule{BackendRefs: []gatewayv1.HTTPBackendRef{{
				BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{Name: "web"}},
			}}})
		}, []string{"acme.example.com"}, "https://acme.example.com/api", false},
		"a Service elsewhere": {func(r *gatewayv1.HTTPRoute) {
			r.Spec.Rules[0].BackendRefs[0].Namespace = ptr.To[gatewayv1.Namespace]("other")
		}, []string{"acme.example.com"}, "https://acme.example.com/api", false},
		"no Service": {func(r *gatewayv1.HTTPRoute) {
			r.Spec.Rules[0].BackendRefs[0].Kind = ptr.To[gatewayv1.Kind]("Bucket")
		}, []string{"acme.example.com"}, "https://acme.example.com/api", false},
	} {
		t.Run(name, func(t *testing.T) {
			route := own.DeepCopy()
			c.change(route)
			published := ByHTTPRoute(route)
			if !slices.Equal(published.Hosts, c.hosts) || published.URL != c.url || published.LeadsTo("acme-scim") != c.leads {
				t.Errorf("it publishes %q at %q, and leads to its Service: %t", published.Hosts, published.URL, published.LeadsTo("acme-scim"))
			}
		})
	}
}

// What somebody else has changed is not led anywhere by what was applied.
func TestLeadOnlyWhatWasApplied(t *testing.T) {
	ingress := as[networkingv1.Ingress](t, Ingress(tenant(), scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: "acme-scim"}))
	route := as[gatewayv1.HTTPRoute](t, HTTPRoute(tenant(), scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: "acme-scim"}))
	if led, err := LeadIngress(ingress, "kubescim-operator", Backend{Service: "shared-scim-server"}); led != nil || err != nil {
		t.Error(led, err)
	}
	if led, err := LeadHTTPRoute(route, "kubescim-operator", Backend{Service: "shared-scim-server"}); led != nil || err != nil {
		t.Error(led, err)
	}
}
