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
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

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
		Issuers:    contract.HostsOf([]string{"a.example.com"}, []string{"10.0.0.0/8"}),
		EventSinks: contract.HostsOf([]string{"b.example.com:8443"}, []string{"10.1.0.0/16"}),
	}
	isolation := Isolation{
		OperatorNamespace: "kubescim-system", APIServer: contract.Networks([]string{"192.0.2.7/32"}), APIServerPorts: []int32{443, 6443}, Issuers: settings.Issuers,
		EventSinks: settings.EventSinks,
		Clients: []networkingv1.NetworkPolicyPeer{{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "ingress-nginx"}},
			PodSelector:       &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: []string{"a"}}}},
		}},
		Scrapers: []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24", Except: []string{"192.0.2.1/32"}}}},
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
		"tls": tenant(func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint = scimv1alpha1.EndpointSpec{Host: "acme.example.com", TLS: scimv1alpha1.EndpointTLS{SecretName: "acme-tls"}}
			t.Spec.Server.TLS.SecretName = "acme-scim-tls"
		}),
	} {
		t.Run(name, func(t *testing.T) {
			server := DedicatedServer(tenant)
			server.LeadsTLS = server.Spec.TLS.SecretName != ""
			objects := []any{
				ServiceAccount(server), Role(server), RoleBinding(server), MigrationRole(server), MigrationRoleBinding(server),
				Service(server), PodDisruptionBudget(server), NetworkPolicy(server, isolation), Deployment(server, settings), SigningSecret(server, []byte("keys")),
			}
			if tenant.Spec.Endpoint.Host != "" {
				objects = append(objects, Ingress(tenant, tenant.Spec.Endpoint, Backend{Service: Name(tenant.Name), TLS: tenant.Spec.Server.TLS.SecretName != ""}))
			}
			checkGolden(t, filepath.Join("testdata", "dedicated-"+name+".json"), objects)
		})
	}
}

// The objects of a shared server stay the same too.
func TestSharedObjectsStayTheSame(t *testing.T) {
	shared := &scimv1alpha1.ScimServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shared", UID: "server-uid"},
		Spec: scimv1alpha1.ScimServerSpec{
			ServerSpec: scimv1alpha1.ServerSpec{Replicas: 3},
			Endpoint: scimv1alpha1.ServerEndpointSpec{
				Host: "scim.example.com", TLS: scimv1alpha1.EndpointTLS{SecretName: "scim-tls"},
			},
		},
	}
	s := SharedServer(shared)
	checkGolden(t, filepath.Join("testdata", "shared.json"), []any{
		ServiceAccount(s), Role(s), RoleBinding(s), Service(s), PodDisruptionBudget(s),
		NetworkPolicy(s, Isolation{OperatorNamespace: "scim", Clients: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}, APIServerPorts: []int32{443}, Collectors: []int32{4318}}),
		Deployment(s, Settings{Image: "kubescim:1", Absence: time.Hour}), SigningSecret(s, []byte("keys")), SharedIngress(shared, Backend{Service: s.Name}),
		Ingress(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.ServerRef.Name = "shared" }), scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: s.Name}),
	})
}

// Another HTTPRoute is one that all Gateways have to accept again.
func TestHTTPRoutesStayTheSame(t *testing.T) {
	gateways := scimv1alpha1.EndpointHTTPRoute{ParentRefs: []scimv1alpha1.GatewayReference{
		{Name: "public", Namespace: "infra", SectionName: "https"}, {Name: "own"},
	}}
	checkGolden(t, filepath.Join("testdata", "httproutes.json"), []any{
		HTTPRoute(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Path = "/api" }), scimv1alpha1.EndpointSpec{Host: "acme.example.com", HTTPRoute: gateways}, Backend{Service: "acme-scim"}),
		SharedHTTPRoute(&scimv1alpha1.ScimServer{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shared", UID: "server-uid"},
			Spec:       scimv1alpha1.ScimServerSpec{Endpoint: scimv1alpha1.ServerEndpointSpec{Host: "scim.example.com", HTTPRoute: gateways}},
		}, Backend{Service: "shared-scim-server", TLS: true}),
	})
}

// A tenant and a server of one name do not get into each other's way.
func TestNamesOfServersDiffer(t *testing.T) {
	dedicated, shared := server(), SharedServer(&scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"}})
	if dedicated.Name == shared.Name || dedicated.SigningSecretName() == shared.SigningSecretName() {
		t.Errorf("both have objects that are called %s", shared.Name)
	}
	if labels.SelectorFromSet(dedicated.Selector).Matches(labels.Set(shared.Labels())) ||
		labels.SelectorFromSet(shared.Selector).Matches(labels.Set(dedicated.Labels())) {
		t.Error("one has the pods of the other")
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
