package contract

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestURL(t *testing.T) {
	for name, tc := range map[string]struct {
		endpoint scimv1alpha1.EndpointSpec
		want     string
	}{
		"inside the cluster": {scimv1alpha1.EndpointSpec{}, "http://acme-scim.team.svc/scim/v2"},
		"with a path":        {scimv1alpha1.EndpointSpec{Path: "/api/scim"}, "http://acme-scim.team.svc/api/scim"},
		"with a host":        {scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, "https://acme.example.com/scim/v2"},
		"with both":          {scimv1alpha1.EndpointSpec{Host: "acme.example.com", Path: "/s"}, "https://acme.example.com/s"},
	} {
		t.Run(name, func(t *testing.T) {
			got := URL(&scimv1alpha1.ScimTenant{
				ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"},
				Spec:       scimv1alpha1.ScimTenantSpec{Endpoint: tc.endpoint},
			})
			if got != tc.want {
				t.Errorf("URL = %q, want %q", got, tc.want)
			}
		})
	}
}
