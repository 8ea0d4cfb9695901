package tenant

import (
	"testing"

	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestATenantIsMovedUnlessItWouldLoseItsURL(t *testing.T) {
	const shared, own, given = "https://scim.example.com/acme/scim/v2", "http://acme-scim.customers.svc/scim/v2", "acme.scim.example.com"
	for name, tc := range map[string]struct {
		servers   []string
		url, host string // the host is one that the operator's configuration has given
		to        string
		loses     bool
	}{
		"never served":                           {},
		"on its own server":                      {servers: []string{"acme-scim"}, url: own, to: "shared"},
		"on a ScimServer, and before on its own": {servers: []string{"shared-scim-server"}, url: own},
		"born on a ScimServer":                   {servers: []string{"shared-scim-server"}, url: shared, loses: true},
		"born there, and to another one":         {servers: []string{"shared-scim-server"}, url: shared, to: "other", loses: true},
		"born there, and to stay":                {servers: []string{"shared-scim-server"}, url: shared, to: "shared"},
		"born there, with a host that was given": {servers: []string{"shared-scim-server"}, url: "https://" + given + "/scim/v2", host: given},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{}
			tenant.Name, tenant.Namespace = "acme", "customers"
			tenant.Status.URL, tenant.Status.Host = tc.url, tc.host
			for _, server := range tc.servers {
				tenant.Status.Servers = append(tenant.Status.Servers, scimv1alpha1.TenantServer{Name: server})
			}
			err := reachable(tenant, tc.to)
			if !tc.loses {
				NewWithT(t).Expect(err).NotTo(HaveOccurred())
				return
			}
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring("has no URL but that of ScimServer shared, " + shared)))

			tenant.Spec.Endpoint.Host = "acme.example.com"
			NewWithT(t).Expect(reachable(tenant, tc.to)).To(Succeed())
		})
	}
}
