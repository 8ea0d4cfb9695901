package publicaddress

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/kubescim/kubescim/internal/apikey"
)

func TestIs(t *testing.T) {
	for name, tc := range map[string]struct {
		addresses []string
		want      bool
	}{
		"of IPv4":              {[]string{"8.8.8.8", "11.0.0.0", "100.128.0.1", "223.255.255.255"}, true},
		"of IPv6":              {[]string{"2001:4860:4860::8888", "2603:1006:2000::1", "2001:200::1"}, true},
		"that stands for it":   {[]string{"64:ff9b::808:808", "2002:808:808::1"}, true},
		"of the machine":       {[]string{"127.0.0.1", "::1", "0.0.0.0", "::", "64:ff9b::7f00:1"}, false},
		"of a network":         {[]string{"10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "fd00::1", "fe80::1", "2002:a00:1::"}, false},
		"of nobody":            {[]string{"192.0.2.1", "240.0.0.1", "2001:db8::1", "4000::1", "2001::1"}, false},
		"of all":               {[]string{"224.0.0.1", "ff02::1"}, false},
		"an address of no one": {[]string{"invalid"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range tc.addresses {
				address, _ := netip.ParseAddr(text)
				if Is(address) != tc.want {
					t.Errorf("%s is public: %v", text, !tc.want)
				}
			}
		})
	}
}

// What goes by the blocks lets through what Is does, and of IPv4 nothing else.
func TestBlocksAgree(t *testing.T) {
	in := func(address netip.Addr) bool {
		for _, block := range Blocks() {
			if block.Network.Contains(address) && !apikey.Within(address, block.Except) {
				return true
			}
		}
		return false
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		number := random.Uint32()
		v4 := netip.AddrFrom4([4]byte{byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)})
		if Is(v4) != in(v4) {
			t.Fatalf("%s is public: %v, and in a block: %v", v4, Is(v4), in(v4))
		}
		bytes := v4.As4()
		v6 := netip.AddrFrom16([16]byte{0x20 + bytes[0]%16, bytes[1], bytes[2], bytes[3], 15: bytes[0]})
		if Is(v6) != in(v6) && !sixToFour.Contains(v6) {
			t.Fatalf("%s is public: %v, and in a block: %v", v6, Is(v6), in(v6))
		}
	}
	for _, block := range Blocks() {
		for _, except := range block.Except {
			if !block.Network.Contains(except.Addr()) || except.Bits() <= block.Network.Bits() || except != except.Masked() {
				t.Errorf("%s is no part of %s: the API server refuses a NetworkPolicy with them", except, block.Network)
			}
		}
	}
}
