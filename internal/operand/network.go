package operand

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/oauth"
)

// Service returns the Service in front of a SCIM server, which leads to the server's pods, or to
// those that have its traffic.
func Service(s Server) *corev1ac.ServiceApplyConfiguration {
	selector, port := s.endpoints()
	return corev1ac.Service(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(selector).
			WithPorts(corev1ac.ServicePort().
				WithName(portNameSCIM).
				WithProtocol(corev1.ProtocolTCP).
				WithPort(contract.PortService).
				WithTargetPort(port)).
			WithPorts(servicePortsTLS(s)...))
}

// PodDisruptionBudget returns what keeps all but one of a server's pods from
// being evicted at the same time. A single pod may be evicted: a budget that
// forbids that would block the draining of its node for ever.
func PodDisruptionBudget(s Server) *policyv1ac.PodDisruptionBudgetApplyConfiguration {
	return policyv1ac.PodDisruptionBudget(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithSpec(policyv1ac.PodDisruptionBudgetSpec().
			WithMaxUnavailable(intstr.FromInt32(1)).
			WithUnhealthyPodEvictionPolicy(policyv1.AlwaysAllow).
			WithSelector(selector(s)))
}

// annotationBackendProtocol has ingress-nginx, and those that read its annotations, speak TLS to a
// Service. Others go by the Service's port. It is set together with the port that the Ingress leads to,
// which nobody else could do at the same moment.
const (
	annotationBackendProtocol = "nginx.ingress.kubernetes.io/backend-protocol"
	protocolTLS               = "HTTPS"
)

// Backend is where an Ingress or an HTTPRoute leads to: the Service of a server, at the port for TLS or at the one
// without.
type Backend struct {
	Service string
	TLS     bool
}

// Ingress returns the Ingress for a tenant's host, which leads to a server that
// serves it: for all below its base path, and for the documents about its token endpoint, which are not.
// endpoint is the tenant's, with what the operator's configuration adds to it. It must have a host.
//
// The documents are each at one exact path. But some releases of ingress-nginx take the dot
// in it for a part of a regular expression, and refuse the whole Ingress if its type is
// anything but ImplementationSpecific (kubernetes/ingress-nginx#11176, mended by #13798).
func Ingress(
	t *scimv1alpha1.ScimTenant, endpoint scimv1alpha1.EndpointSpec, backend Backend,
) *networkingv1ac.IngressApplyConfiguration {
	return ingress(Name(t.Name), Labels(t.Name), TenantOwner(t), endpoint, backend,
		ingressPath(backend, t.Path(), networkingv1.PathTypePrefix), // first: the URL goes by it
		ingressPath(backend, oauth.ServerMetadataPath+t.Path(), networkingv1.PathTypeImplementationSpecific),
		ingressPath(backend, oauth.ResourceMetadataPath+t.Path(), networkingv1.PathTypeImplementationSpecific))
}

// SharedIngress returns the Ingress for a ScimServer's host, with all of its tenants. It must
// not be asked for when the ScimServer has no host.
func SharedIngress(s *scimv1alpha1.ScimServer, backend Backend) *networkingv1ac.IngressApplyConfiguration {
	server := SharedServer(s)
	return ingress(server.Name, server.Labels(), server.Owner, s.Endpoint(), backend, ingressPath(backend, "/", networkingv1.PathTypePrefix))
}

func ingress(
	name string, labels map[string]string, owner Owner, endpoint scimv1alpha1.EndpointSpec, backend Backend,
	paths ...*networkingv1ac.HTTPIngressPathApplyConfiguration,
) *networkingv1ac.IngressApplyConfiguration {
	ingress := networkingv1ac.Ingress(name, owner.Namespace).
		WithLabels(labels).
		WithOwnerReferences(owner.reference())
	spec := networkingv1ac.IngressSpec().WithRules(networkingv1ac.IngressRule().
		WithHost(endpoint.Host).
		WithHTTP(networkingv1ac.HTTPIngressRuleValue().WithPaths(paths...)))
	if endpoint.TLS.SecretName != "" {
		spec.WithTLS(networkingv1ac.IngressTLS().
			WithHosts(endpoint.Host).
			WithSecretName(endpoint.TLS.SecretName))
	}
	if class := endpoint.Ingress.ClassName; class != "" {
		spec.WithIngressClassName(class)
	}
	if backend.TLS {
		ingress.WithAnnotations(map[string]string{annotationBackendProtocol: protocolTLS})
	}
	for key, value := range endpoint.Ingress.Annotations {
		ingress.WithAnnotations(map[string]string{key: string(value)})
	}
	return ingress.WithSpec(spec)
}

// ingressPath leads a path of a host to a Service.
func ingressPath(backend Backend, path string, pathType networkingv1.PathType) *networkingv1ac.HTTPIngressPathApplyConfiguration {
	port := portNameSCIM
	if backend.TLS {
		port = portNameTLS
	}
	return networkingv1ac.HTTPIngressPath().
		WithPath(path).
		WithPathType(pathType).
		WithBackend(networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().
			WithName(backend.Service).
			WithPort(networkingv1ac.ServiceBackendPort().WithName(port))))
}
