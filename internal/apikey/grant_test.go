package apikey

import (
	"net/netip"
	"testing"
)

func networks(t *testing.T, cidrs ...string) []netip.Prefix {
	t.Helper()
	list := []netip.Prefix{}
	for _, cidr := range cidrs {
		network, err := Network(cidr)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, network)
	}
	return list
}

func TestGrantAllowsFrom(t *testing.T) {
	some := []string{"203.0.113.0/24", "198.51.100.7/32", "2001:db8::/32"}
	for name, tc := range map[string]struct {
		cidrs   []string
		address string
		want    bool
	}{
		"the first address of a network":    {some, "203.0.113.0", true},
		"the last address of a network":     {some, "203.0.113.255", true},
		"one before it":                     {some, "203.0.112.255", false},
		"one behind it":                     {some, "203.0.114.0", false},
		"one address alone":                 {some, "198.51.100.7", true},
		"its neighbour":                     {some, "198.51.100.8", false},
		"IPv6":                              {some, "2001:db8:ffff::1", true},
		"IPv6 elsewhere":                    {some, "2001:db9::1", false},
		"IPv6 with a zone":                  {[]string{"fe80::/10"}, "fe80::1%eth0", true},
		"IPv4 as IPv6":                      {some, "::ffff:203.0.113.9", true},
		"IPv4 as IPv6, elsewhere":           {some, "::ffff:203.0.114.9", false},
		"a network of IPv4 as IPv6":         {[]string{"::ffff:203.0.113.0/120"}, "203.0.113.9", true},
		"IPv6 whose last bits are the same": {some, "2001:db9::203.0.113.9", false},
		"every IPv4 address":                {[]string{"0.0.0.0/0"}, "192.0.2.1", true},
		"every IPv4 address, and IPv6":      {[]string{"0.0.0.0/0"}, "2001:db8::1", false},
		"every IPv6 address, and IPv4":      {[]string{"::/0"}, "192.0.2.1", false},
		"no network":                        {[]string{}, "192.0.2.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			grant := Grant{Networks: networks(t, tc.cidrs...)}
			if got := grant.AllowsFrom(netip.MustParseAddr(tc.address)); got != tc.want {
				t.Errorf("AllowsFrom(%s) = %v", tc.address, got)
			}
			if grant.AllowsFrom(netip.Addr{}) {
				t.Error("an address that is not known is allowed")
			}
		})
	}
	if !(Grant{}).AllowsFrom(netip.Addr{}) {
		t.Error("without networks, every address is allowed")
	}
}

func TestNetworkRefuses(t *testing.T) {
	for _, cidr := range []string{"", "203.0.113.0", "203.0.113.0/33", "203.0.113/24", "203.0.113.010/32", "2001:db8::/129", "fe80::%eth0/64", "example.com/24"} {
		if network, err := Network(cidr); err == nil {
			t.Errorf("Network(%q) = %v", cidr, network)
		}
	}
}

func TestGrantAllows(t *testing.T) {
	for name, tc := range map[string]struct {
		grant         Grant
		users, groups bool
	}{
		"all":       {Grant{}, true, true},
		"users":     {Grant{Resources: []string{"Users"}}, true, false},
		"both":      {Grant{Resources: []string{"Groups", "Users"}}, true, true},
		"read only": {Grant{ReadOnly: true}, true, true},
		"others":    {Grant{Resources: []string{"Roles"}}, false, false},
		"none":      {Grant{Resources: []string{}}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.grant.Allows("Users") != tc.users || tc.grant.Allows("Groups") != tc.groups {
				t.Errorf("%+v allows Users: %v, Groups: %v", tc.grant, tc.grant.Allows("Users"), tc.grant.Allows("Groups"))
			}
		})
	}
}

func TestGrantsThatDiffer(t *testing.T) {
	grants := []Grant{
		{}, {Suspended: true}, {ReadOnly: true}, {Resources: []string{}}, {Resources: []string{"Users"}}, {Resources: []string{"Groups"}},
		{Networks: networks(t)}, {Networks: networks(t, "192.0.2.0/24")}, {Networks: networks(t, "192.0.2.0/25")},
	}
	for i, a := range grants {
		for j, b := range grants {
			if equal := (Key{Grant: a}).Equal(Key{Grant: b}); equal != (i == j) {
				t.Errorf("%+v equals %+v: %v", a, b, equal)
			}
		}
		if a.Unlimited() != (i == 0) {
			t.Errorf("%+v is unlimited: %v", a, a.Unlimited())
		}
	}
	if (Key{Verifier: Verifier{KeyID: "a"}}).Equal(Key{Verifier: Verifier{KeyID: "b"}}) || (Key{Client: "acme"}).Equal(Key{}) {
		t.Error("keys of two tokens are equal")
	}
}
