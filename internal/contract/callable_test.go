package contract_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

func TestAllowsURL(t *testing.T) {
	issuers := contract.Hosts{Names: []string{"login.example.com", "IdP.example.com:8443", "*.idp.example.com", "127.0.0.2:6443", "[::1]:443"}}
	for url, want := range map[string]bool{
		"https://login.example.com/t/v2.0":          true,
		"https://login.example.com":                 true,
		"https://login.example.com:443/":            true,
		"https://LOGIN.example.com/":                true,
		"https://idp.example.com:8443/keys?v=1":     true,
		"https://acme.idp.example.com/":             true,
		"https://a.b.idp.example.com/":              true,
		"https://127.0.0.2:6443/":                   true,
		"https://[::1]/":                            true,
		"http://login.example.com/":                 false,
		"https://login.example.com:8443/":           false,
		"https://login.example.com.evil.example/":   false,
		"https://login.example.com@evil.example/":   false,
		"https://user@login.example.com/":           false,
		"https://idp.example.com/":                  false,
		"https://idp.example.com:443/":              false,
		"https://evilidp.example.com/":              false,
		"https://.idp.example.com/":                 false,
		"https://acme.idp.example.com:8443/":        false,
		"https://127.0.0.2/":                        false,
		"https://sub.login.example.com/":            false,
		"https://":                                  false,
		"login.example.com":                         false,
		"https://login.example.com%00.evil.example": false,
		"": false,
	} {
		if got := issuers.AllowsURL(url); got != want {
			t.Errorf("AllowsURL(%q) = %v", url, got)
		}
	}
	for _, host := range []string{"*", "*.", "*example.com", ""} {
		if (contract.Hosts{Names: []string{host}}).AllowsURL("https://login.example.com/") {
			t.Errorf("host %q allows any", host)
		}
	}
}

func TestHostsAreReadAsTheyAreWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		hosts, networks string
		want            contract.Hosts
	}{
		"none": {},
		"some": {"login.example.com,*.idp.example.com:8443", "10.0.0.0/8,fd00::/8", contract.Hosts{
			Names: []string{"login.example.com", "*.idp.example.com:8443"}, Networks: contract.Networks([]scimv1alpha1.CIDR{"10.0.0.0/8", "fd00::/8"}),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := contract.ParseHosts(tc.hosts, tc.networks)
			if err != nil || len(got.Names) != len(tc.want.Names) || !reflect.DeepEqual(got.Networks, tc.want.Networks) {
				t.Fatalf("they are read as %+v, %v", got, err)
			}
			if args := strings.Join(got.Args(contract.FlagIssuerHosts, contract.FlagIssuerNetworks), " "); args != "--issuer-hosts="+tc.hosts+" --issuer-networks="+tc.networks {
				t.Errorf("they are written as %s", args)
			}
		})
	}
	if _, err := contract.ParseHosts("", "10.0.0.1"); err == nil {
		t.Error("an address is a network")
	}
}

func TestPortsOfHosts(t *testing.T) {
	issuers := contract.Hosts{Names: []string{"login.example.com", "*.idp.example.com:8443", "192.0.2.7", "[2001:db8::1]", "[2001:db8::1]:6443"}}
	if ports := issuers.Ports(); !slices.Equal(ports, []int32{443, 6443, 8443}) {
		t.Errorf("issuers are at the ports %v", ports)
	}
	if ports := (contract.Hosts{}).Ports(); len(ports) > 0 {
		t.Errorf("no issuers are at the ports %v", ports)
	}
}
