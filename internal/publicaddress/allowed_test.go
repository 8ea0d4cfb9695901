package publicaddress

import (
	"net/netip"
	"testing"
)

func TestAllowed(t *testing.T) {
	listed := networks("10.1.0.0/16", "fd00:1::/32", "127.0.0.5/32")
	for name, tc := range map[string]struct {
		addresses []string
		want      bool
	}{
		"public":               {[]string{"8.8.8.8", "20.190.128.1", "2001:4860:4860::8888", "2603:1006:2000::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}, true},
		"listed":               {[]string{"10.1.2.3", "fd00:1::1", "127.0.0.5", "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1"}, true},
		"loopback":             {[]string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"}, false},
		"unspecified":          {[]string{"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "64:ff9b::", "2002::"}, false},
		"private":              {[]string{"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd12::1", "::ffff:192.168.0.1", "64:ff9b::c0a8:1", "2002:c0a8:1::1"}, false},
		"link-local":           {[]string{"169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fec0::1"}, false},
		"of carriers":          {[]string{"100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1", "64:ff9b::6440:1"}, false},
		"multicast":            {[]string{"224.0.0.1", "239.255.255.250", "ff02::1", "::ffff:224.0.0.1"}, false},
		"reserved":             {[]string{"240.0.0.1", "255.255.255.255", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "100::1", "2001:db8::1", "3fff::1", "4000::1"}, false},
		"of tunnels":           {[]string{"2001::1", "2001:0:a9fe:a9fe::1", "64:ff9b:1::a00:1", "::7f00:1", "5f00::1"}, false},
		"beside public ones":   {[]string{"11.0.0.0", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2001:200::1", "126.255.255.255"}, true},
		"beside listed ones":   {[]string{"10.2.0.0", "127.0.0.6", "fd00:2::1"}, false},
		"an address of no one": {[]string{"invalid"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range tc.addresses {
				address, _ := netip.ParseAddr(text)
				if Allowed(address, listed) != tc.want {
					t.Errorf("%s is allowed: %v", text, !tc.want)
				}
			}
		})
	}
}
