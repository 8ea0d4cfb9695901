package operand

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// Without TLS nothing is different, so that an upgrade restarts no pods for it.
func TestCertificateOfADeployment(t *testing.T) {
	s := server()
	if name := CertificateSecret(as[appsv1.Deployment](t, Deployment(s, Settings{}))); name != "" {
		t.Errorf("a server without TLS presents %q", name)
	}
	s.Spec.TLS.SecretName = "acme-scim-tls"
	if name := CertificateSecret(as[appsv1.Deployment](t, Deployment(s, Settings{}))); name != "acme-scim-tls" {
		t.Errorf("a server with TLS presents %q", name)
	}
}

// While pods go that serve TLS, the Service leads to them, and they are let through to.
func TestTheServiceLeadsToTLS(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Server)
		want   bool
	}{
		"no TLS":                    {func(*Server) {}, false},
		"TLS":                       {func(s *Server) { s.LeadsTLS = true }, true},
		"elsewhere":                 {func(s *Server) { s.LeadsTLS, s.Traffic = true, &Traffic{Port: contract.FirstTenantPort} }, false},
		"TLS that is not there yet": {func(s *Server) { s.Spec.TLS.SecretName = "acme-scim-tls" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := server()
			tc.change(&s)
			service := as[corev1.Service](t, Service(s))
			if got := HasTLSPort(service); got != tc.want {
				t.Errorf("it is %v that the Service leads to TLS", got)
			}
			if service.Spec.Ports[0].Port != contract.PortService {
				t.Errorf("the first port is %+v", service.Spec.Ports[0])
			}
			policy := as[networkingv1.NetworkPolicy](t, NetworkPolicy(s, Isolation{}))
			let := len(policy.Spec.Ingress[0].Ports) == 2
			if let != s.LeadsTLS {
				t.Errorf("clients are let through to %+v", policy.Spec.Ingress[0].Ports)
			}
		})
	}
}

func TestAnIngressLeadsByTLS(t *testing.T) {
	for _, tls := range []bool{true, false} {
		i := as[networkingv1.Ingress](t, Ingress(tenant(), scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: "acme-scim", TLS: tls}))
		if ByIngress(i).LeadsByTLS("acme-scim") != tls || ByIngress(i).LeadsByTLS("shared-scim-server") || !ByIngress(i).LeadsTo("acme-scim") {
			t.Errorf("by TLS, if %v, it leads to %+v", tls, i.Spec.Rules[0].HTTP.Paths)
		}
		if protocol, says := i.Annotations[annotationBackendProtocol]; says != tls || tls && protocol != "HTTPS" {
			t.Errorf("the annotations are %v", i.Annotations)
		}
	}
}
