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

// Flags of the SCIM server about the issuers of federated keys and the receivers of events, each a list with
// commas.
const (
	// FlagIssuerHosts has the hosts whose issuers a server may fetch keys from: see Hosts.
	FlagIssuerHosts = "issuer-hosts"
	// FlagIssuerNetworks has the networks, in CIDR notation, that such a host may be in
	// though they are not public.
	FlagIssuerNetworks = "issuer-networks"
	// FlagEventSinkHosts and FlagEventSinkNetworks say the same of the receivers of events.
	FlagEventSinkHosts    = "event-sink-hosts"
	FlagEventSinkNetworks = "event-sink-networks"
)

// portHTTPS is that of a host that is listed without one.
const portHTTPS = "443"

// Hosts says which hosts a tenant's servers may call at URLs that others write: to fetch the keys of issuers, or
// to send events. Who makes the operator's configuration decides that, and not who writes the URLs.
type Hosts struct {
	// Names are names or addresses of hosts, each with a port if that is not 443. A name
	// that begins with *. stands for all names that end with what follows the *.
	Names []string
	// Networks are those that a host may be in, beside public ones.
	Networks []netip.Prefix
}

// HostsOf returns what the operator's configuration says, which was checked before.
func HostsOf(names, networks []string) Hosts {
	return Hosts{Names: names, Networks: Networks(networks)}
}

// ParseHosts reads what the flags have.
func ParseHosts(names, networks string) (Hosts, error) {
	hosts := Hosts{Names: items(names)}
	for _, cidr := range items(networks) {
		network, err := apikey.Network(cidr)
		if err != nil {
			return Hosts{}, fmt.Errorf("reading the networks of hosts that may be called: %w", err)
		}
		hosts.Networks = append(hosts.Networks, network)
	}
	return hosts, nil
}

// items returns the items of a list with commas.
func items(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' })
}

// Args returns two flags, as ParseHosts reads what they have.
func (h Hosts) Args(flagNames, flagNetworks string) []string {
	networks := make([]string, 0, len(h.Networks))
	for _, network := range h.Networks {
		networks = append(networks, network.String())
	}
	return []string{"--" + flagNames + "=" + strings.Join(h.Names, ","), "--" + flagNetworks + "=" + strings.Join(networks, ",")}
}

// AllowsURL reports whether a URL may be called, as far as the URL tells: over
// TLS, from a host that is listed. Which address the host has, only the dialing of it tells.
func (h Hosts) AllowsURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Hostname() == "" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return slices.ContainsFunc(h.Names, func(allowed string) bool { return matchesHost(allowed, host, u.Port()) })
}

// Ports are those that the hosts are at, in order and each once.
func (h Hosts) Ports() []int32 {
	var ports []int32
	for _, host := range h.Names {
		_, port := splitHost(host)
		number, err := strconv.ParseInt(port, 10, 32)
		if err == nil { // The operator starts with no other ones.
			ports = append(ports, int32(number))
		}
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// splitHost returns the name and the port of one of Hosts.Names.
func splitHost(allowed string) (name, port string) {
	if u := (&url.URL{Host: allowed}); u.Port() != "" {
		return u.Hostname(), u.Port()
	}
	return allowed, portHTTPS
}

// matchesHost reports whether one of Hosts.Names is for a host, in lower case, at a port.
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
