package scimtenant

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
)

func TestRefuseHostsByNamespace(t *testing.T) {
	allow := config.Default().Allow
	allow.Hosts = []config.HostRule{{Namespaces: []string{"acme"}, Hosts: []string{"*.acme.example.com"}}}
	for name, tc := range map[string]struct {
		namespace, host string
		refused         bool
	}{
		"its own host":    {"acme", "scim.acme.example.com", false},
		"another's host":  {"acme", "scim.globex.example.com", true},
		"other namespace": {"globex", "scim.acme.example.com", true},
		"no host":         {"globex", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: tc.namespace, Name: "a"}}
			tenant.Spec.Endpoint.Host = tc.host
			r := refuse(tenant, allow)
			if r.any() != tc.refused {
				t.Fatalf("refused: %q", r.endpoint)
			}
			if tc.refused && (!strings.Contains(r.String(), tc.host) || !strings.Contains(r.String(), "allow.hosts")) {
				t.Errorf("the message is %q", r.String())
			}
		})
	}
}
