// Package ingress makes sites of the Ingresses that are the edge's. It is a pure function of objects.
package ingress

import (
	"cmp"
	"fmt"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// mostPaths bounds what one Ingress can make of the configuration.
const mostPaths = 200

// Finding is what comes of one Ingress.
type Finding struct {
	Ingress types.NamespacedName
	// Problems are what is not served of it, in words for its author. Without any, all of it is.
	Problems []string
}

// Sites are those of the Ingresses whose class has the controller's name. What one asks for that cannot be served is left out;
// all else of it is served. Of two that want the same path of a host, the older one gets it. Annotations mean nothing.
func Sites(o *objects.Objects, controller string) ([]site.Site, []Finding) {
	ours := map[string]bool{}
	for _, class := range o.IngressClasses {
		ours[class.Name] = class.Spec.Controller == controller
	}
	var (
		sites    []site.Site
		findings []Finding
	)
	for _, ingress := range slices.SortedFunc(slices.Values(o.Ingresses), byAge) {
		if class := ingress.Spec.IngressClassName; class == nil || !ours[*class] {
			continue
		}
		r := &reading{objects: o, ingress: &ingress}
		sites = append(sites, r.sites()...)
		findings = append(findings, Finding{
			Ingress:  types.NamespacedName{Namespace: ingress.Namespace, Name: ingress.Name},
			Problems: r.problems,
		})
	}
	return site.Merge(sites), findings
}

// byAge puts the oldest first, and those of one second in the order of their names.
func byAge(a, b networkingv1.Ingress) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// reading is one Ingress being read.
type reading struct {
	objects  *objects.Objects
	ingress  *networkingv1.Ingress
	problems []string
}

func (r *reading) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

// sites are those of the Ingress, one for each rule.
func (r *reading) sites() []site.Site {
	paths := 0
	for _, rule := range r.ingress.Spec.Rules {
		if rule.HTTP != nil {
			paths += len(rule.HTTP.Paths)
		}
	}
	if paths > mostPaths {
		r.problem("it has more than %d paths: make several Ingresses of it", mostPaths)
		return nil
	}
	if r.ingress.Spec.DefaultBackend != nil {
		r.problem("spec.defaultBackend is not served: name a path in spec.rules")
	}
	var sites []site.Site
	for i := range r.ingress.Spec.Rules {
		rule := &r.ingress.Spec.Rules[i]
		host, err := site.ParseHost(rule.Host)
		switch {
		case err != nil:
			r.problem("spec.rules[%d] is not served: %v", i, err)
			continue
		case host.IsWildcard():
			r.problem("spec.rules[%d] is not served: name a host without a wildcard", i)
			continue
		}
		one := site.Site{Host: host}
		one.Certificate, one.RefuseTLS = r.certificate(rule.Host)
		if rule.HTTP != nil {
			one.Routes = r.routes(i, rule.HTTP.Paths)
		}
		sites = append(sites, one)
	}
	return sites
}

// certificate is the one that spec.tls names for a host. It is refused when one is named that cannot be had.
func (r *reading) certificate(host string) (certificate *site.Certificate, refused bool) {
	for i, tls := range r.ingress.Spec.TLS {
		if !slices.Contains(tls.Hosts, host) || tls.SecretName == "" {
			continue
		}
		certificate, err := r.objects.Certificate(r.ingress.Namespace, tls.SecretName)
		if err == nil {
			return certificate, false
		}
		r.problem("spec.tls[%d] is not served, and so nobody can connect to %s: %v", i, host, err)
		refused = true
	}
	return nil, refused
}

// routes are those of a rule.
func (r *reading) routes(rule int, paths []networkingv1.HTTPIngressPath) []site.Route {
	var routes []site.Route
	for i := range paths {
		at := fmt.Sprintf("spec.rules[%d].http.paths[%d]", rule, i)
		exact := paths[i].PathType != nil && *paths[i].PathType == networkingv1.PathTypeExact
		path, err := site.ParsePath(cmp.Or(paths[i].Path, "/"), exact)
		if err != nil {
			r.problem("%s is not served: %v", at, err)
			continue
		}
		backend := paths[i].Backend.Service
		if backend == nil {
			r.problem("%s is not served: its backend is no Service", at)
			continue
		}
		servers, err := r.objects.Servers(r.ingress.Namespace, backend.Name, backend.Port)
		if err != nil {
			r.problem("%s leads nowhere: %v", at, err) // The path is still this one's, and answered 503.
		}
		routes = append(routes, site.Route{Path: path, Exact: exact, Servers: servers})
	}
	return routes
}
