// Package publicaddress knows which IP addresses are of the public Internet, and which belong to the machine, its
// networks or nobody: what a server calls at URLs that others write, it calls at public ones.
package publicaddress

import (
	"net/netip"
	"slices"

	"github.com/kubescim/kubescim/internal/apikey"
)

var (
	all4 = netip.MustParsePrefix("0.0.0.0/0")
	// special4 are the networks of IPv4 that are not of the public (the IANA IPv4
	// Special-Purpose Address Registry, RFC 6890), multicast and what is reserved.
	special4 = networks("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")
	// global6 is what is given out of IPv6 (the IANA IPv6 Address Space registry), and
	// special6 what of it is not of the public: protocols, such as Teredo, documentation.
	global6  = netip.MustParsePrefix("2000::/3")
	special6 = networks("2001::/23", "2001:db8::/32", "3fff::/20")
	// Addresses of IPv6 that stand for one of IPv4: NAT64 (RFC 6052 section 2.1) and 6to4
	// (RFC 3056).
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
)

// networks reads networks, for variables.
func networks(cidrs ...string) []netip.Prefix {
	read := make([]netip.Prefix, 0, len(cidrs))
	for _, cidr := range cidrs {
		read = append(read, netip.MustParsePrefix(cidr))
	}
	return read
}

// Is reports whether an address is one of the public, or stands for one.
func Is(address netip.Addr) bool {
	address = Meaning(address)
	if address.Is4() {
		return !apikey.Within(address, special4)
	}
	return global6.Contains(address) && !apikey.Within(address, special6)
}

// Allowed reports whether an address may be dialed that somebody else has chosen: one of the public, or of a
// network that is listed.
func Allowed(address netip.Addr, listed []netip.Prefix) bool {
	written := address.Unmap().WithZone("")
	return apikey.Within(written, listed) || apikey.Within(Meaning(written), listed) || Is(written)
}

// Meaning returns the address of IPv4 that one of IPv6 stands for; the address itself when it
// stands for none.
func Meaning(address netip.Addr) netip.Addr {
	bytes := address.As16()
	switch {
	case nat64.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[12:]))
	case sixToFour.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	}
	return address
}

// Block is a network without some parts of it.
type Block struct {
	Network netip.Prefix
	Except  []netip.Prefix
}

// Blocks returns the public addresses, for what goes by networks alone and cannot ask Is. 6to4, which the Internet has
// given up (RFC 7526), is not in them, and NAT64 is, whichever address of IPv4 is meant.
func Blocks() []Block {
	return []Block{
		{Network: all4, Except: slices.Clone(special4)},
		{Network: global6, Except: append(slices.Clone(special6), sixToFour)},
		{Network: nat64},
	}
}
