package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/server/auth"
)

func TestClientAddress(t *testing.T) {
	const ingress, client = "10.1.2.3:40000", "203.0.113.9"
	for name, tc := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"no proxy":                              {client + ":1", nil, client},
		"no proxy, and a header that claims":    {client + ":1", []string{"198.51.100.1"}, client},
		"a proxy that says nothing":             {ingress, nil, "10.1.2.3"},
		"a proxy whose header is empty":         {ingress, []string{""}, "10.1.2.3"},
		"a proxy":                               {ingress, []string{client}, client},
		"a proxy, over IPv6":                    {"[2001:db8:1::7]:40000", []string{client}, client},
		"a proxy, whose address is IPv4 as v6":  {"[::ffff:10.1.2.3]:40000", []string{client}, client},
		"a proxy, over a link-local address":    {"[fe80::1%eth0]:40000", []string{client}, client},
		"a client that claims another address":  {ingress, []string{"198.51.100.1, " + client}, client},
		"a client that claims to be a proxy":    {ingress, []string{"198.51.100.1, 10.9.9.9, " + client}, client},
		"a client that claims in a header more": {ingress, []string{"198.51.100.1", client}, client},
		"a client that claims nonsense":         {ingress, []string{"nonsense, " + client}, client},
		"two proxies":                           {ingress, []string{client + ", 10.4.5.6"}, client},
		"two proxies, in two headers":           {ingress, []string{client, "10.4.5.6"}, client},
		"two proxies, with blanks and tabs":     {ingress, []string{" " + client + "\t,\t10.4.5.6 "}, client},
		"a proxy that writes ports":             {ingress, []string{client + ":5123"}, client},
		"a client with an IPv6 address":         {ingress, []string{"2001:db8::9"}, "2001:db8::9"},
		"and brackets":                          {ingress, []string{"[2001:db8::9]"}, "2001:db8::9"},
		"and brackets and a port":               {ingress, []string{"[2001:db8::9]:5123"}, "2001:db8::9"},
		"a client whose address is IPv4 as v6":  {ingress, []string{"::ffff:" + client}, client},
		"only proxies":                          {ingress, []string{"10.7.7.7, 10.4.5.6"}, "10.7.7.7"},
		"nonsense from a proxy":                 {ingress, []string{"198.51.100.1, unknown"}, "10.1.2.3"},
		"nonsense behind a proxy":               {ingress, []string{"198.51.100.1, _hidden, 10.4.5.6"}, "10.1.2.3"},
		"a name":                                {ingress, []string{"client.example.com"}, "10.1.2.3"},
		"half a bracket":                        {ingress, []string{"[2001:db8::9"}, "10.1.2.3"},
		"an address that is none":               {ingress, []string{"203.0.113.256"}, "10.1.2.3"},
		"an address of eight":                   {ingress, []string{"0313.0.113.9"}, "10.1.2.3"},
		"a network":                             {ingress, []string{"203.0.113.0/24"}, "10.1.2.3"},
		"nothing behind a comma":                {ingress, []string{client + ","}, "10.1.2.3"},
		"nothing between commas":                {ingress, []string{client + ",,10.4.5.6"}, "10.1.2.3"},
		"very many proxies":                     {ingress, []string{client + strings.Repeat(", 10.4.5.6", 5000)}, client},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tc.remote
			for _, header := range tc.forwarded {
				r.Header.Add("X-Forwarded-For", header)
			}
			r.Header.Set("Forwarded", "for=198.51.100.1")
			r.Header.Set("X-Real-Ip", "198.51.100.1")
			trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48"), netip.MustParsePrefix("fe80::/10")}
			if got := auth.ClientAddress(r, trusted); got.WithZone("") != netip.MustParseAddr(tc.want) {
				t.Errorf("ClientAddress = %v, want %s", got, tc.want)
			}
			connection := netip.MustParseAddrPort(tc.remote).Addr().Unmap()
			if got := auth.ClientAddress(r, nil); got != connection {
				t.Errorf("without trusted proxies, ClientAddress = %v, want that of the connection, %v", got, connection)
			}
		})
	}
}

func TestConnectionsWithoutAddress(t *testing.T) {
	for _, remote := range []string{"", "@", "203.0.113.9", "scim.example.com:80"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "203.0.113.9")
		if got := auth.ClientAddress(r, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}); got.IsValid() {
			t.Errorf("ClientAddress of a connection from %q = %v", remote, got)
		}
	}
}

// Nothing that a client writes stands for its address, as long as a proxy puts that behind it.
func FuzzClientAddress(f *testing.F) {
	for _, claim := range []string{"", "198.51.100.1", "10.9.9.9", "nonsense", ",", "[", "198.51.100.1, 10.9.9.9,", "::ffff:10.1.1.1"} {
		f.Add(claim)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.1.2.3:40000"
		trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		for _, headers := range [][]string{{claim + ", 203.0.113.9"}, {claim, "203.0.113.9"}, {claim + ",203.0.113.9,10.4.5.6"}} {
			r.Header["X-Forwarded-For"] = headers
			if got := auth.ClientAddress(r, trusted); got != netip.MustParseAddr("203.0.113.9") {
				t.Errorf("ClientAddress of %q = %v", headers, got)
			}
		}
		r.Header["X-Forwarded-For"] = []string{claim}
		auth.ClientAddress(r, trusted) // It does not panic.
	})
}
