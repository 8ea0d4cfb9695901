package contract

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Flags of the SCIM server about the issuers of federated keys, each a list with commas.
const (
	// FlagIssuerHosts has the hosts whose issuers a server may fetch keys from: see Issuers.
	FlagIssuerHosts = "issuer-hosts"
	// FlagIssuerNetworks has the networks, in CIDR notation, that such a host may be in
	// though they are not public.
	FlagIssuerNetworks = "issuer-networks"
)

// portHTTPS is that of a host that is listed without one.
const portHTTPS = "443"

// Issuers says from where a tenant's servers may fetch the keys of issuers. Who makes the
// operator's configuration decides that, and not who makes the keys.
type Issuers struct {
	// Hosts are names or addresses of hosts, each with a port if that is not 443. A name
	// that begins with *. stands for all names that end with what follows the *.
	Hosts []string
	// Networks are those that a host may be in, beside public ones.
	Networks []netip.Prefix
}

// IssuersOf returns what the operator's configuration says, which was checked before.
func IssuersOf(hosts, networks []string) Issuers {
	return Issuers{Hosts: hosts, Networks: Networks(networks)}
}

// ParseIssuers reads what the flags have.
func ParseIssuers(hosts, networks string) (Issuers, error) {
	issuers := Issuers{Hosts: items(hosts)}
	for _, cidr := range items(networks) {
		network, err := apikey.Network(cidr)
		if err != nil {
			return Issuers{}, fmt.Errorf("reading the networks of issuers: %w", err)
		}
		issuers.Networks = append(issuers.Networks, network)
	}
	return issuers, nil
}

// items returns the items of a list with commas.
func items(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' })
}

// Args returns the flags, as ParseIssuers reads what they have.
func (i Issuers) Args() []string {
	networks := make([]string, 0, len(i.Networks))
	for _, network := range i.Networks {
		networks = append(networks, network.String())
	}
	return []string{"--" + FlagIssuerHosts + "=" + strings.Join(i.Hosts, ","), "--" + FlagIssuerNetworks + "=" + strings.Join(networks, ",")}
}

// AllowsURL reports whether keys may be fetched from a URL, as far as the URL tells: over
// TLS, from a host that is listed. Which address the host has, only the dialing of it tells.
func (i Issuers) AllowsURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(i.Hosts, func(allowed string) bool { return matchesHost(allowed, host, u.Port()) })
}

// Ports are those that the hosts are at, in order and each once.
func (i Issuers) Ports() []int32 {
	var ports []int32
	for _, host := range i.Hosts {
		_, port := splitHost(host)
		number, err := strconv.ParseInt(port, 10, 32)
		if err == nil { // The operator starts with no other ones.
			ports = append(ports, int32(number))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// splitHost returns the name and the port of one of Issuers.Hosts.
func splitHost(allowed string) (name, port string) {
	if u := (&url.URL{Host: allowed}); u.Port() != "" {
		return u.Hostname(), u.Port()
	}
	return allowed, portHTTPS
}

// matchesHost reports whether one of Issuers.Hosts is for a host, in lower case, at a port.
func matchesHost(allowed, host, port string) bool {
	name, allowedPort := splitHost(allowed)
	if port == "" {
		port = portHTTPS
	}
	if port != allowedPort {
		return false
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if suffix, wild := strings.CutPrefix(name, "*"); wild {
		return len(suffix) > 1 && suffix[0] == '.' && len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return name == host
}
