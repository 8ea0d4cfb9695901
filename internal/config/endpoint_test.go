package config

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestHostsOfTenants(t *testing.T) {
	long := strings.Repeat("a", 50)
	for name, c := range map[string]struct{ template, namespace, tenant, want, problem string }{
		"no template":           {"", "team", "acme", "", ""},
		"by name":               {"{tenant}.scim.example.com", "team", "acme", "acme.scim.example.com", ""},
		"by name and namespace": {"{tenant}.{namespace}.scim.example.com", "team", "acme", "acme.team.scim.example.com", ""},
		"in one label":          {"scim-{tenant}-{namespace}.example.com", "team", "acme", "scim-acme-team.example.com", ""},
		"twice":                 {"{tenant}.{tenant}.example.com", "team", "acme", "acme.acme.example.com", ""},
		"as long as can be":     {"{tenant}.scim.example.com", "team", long, long + ".scim.example.com", ""},
		"too long a label":      {"{tenant}-{namespace}.example.com", long, long, long + "-" + long + ".example.com", "has 101 characters, and may have 63"},
		"a name with a dot":     {"{tenant}.example.com", "team", "acme.test", "acme.test.example.com", ""},
		"a name that ends":      {"{tenant}.example.com", "team", "acme.", "acme..example.com", "must have lower-case letters"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Endpoint{HostTemplate: c.template}.Host(c.namespace, c.tenant)
			if got != c.want || (err != nil) != (c.problem != "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("the host is %q, and the error %v", got, err)
			}
		})
	}
}

func TestGatewaysOfHosts(t *testing.T) {
	gateways := mustLoad(t, `
endpoint:
  hostTemplate: "{tenant}.scim.example.com"
  httpRoute: {parentRefs: [{name: public, namespace: infra, sectionName: https}]}
`).Endpoint
	got := gateways.Of(&scimv1alpha1.ScimTenant{Status: scimv1alpha1.ScimTenantStatus{Host: "acme.scim.example.com"}})
	if want := (scimv1alpha1.GatewayReference{Name: "public", Namespace: "infra", SectionName: "https"}); len(got.HTTPRoute.ParentRefs) != 1 || got.HTTPRoute.ParentRefs[0] != want {
		t.Errorf("a host that was given is published by %+v", got.HTTPRoute)
	}
	for name, c := range map[string]struct{ text, says string }{
		"a certificate":    {"tls: {secretName: a}, httpRoute: {parentRefs: [{name: public}]}", "endpoint.tls: has a secretName"},
		"an Ingress":       {"ingress: {className: a}, httpRoute: {parentRefs: [{name: public}]}", "endpoint.httpRoute: a host has an Ingress or an HTTPRoute"},
		"no name":          {"httpRoute: {parentRefs: [{namespace: infra}]}", "parentRefs[0].name"},
		"no namespace":     {"httpRoute: {parentRefs: [{name: public, namespace: A}]}", "parentRefs[0].namespace"},
		"no listener":      {"httpRoute: {parentRefs: [{name: public, sectionName: A}]}", "parentRefs[0].sectionName"},
		"five":             {"httpRoute: {parentRefs: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]}", "has 5 parentRefs"},
		"an unknown field": {"httpRoute: {gateways: [a]}", "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, `endpoint: {hostTemplate: "{tenant}.example.com", `+c.text+"}"); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("the file is refused with %v", err)
			}
		})
	}
}

// What the configuration says of an endpoint is for the hosts that it gives, and for no other ones.
func TestEndpointsOfTenants(t *testing.T) {
	defaults := mustLoad(t, `
endpoint:
  hostTemplate: "{tenant}.scim.example.com"
  tls: {secretName: "{tenant}-{namespace}-tls"}
  ingress: {className: nginx, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}
`).Endpoint
	tenant := func(spec scimv1alpha1.EndpointSpec, given string) *scimv1alpha1.ScimTenant {
		return &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"},
			Spec:       scimv1alpha1.ScimTenantSpec{Endpoint: spec}, Status: scimv1alpha1.ScimTenantStatus{Host: given},
		}
	}
	got := defaults.Of(tenant(scimv1alpha1.EndpointSpec{Path: "/api"}, "acme.former.example.com"))
	if got.Host != "acme.former.example.com" || got.Path != "/api" || got.TLS.SecretName != "acme-team-tls" || got.Ingress.ClassName != "nginx" ||
		got.Ingress.Annotations["cert-manager.io/cluster-issuer"] != "letsencrypt" {
		t.Errorf("a host that was given is published as %+v", got)
	}
	for name, other := range map[string]*scimv1alpha1.ScimTenant{
		"its own host": tenant(scimv1alpha1.EndpointSpec{Host: "scim.acme.example.com"}, "acme.scim.example.com"),
		"no host":      tenant(scimv1alpha1.EndpointSpec{HostPolicy: scimv1alpha1.HostPolicyNone}, "acme.scim.example.com"),
		"none given":   tenant(scimv1alpha1.EndpointSpec{}, ""),
	} {
		if got := defaults.Of(other); got.Host != other.Spec.Endpoint.Host || got.TLS != (scimv1alpha1.EndpointTLS{}) || got.Ingress.ClassName != "" {
			t.Errorf("%s: it is published as %+v", name, got)
		}
	}
}
