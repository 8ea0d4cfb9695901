package operand

import (
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/internal/contract"
)

// Publication is an object that publishes hosts: an Ingress or an HTTPRoute.
type Publication struct {
	metav1.Object

	// Kind is that of the object.
	Kind string
	// Hosts are those that it is for.
	Hosts []string
	// URL is that, without a slash at its end, below which it leads everything to a server; empty when
	// there is none.
	URL string
	// backends are where it leads to; one that is no Service is empty.
	backends []Backend
}

// Kinds of publications.
const (
	KindIngress   = "Ingress"
	KindHTTPRoute = "HTTPRoute"
)

// LeadsTo reports whether the publication leads to a Service, with all of its paths.
func (p Publication) LeadsTo(service string) bool {
	return !slices.ContainsFunc(p.backends, func(backend Backend) bool { return backend.Service != service })
}

// LeadsByTLS reports whether the publication leads to the port for TLS of a Service, with all of its paths.
func (p Publication) LeadsByTLS(service string) bool {
	return p.LeadsBy(Backend{Service: service, TLS: true})
}

// LeadsBy reports whether the publication leads to a backend, with all of its paths.
func (p Publication) LeadsBy(backend Backend) bool {
	return !slices.ContainsFunc(p.backends, func(one Backend) bool { return one != backend })
}

// UsesTLS reports whether the publication leads to the port for TLS of a Service, be it with one path.
func (p Publication) UsesTLS(service string) bool {
	return slices.Contains(p.backends, Backend{Service: service, TLS: true})
}

// ByIngress returns what an Ingress publishes.
func ByIngress(ingress *networkingv1.Ingress) Publication {
	p := Publication{Object: ingress, Kind: KindIngress}
	for _, rule := range ingress.Spec.Rules {
		if rule.Host != "" {
			p.Hosts = append(p.Hosts, rule.Host)
		}
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			if p.URL == "" && rule.Host != "" {
				p.URL = urlOf(rule.Host, path.Path)
			}
			var backend Backend
			if service := path.Backend.Service; service != nil {
				backend = Backend{Service: service.Name, TLS: service.Port.Name == portNameTLS}
			}
			p.backends = append(p.backends, backend)
		}
	}
	return p
}

// ByHTTPRoute returns what an HTTPRoute publishes.
func ByHTTPRoute(route *gatewayv1.HTTPRoute) Publication {
	p := Publication{Object: route, Kind: KindHTTPRoute}
	for _, host := range route.Spec.Hostnames {
		p.Hosts = append(p.Hosts, string(host))
	}
	for _, rule := range route.Spec.Rules {
		for _, match := range rule.Matches {
			if p.URL == "" && len(p.Hosts) > 0 && match.Path != nil {
				p.URL = urlOf(p.Hosts[0], ptr.Deref(match.Path.Value, "/"))
			}
		}
		for _, backend := range rule.BackendRefs {
			p.backends = append(p.backends, backendOf(backend))
		}
	}
	return p
}

// backendOf returns the Service, in the namespace of its HTTPRoute, that a backend is; none when it is something
// else.
func backendOf(backend gatewayv1.HTTPBackendRef) Backend {
	if ptr.Deref(backend.Group, "") != "" || ptr.Deref(backend.Kind, "Service") != "Service" || backend.Namespace != nil {
		return Backend{}
	}
	return Backend{Service: string(backend.Name), TLS: ptr.Deref(backend.Port, 0) == contract.PortServiceTLS}
}

func urlOf(host, path string) string { return "https://" + host + strings.TrimSuffix(path, "/") }
