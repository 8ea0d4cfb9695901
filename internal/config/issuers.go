package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// IssuerRules are the issuers that the servers of all tenants may fetch keys from, to check
// the tokens of federated keys. They are called from inside the cluster, at URLs that authors
// of tenants write.
type IssuerRules struct {
	// Hosts are names or addresses of hosts, each with a port if that is not 443; a name may
	// begin with *. for all names under it. By default those of Entra ID.
	Hosts []string `json:"hosts"`
	// Networks are those, in CIDR notation, that such a host may be in beside public ones. By
	// default none.
	Networks []string `json:"networks"`
}

func (r *IssuerRules) setDefaults() {
	if r.Hosts == nil {
		r.Hosts = []string{"login.microsoftonline.com", "login.windows.net"}
	}
}

func (r IssuerRules) validate() []error {
	return problemsOfHosts("allow.issuers", r.Hosts, r.Networks)
}

// EventSinkRules are the receivers that the servers of all tenants may send events to. They are called
// from inside the cluster, at URLs that authors of ScimEventSinks write.
type EventSinkRules struct {
	// Hosts are like those of IssuerRules. By default none.
	Hosts []string `json:"hosts"`
	// Networks are those, in CIDR notation, that such a host may be in beside public ones. By
	// default none.
	Networks []string `json:"networks"`
}

func (r EventSinkRules) validate() []error {
	return problemsOfHosts("allow.eventSinks", r.Hosts, r.Networks)
}

// problemsOfHosts says what is wrong with hosts that servers may call, and with the networks of these.
func problemsOfHosts(field string, hosts, networks []string) (problems []error) {
	for i, host := range hosts {
		if !isHost(host) {
			problems = append(problems, fmt.Errorf("%s.hosts[%d]: %q must be the name or the address of a host, in lower case and "+
				"without https://, with a port if that is not 443; a name may begin with *. for all names under it", field, i, host))
		}
	}
	for i, network := range networks {
		if problem := problemOfNetwork(network); problem != "" {
			problems = append(problems, fmt.Errorf("%s.networks[%d]: %s", field, i, problem))
		}
	}
	return problems
}

// isHost reports whether a text is a host, with or without a port.
func isHost(text string) bool {
	u, err := url.Parse("//" + text)
	if err != nil || u.Host != text || strings.HasSuffix(text, ":") {
		return false
	}
	if port := u.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return false
		}
	}
	name := u.Hostname()
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return len(validation.IsDNS1123Subdomain(strings.TrimPrefix(name, "*."))) == 0
}
