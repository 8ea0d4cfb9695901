// Package site is what the edge serves, whatever asked for it: hosts, their certificates, and where each path of them leads.
// Names that come from authors of objects are of types of this package, whose values can be written into a configuration of
// nginx as they stand: there is no other way to make one than to have it checked.
package site

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Host is a lower-case DNS name, or a wildcard for all names below one.
type Host struct{ name string }

// ParseHost checks a name.
func ParseHost(name string) (Host, error) {
	problems := validation.IsDNS1123Subdomain(name)
	if strings.HasPrefix(name, "*.") {
		problems = validation.IsWildcardDNS1123Subdomain(name)
	}
	if len(problems) > 0 {
		return Host{}, fmt.Errorf("the host %q is none: %s", name, strings.Join(problems, "; "))
	}
	return Host{name: name}, nil
}

// String is the name.
func (h Host) String() string { return h.name }

// IsWildcard reports whether the host stands for all names below one.
func (h Host) IsWildcard() bool { return strings.HasPrefix(h.name, "*.") }

// Path is an absolute path. That of everything is empty.
type Path struct{ text string }

// pathPattern leaves out what means something in a configuration of nginx, and what a client writes in more than one way.
var pathPattern = regexp.MustCompile(`^/[A-Za-z0-9/._~:@+=,!-]*$`)

// longestPath is as long as an identity provider's URL may be.
const longestPath = 1024

// ParsePath checks a path. A slash at the end of one that is for all below it means nothing, as in Ingresses and HTTPRoutes.
func ParsePath(path string, exact bool) (Path, error) {
	switch {
	case len(path) > longestPath:
		return Path{}, fmt.Errorf("the path has more than %d characters", longestPath)
	case !pathPattern.MatchString(path):
		return Path{}, fmt.Errorf("the path %q is not served: begin it with a slash, and have letters, digits and /._~:@+=,!- in it alone", path)
	case strings.Contains(path, "//"), slices.Contains(strings.Split(path, "/"), "."), slices.Contains(strings.Split(path, "/"), ".."):
		return Path{}, fmt.Errorf("the path %q is not served: leave out what is empty, . or .. between slashes", path)
	case exact && path != "/" && strings.HasSuffix(path, "/"):
		return Path{}, fmt.Errorf("the exact path %q is not served: leave out the slash at its end", path)
	}
	return Path{text: strings.TrimSuffix(path, "/")}, nil
}

// String is the path, without a slash at its end.
func (p Path) String() string { return p.text }

// Server is a pod, or whatever else answers requests at an address.
type Server struct {
	Address netip.AddrPort
	// Weight is how much of the requests it gets, compared with the others of the route.
	Weight int
	// TLS is true if it is spoken to by TLS. Its certificate is not looked at.
	TLS bool
}

// Route leads a path of a host to servers. Without any, requests are answered 503.
type Route struct {
	Path Path
	// Exact is false when the route is for all below the path too.
	Exact   bool
	Servers []Server
	// Broken is true when what the route refers to is not there, so that requests are answered 500 instead of 503.
	Broken bool
}

// Site is a host.
type Site struct {
	Host Host
	// Certificate is presented to clients; nil when there is none.
	Certificate *Certificate
	// RefuseTLS is true when a certificate is asked for, and cannot be had: no client gets a connection. Without it, and without
	// a certificate, clients get the one of the edge itself.
	RefuseTLS bool
	Routes    []Route
}

// Merge makes one site of all for the same host. Of two for the same path, the earlier one gets the requests, and an earlier
// certificate is presented. Sites are in the order of hosts, and routes in that of paths, so that the same objects make the
// same configuration.
func Merge(sites []Site) []Site {
	merged := map[Host]*Site{}
	for _, each := range sites {
		one := merged[each.Host]
		if one == nil {
			one = &Site{Host: each.Host}
			merged[each.Host] = one
		}
		if one.Certificate == nil {
			one.Certificate = each.Certificate
		}
		one.RefuseTLS = one.RefuseTLS || each.RefuseTLS
		for _, route := range each.Routes {
			if !slices.ContainsFunc(one.Routes, route.isSamePath) {
				one.Routes = append(one.Routes, route)
			}
		}
	}
	var all []Site
	for _, one := range merged {
		one.RefuseTLS = one.RefuseTLS && one.Certificate == nil
		slices.SortFunc(one.Routes, func(a, b Route) int {
			return cmp.Or(cmp.Compare(a.Path.text, b.Path.text), boolOrder(a.Exact, b.Exact))
		})
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Site) int { return cmp.Compare(a.Host.name, b.Host.name) })
	return all
}

// isSamePath reports whether two routes are for the same requests.
func (r Route) isSamePath(other Route) bool { return r.Path == other.Path && r.Exact == other.Exact }

// boolOrder puts what is true first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}
