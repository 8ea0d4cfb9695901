package operand

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

var rewrite = flag.Bool("rewrite", false, "write the objects in testdata anew")

// What is applied for a tenant stays the same to the byte, unless somebody means it to
// change: another pod template restarts the pods of every tenant when the operator is
// upgraded.
func TestObjectsStayTheSame(t *testing.T) {
	settings := Settings{
		Image: "kubescim:1", ImagePullSecrets: []string{"registry"}, Absence: time.Hour,
		Issuers: contract.IssuersOf([]string{"a.example.com"}, []string{"10.0.0.0/8"}),
	}
	for name, tenant := range map[string]*scimv1alpha1.ScimTenant{
		"plain": tenant(),
		"full": tenant(func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint = scimv1alpha1.EndpointSpec{
				Host: "acme.example.com", Path: "/api", TLS: scimv1alpha1.EndpointTLS{SecretName: "acme-tls"},
				Ingress: scimv1alpha1.EndpointIngress{ClassName: "nginx", Annotations: map[string]scimv1alpha1.IngressAnnotation{"a": "b"}},
			}
			t.Spec.Server = scimv1alpha1.ServerSpec{
				Replicas: 5,
				Resources: &corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")},
				},
				Scheduling: scimv1alpha1.ServerScheduling{
					NodeSelector:      map[string]scimv1alpha1.NodeLabelValue{"pool": "scim"},
					Tolerations:       []corev1.Toleration{{Key: "scim", Operator: corev1.TolerationOpExists}},
					PriorityClassName: "important",
				},
				ImagePullSecrets: []scimv1alpha1.ImagePullSecret{{Name: "mine"}},
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			objects := []any{
				ServiceAccount(DedicatedServer(tenant)), Role(DedicatedServer(tenant)), RoleBinding(DedicatedServer(tenant)), MigrationRole(DedicatedServer(tenant)), MigrationRoleBinding(DedicatedServer(tenant)),
				Service(DedicatedServer(tenant)), PodDisruptionBudget(DedicatedServer(tenant)), Deployment(DedicatedServer(tenant), settings), SigningSecret(DedicatedServer(tenant), []byte("keys")),
			}
			if tenant.Spec.Endpoint.Host != "" {
				objects = append(objects, Ingress(tenant))
			}
			checkGolden(t, filepath.Join("testdata", "dedicated-"+name+".json"), objects)
		})
	}
}

func checkGolden(t *testing.T, file string, objects []any) {
	t.Helper()
	text, err := json.MarshalIndent(objects, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *rewrite {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("the objects are not those of %s: if that is meant, write it anew with -args -rewrite. They are\n%s", file, text)
	}
}
