// Package objects is what the cluster has, as it was read at one time, and finds in it what Ingresses and HTTPRoutes refer to.
package objects

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// mostServers bounds the pods that the requests of one route are spread over.
const mostServers = 100

// Objects are those of the cluster.
type Objects struct {
	IngressClasses []networkingv1.IngressClass
	Ingresses      []networkingv1.Ingress
	Services       map[types.NamespacedName]corev1.Service
	// EndpointSlices are by the Service that they are of.
	EndpointSlices map[types.NamespacedName][]discoveryv1.EndpointSlice
	// Secrets are those of type kubernetes.io/tls.
	Secrets map[types.NamespacedName]corev1.Secret
	// NamespaceLabels are by the name of the namespace.
	NamespaceLabels map[string]labels.Set
	// Those of the Gateway API are none while its definitions are not there.
	GatewayClasses []gatewayv1.GatewayClass
	Gateways       []gatewayv1.Gateway
	HTTPRoutes     []gatewayv1.HTTPRoute
}

// Add adds an object of a kind that matters.
func (o *Objects) Add(object runtime.Object) {
	switch object := object.(type) {
	case *networkingv1.IngressClass:
		o.IngressClasses = append(o.IngressClasses, *object)
	case *networkingv1.Ingress:
		o.Ingresses = append(o.Ingresses, *object)
	case *gatewayv1.GatewayClass:
		o.GatewayClasses = append(o.GatewayClasses, *object)
	case *gatewayv1.Gateway:
		o.Gateways = append(o.Gateways, *object)
	case *gatewayv1.HTTPRoute:
		o.HTTPRoutes = append(o.HTTPRoutes, *object)
	case *corev1.Namespace:
		insert(&o.NamespaceLabels, object.Name, labels.Set(object.Labels))
	case *corev1.Service:
		insert(&o.Services, nameOf(object), *object)
	case *corev1.Secret:
		insert(&o.Secrets, nameOf(object), *object)
	case *discoveryv1.EndpointSlice:
		service := types.NamespacedName{Namespace: object.Namespace, Name: object.Labels[discoveryv1.LabelServiceName]}
		insert(&o.EndpointSlices, service, append(o.EndpointSlices[service], *object))
	}
}

// insert puts a value into a map that may be nil.
func insert[K comparable, V any, M ~map[K]V](into *M, key K, value V) {
	if *into == nil {
		*into = M{}
	}
	(*into)[key] = value
}

func nameOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}

// Certificate is that of a Secret. The error says what to mend, for the author of what names the Secret.
func (o *Objects) Certificate(namespace, name string) (*site.Certificate, error) {
	secret, exists := o.Secrets[types.NamespacedName{Namespace: namespace, Name: name}]
	if !exists {
		return nil, fmt.Errorf("there is no Secret %q of type kubernetes.io/tls in namespace %q: create it", name, namespace)
	}
	certificate, err := site.ParseCertificate(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, fmt.Errorf("the Secret %q is of no use: %w", name, err)
	}
	return certificate, nil
}

// Servers are the pods of a Service that are ready, with the port of each that the Service's port leads to. The error says
// what to mend.
func (o *Objects) Servers(namespace, name string, port networkingv1.ServiceBackendPort) ([]site.Server, error) {
	key := types.NamespacedName{Namespace: namespace, Name: name}
	service, exists := o.Services[key]
	if !exists {
		return nil, fmt.Errorf("there is no Service %q in namespace %q", name, namespace)
	}
	if service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil, fmt.Errorf("the Service %q is another name of a host, which is not served: name one that has pods", name)
	}
	at := slices.IndexFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		return (port.Name != "" && p.Name == port.Name) || (port.Name == "" && p.Port == port.Number)
	})
	if at < 0 {
		return nil, fmt.Errorf("the Service %q has no port %q", name, cmp.Or(port.Name, fmt.Sprint(port.Number)))
	}
	if protocol := service.Spec.Ports[at].Protocol; protocol != "" && protocol != corev1.ProtocolTCP {
		return nil, fmt.Errorf("the port of Service %q is of %s: name one of TCP", name, protocol)
	}
	var servers []site.Server
	for i := range o.EndpointSlices[key] {
		servers = append(servers, serversOf(&o.EndpointSlices[key][i], service.Spec.Ports[at].Name)...)
	}
	if protocol := service.Spec.Ports[at].AppProtocol; protocol != nil && *protocol == "https" {
		for i := range servers {
			servers[i].TLS = true
		}
	}
	slices.SortFunc(servers, func(a, b site.Server) int { return a.Address.Compare(b.Address) })
	servers = slices.Compact(servers) // A pod may be in two slices for a while.
	return servers[:min(len(servers), mostServers)], nil
}

// serversOf are the addresses of a slice that are ready, with the port of that name.
func serversOf(slice *discoveryv1.EndpointSlice, port string) []site.Server {
	at := slices.IndexFunc(slice.Ports, func(p discoveryv1.EndpointPort) bool {
		return p.Port != nil && *p.Port > 0 && *p.Port <= 65535 && (p.Name == nil && port == "" || p.Name != nil && *p.Name == port)
	})
	if at < 0 {
		return nil
	}
	var servers []site.Server
	for i := range slice.Endpoints {
		if ready := slice.Endpoints[i].Conditions.Ready; ready != nil && !*ready {
			continue
		}
		for _, text := range slice.Endpoints[i].Addresses {
			if address, err := netip.ParseAddr(text); err == nil && isOfPod(address) {
				servers = append(servers, site.Server{Address: netip.AddrPortFrom(address, uint16(*slice.Ports[at].Port)), Weight: 1})
			}
		}
	}
	return servers
}

// isOfPod reports whether an address can be a pod's. Whoever may write EndpointSlices must not have the edge, which runs on
// the node, ask what listens there for itself alone.
func isOfPod(address netip.Addr) bool {
	return address.IsValid() && address.Zone() == "" && address.IsGlobalUnicast()
}
