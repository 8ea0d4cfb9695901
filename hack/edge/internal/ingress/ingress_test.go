package ingress_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kubescim/kubescim/hack/edge/internal/edgetest"
	"github.com/kubescim/kubescim/hack/edge/internal/ingress"
	"github.com/kubescim/kubescim/hack/edge/internal/nginx"
	"github.com/kubescim/kubescim/hack/edge/internal/objects"
)

const controller = "kubescim.dev/local-nginx"

func TestSites(t *testing.T) {
	o := edgetest.Read(t, "testdata/served.yaml")
	sites, findings := ingress.Sites(o, controller)
	edgetest.Expect(t, "testdata/served.conf", o, sites)
	want := map[string][]string{
		"acme/acme-scim": nil, "mallory/younger": nil, "acme/shared": nil, "acme/encrypted": nil,
		"acme/uncertified": {`spec.tls[0] is not served, and so nobody can connect to uncertified.example.com: ` +
			`there is no Secret "none" of type kubernetes.io/tls in namespace "acme": create it`},
	}
	got := map[string][]string{}
	for _, finding := range findings {
		got[finding.Ingress.String()] = finding.Problems
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the findings are %q, want %q", got, want)
	}
}

// one is an Ingress of the edge's class, and a Service for it.
func one(change func(*networkingv1.Ingress)) *objects.Objects {
	object := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mallory", Name: "mallory"},
		Spec: networkingv1.IngressSpec{IngressClassName: ptr.To("ours"), Rules: []networkingv1.IngressRule{{
			Host: "mallory.example.com",
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/scim", PathType: ptr.To(networkingv1.PathTypePrefix),
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "mallory", Port: networkingv1.ServiceBackendPort{Number: 80}}},
			}}}},
		}}},
	}
	change(object)
	o := &objects.Objects{}
	o.Add(&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "ours"}, Spec: networkingv1.IngressClassSpec{Controller: controller}})
	o.Add(object)
	o.Add(&corev1.Service{ObjectMeta: object.ObjectMeta, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
	return o
}

// What an author of an Ingress writes can be no more in the configuration than a name. The API server refuses most of this
// already, and is not relied on.
func TestNobodyWritesTheConfiguration(t *testing.T) {
	const injected = "injected"
	path := func(path string) func(*networkingv1.Ingress) {
		return func(i *networkingv1.Ingress) { i.Spec.Rules[0].HTTP.Paths[0].Path = path }
	}
	host := func(host string) func(*networkingv1.Ingress) {
		return func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = host }
	}
	tests := map[string]func(*networkingv1.Ingress){
		"a path that ends a block":       path("/a { return 200; } location /injected"),
		"a path that ends a directive":   path("/a;injected"),
		"a path in quotes":               path(`/a"injected`),
		"a path with a line's end":       path("/a\ninjected"),
		"a path with a variable":         path("/$injected"),
		"a path that is a pattern":       path("~ ^/injected"),
		"a path with a comment":          path("/#injected"),
		"a path with a backslash":        path(`/\injected`),
		"a path with a blank":            path("/ injected"),
		"a path with a zero":             path("/\x00injected"),
		"a path with an escape":          path("/%0Ainjected"),
		"a path in another script":       path("/ïnjected/injected"),
		"a path that goes up":            path("/a/../injected"),
		"a path without a slash":         path("injected"),
		"a path that is long":            path("/" + strings.Repeat("injected", 1000)),
		"a host that ends a directive":   host("injected.example.com; return 200"),
		"a host that is a pattern":       host("~^injected$"),
		"a host with a line's end":       host("injected.example.com\n"),
		"a host that matches everything": host("*"),
		"a host that is a wildcard":      host("*.injected.example.com"),
		"a host with a capital":          host("INJECTED.injected.example.com"),
		"a host with a variable":         host("${injected}"),
		"a host with an underscore":      host("_injected"),
		"an annotation": func(i *networkingv1.Ingress) {
			i.Annotations = map[string]string{"nginx.ingress.kubernetes.io/configuration-snippet": injected}
			i.Spec.DefaultBackend = &networkingv1.IngressBackend{}
		},
		"a name of a Secret": func(i *networkingv1.Ingress) {
			i.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{"mallory.example.com", injected}, SecretName: "../injected"}}
		},
		"a name of a Service": func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name = "injected;"
		},
		"a name of a port": func(i *networkingv1.Ingress) {
			i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Port = networkingv1.ServiceBackendPort{Name: "injected;"}
		},
		"more paths than are served": func(i *networkingv1.Ingress) {
			for n := range 300 {
				another := i.Spec.Rules[0].HTTP.Paths[0]
				another.Path = fmt.Sprintf("/injected%d", n)
				i.Spec.Rules[0].HTTP.Paths = append(i.Spec.Rules[0].HTTP.Paths, another)
			}
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			sites, findings := ingress.Sites(one(change), controller)
			if len(findings) != 1 || len(findings[0].Problems) == 0 {
				t.Errorf("nothing is said to the author: %v", findings)
			}
			made, err := nginx.Render(edgetest.Settings(t), sites)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(strings.ToLower(made.Text), injected) {
				t.Errorf("the configuration has it:\n%s", made.Text)
			}
		})
	}
	if _, findings := ingress.Sites(one(func(*networkingv1.Ingress) {}), controller); len(findings) != 1 || len(findings[0].Problems) != 0 {
		t.Errorf("without any of that, the findings are %v", findings)
	}
}

// The edge runs on the node: whoever writes EndpointSlices must not reach through it what pods cannot reach.
func TestPodsAreNotTheNode(t *testing.T) {
	o := one(func(*networkingv1.Ingress) {})
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "mallory", Name: "own", Labels: map[string]string{discoveryv1.LabelServiceName: "mallory"}},
		Ports:      []discoveryv1.EndpointPort{{Port: ptr.To[int32](6443)}},
		Endpoints: []discoveryv1.Endpoint{{Addresses: []string{
			"127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "fe80::1%kc0", "224.0.0.1", "::ffff:127.0.0.1", "localhost", "10.244.0.5; injected",
		}}},
	}
	o.Add(slice)
	sites, _ := ingress.Sites(o, controller)
	if servers := sites[0].Routes[0].Servers; len(servers) != 0 {
		t.Errorf("requests are passed on to %v", servers)
	}
	o.Add(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "mallory", Name: "mallory"},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost", Ports: []corev1.ServicePort{{Port: 80}}}})
	if _, findings := ingress.Sites(o, controller); len(findings[0].Problems) != 1 {
		t.Errorf("a Service that is another name of a host is served: %v", findings)
	}
}
