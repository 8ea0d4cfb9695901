package scimtenant

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
)

// Of a tenant whose spec names no host, what its identity provider calls stays, whatever the
// operator's configuration says by now.
func TestChooseHost(t *testing.T) {
	const now, former = "acme.scim.example.com", "acme.former.example.com"
	template := config.Endpoint{HostTemplate: "{tenant}.scim.example.com"}
	type situation struct {
		spec     scimv1alpha1.EndpointSpec
		status   scimv1alpha1.ScimTenantStatus
		hosted   bool // by a ScimServer that has a host, or that there is not
		defaults config.Endpoint
		recorded []string
		want     string
		problem  string
	}
	fresh := scimv1alpha1.ScimTenantStatus{ObservedGeneration: -1}
	for name, s := range map[string]situation{
		"new":                           {status: fresh, defaults: template, want: now},
		"new, and there is no template": {status: fresh},
		"new, and names one":            {spec: scimv1alpha1.EndpointSpec{Host: "scim.acme.example.com"}, status: fresh, defaults: template},
		"new, and wants none":           {spec: scimv1alpha1.EndpointSpec{HostPolicy: scimv1alpha1.HostPolicyNone}, status: fresh, defaults: template},
		"new, at the host of a server":  {status: fresh, hosted: true, defaults: template},
		"new, with a former one's host": {status: fresh, defaults: template, recorded: []string{former, "acme.older.example.com"}, want: former},
		"restored without its status, and there is no template any more": {status: fresh, recorded: []string{former}, want: former},
		"published": {
			status: scimv1alpha1.ScimTenantStatus{Host: former, URL: "https://" + former + "/scim/v2", ObservedGeneration: 1}, defaults: template, want: former,
		},
		"published, and there is no template any more": {
			status: scimv1alpha1.ScimTenantStatus{Host: former, URL: "https://" + former + "/api", ObservedGeneration: 1}, want: former,
		},
		"published, and moved to a server with a host": {
			status: scimv1alpha1.ScimTenantStatus{Host: former, URL: "https://" + former + "/scim/v2", ObservedGeneration: 1}, hosted: true, defaults: template, want: former,
		},
		"its Ingress was lost": {
			status: scimv1alpha1.ScimTenantStatus{Host: former, ObservedGeneration: 1}, defaults: template, recorded: []string{former}, want: former,
		},
		"held by another, and the template is another one": {
			status: scimv1alpha1.ScimTenantStatus{Host: former, ObservedGeneration: 1}, defaults: template, want: now,
		},
		"held by another, and there is no template any more": {status: scimv1alpha1.ScimTenantStatus{Host: former, ObservedGeneration: 1}},
		"published, and names another one": {
			spec:   scimv1alpha1.EndpointSpec{Host: "scim.acme.example.com"},
			status: scimv1alpha1.ScimTenantStatus{Host: former, URL: "https://" + former + "/scim/v2", ObservedGeneration: 1}, defaults: template,
		},
		"published, and wants none": {
			spec:   scimv1alpha1.EndpointSpec{HostPolicy: scimv1alpha1.HostPolicyNone},
			status: scimv1alpha1.ScimTenantStatus{Host: former, URL: "https://" + former + "/scim/v2", ObservedGeneration: 1}, defaults: template,
		},
		"names one no longer": {
			status:   scimv1alpha1.ScimTenantStatus{URL: "https://scim.acme.example.com/scim/v2", ObservedGeneration: 1},
			defaults: template, recorded: []string{former}, want: now,
		},
		"served inside the cluster": {
			status: scimv1alpha1.ScimTenantStatus{URL: "http://acme-scim.team.svc/scim/v2", ObservedGeneration: 1}, defaults: template,
		},
		"served at the host of a server that it leaves": {
			status: scimv1alpha1.ScimTenantStatus{URL: "https://scim.example.com/acme/scim/v2", ObservedGeneration: 1}, defaults: template,
		},
		"too long a name": {
			status: fresh, defaults: config.Endpoint{HostTemplate: "{tenant}-" + strings.Repeat("a", 60) + ".example.com"}, problem: "has 65 characters, and may have 63",
		},
		"the name of a Service": {
			status: fresh, defaults: config.Endpoint{HostTemplate: "{tenant}-scim.{namespace}.svc"}, problem: "a SCIM server's Service inside the cluster",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{
				ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"}, Spec: scimv1alpha1.ScimTenantSpec{Endpoint: s.spec}, Status: s.status,
			}
			host, err := chooseHost(tenant, !s.hosted, s.defaults, s.recorded)
			if host != s.want || (err != nil) != (s.problem != "") {
				t.Fatalf("it is %q, and the error is %v", host, err)
			}
			if err != nil && (!strings.Contains(err.Error(), s.problem) || !strings.Contains(err.Error(), "Set spec.endpoint.host")) {
				t.Error(err)
			}
		})
	}
}
