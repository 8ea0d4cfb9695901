package publishing

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller/certificates"
	"github.com/kubescim/kubescim/internal/operand"
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
			endpoint := &Endpoint{Owner: operand.Owner{Namespace: tc.namespace}, Spec: scimv1alpha1.EndpointSpec{Host: tc.host}}
			message := config.Refusal(refused(endpoint, allow)...)
			if (message != "") != tc.refused || (tc.refused && (!strings.Contains(message, tc.host) || !strings.Contains(message, "allow.hosts"))) {
				t.Errorf("the message is %q", message)
			}
		})
	}
}

// A host inside the cluster leads to the tenants of its namespace whatever one of them publishes.
func TestRefuseHostsOfServices(t *testing.T) {
	for host, want := range map[string]bool{
		"globex-scim.acme.svc": true, "shared-scim-server.acme.svc": true, "globex-scim.acme": true,
		"globex-scim.acme.example.com": false, "acme.example.com": false,
	} {
		endpoint := &Endpoint{Owner: operand.Owner{Namespace: "acme"}, Spec: scimv1alpha1.EndpointSpec{Host: host}}
		if message := config.Refusal(refused(endpoint, config.Default().Allow)...); (message != "") != want || (want && !strings.Contains(message, host)) {
			t.Errorf("the message for %q is %q", host, message)
		}
	}
}

// Who has neither an IngressClass nor a certificate hears of both at once.
func TestAMissingClassIsNoReasonToHideAMissingCertificate(t *testing.T) {
	const host, secret = "scim.example.com", "scim-tls"
	missing := judge(certificates.About{Secret: secret, Host: host}, "spec.endpoint.tls.secretName", &certificates.Finding{State: certificates.NotFound})
	for name, tc := range map[string]struct {
		certificate *Finding
		class       bool
		reason      string
		names       bool
	}{
		"neither":             {&missing, false, scimv1alpha1.ReasonIngressClassNotFound, true},
		"a certificate":       {&Finding{Message: "it is valid"}, false, scimv1alpha1.ReasonIngressClassNotFound, false},
		"not looked at yet":   {nil, false, scimv1alpha1.ReasonIngressClassNotFound, false},
		"a class, but no TLS": {&missing, true, scimv1alpha1.ReasonReconcileFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := &Endpoint{IngressClass: tc.class, Certificate: tc.certificate, Spec: scimv1alpha1.EndpointSpec{
				Host: host, Ingress: scimv1alpha1.EndpointIngress{ClassName: "nginx"}, TLS: scimv1alpha1.EndpointTLS{SecretName: secret},
			}}
			got := endpoint.Accepted()
			if got.Reason != tc.reason || strings.Contains(got.Message, secret) != tc.names {
				t.Errorf("it says %s: %s", got.Reason, got.Message)
			}
		})
	}
}

func TestRefuseGateways(t *testing.T) {
	named := scimv1alpha1.EndpointHTTPRoute{ParentRefs: []scimv1alpha1.GatewayReference{{Name: "public", Namespace: "infra"}, {Name: "own"}}}
	for name, tc := range map[string]struct {
		allowed []string
		says    []string
	}{
		"any":               {config.Default().Allow.Gateways, nil},
		"none":              {[]string{}, []string{`Gateway "infra/public"`, `Gateway "acme/own"`, "allow.gateways"}},
		"those of infra":    {[]string{"infra/*"}, []string{`Gateway "acme/own"`}},
		"both by name":      {[]string{"infra/public", "acme/own"}, nil},
		"of any namespace":  {[]string{"*/public"}, []string{`Gateway "acme/own"`}},
		"no part of a name": {[]string{"infra/pub", "acme"}, []string{`Gateway "infra/public"`, `Gateway "acme/own"`}},
	} {
		t.Run(name, func(t *testing.T) {
			allow := config.Default().Allow
			allow.Gateways = tc.allowed
			got := refused(&Endpoint{Owner: operand.Owner{Namespace: "acme"}, Spec: scimv1alpha1.EndpointSpec{Host: "acme.example.com", HTTPRoute: named}}, allow)
			message := config.Refusal(got...)
			if len(tc.says) == 0 && message != "" {
				t.Errorf("the message is %q", message)
			}
			for _, part := range tc.says {
				if !strings.Contains(message, part) {
					t.Errorf("the message is %q, and lacks %q", message, part)
				}
			}
		})
	}
}

func TestHasIngressClass(t *testing.T) {
	class := func(name string, isDefault string) networkingv1.IngressClass {
		return networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{
			networkingv1.AnnotationIsDefaultIngressClass: isDefault,
		}}}
	}
	for name, tc := range map[string]struct {
		wanted  string
		classes []networkingv1.IngressClass
		want    bool
	}{
		"none at all":         {"", nil, false},
		"no default":          {"", []networkingv1.IngressClass{class("a", "false")}, false},
		"a default":           {"", []networkingv1.IngressClass{class("a", "false"), class("b", "true")}, true},
		"the named one":       {"a", []networkingv1.IngressClass{class("a", "false")}, true},
		"the default instead": {"a", []networkingv1.IngressClass{class("b", "true")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hasIngressClass(tc.wanted, tc.classes); got != tc.want {
				t.Errorf("hasIngressClass = %v", got)
			}
		})
	}
}
