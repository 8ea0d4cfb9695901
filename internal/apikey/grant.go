package apikey

import (
	"net/netip"
	"slices"

	"github.com/kubescim/kubescim/internal/ratelimit"
)

// Key is a token that is accepted, or a key that assertions stand for: how it is recognised,
// and what it may be used for.
type Key struct {
	// Name is that of the ScimApiKey.
	Name     string
	Verifier Verifier
	Grant    Grant
	// Client is the id of the OAuth client whose secret the token is, or that is known by
	// its assertions: one that gets access tokens and nothing else. It is empty for a bearer
	// token.
	Client string
	// Federation says by which assertions a federated key is known. Such a key has no token,
	// and the Verifier matches none. It is nil for any other key.
	Federation *Federation
}

// Equal reports whether two keys are the same in all.
func (k Key) Equal(other Key) bool {
	return k.Name == other.Name && k.Verifier == other.Verifier && k.Client == other.Client && k.Grant.Equal(other.Grant) && k.Federation.Equal(other.Federation)
}

// Grant says what a token may be used for. The zero Grant is for everything, from
// anywhere. Grants are not changed once they are made.
type Grant struct {
	// Suspended is for nothing, for as long as it lasts.
	Suspended bool
	// ReadOnly is for reading.
	ReadOnly bool
	// Resources are the endpoints of the resource types that may be seen and changed, such
	// as Users; nil for all.
	Resources []string
	// Networks are those that requests may come from; nil for all, and empty for none.
	Networks []netip.Prefix
	// Rate is how many requests may be sent with the tokens of its key, together.
	Rate ratelimit.Key
}

// Allows reports whether resources of a type may be seen, by their endpoint, such as Users.
func (g Grant) Allows(resource string) bool {
	return g.Resources == nil || slices.Contains(g.Resources, resource)
}

// AllowsFrom reports whether requests may come from an address. One that is not known, as
// the zero Addr, is in no network.
func (g Grant) AllowsFrom(address netip.Addr) bool {
	return g.Networks == nil || Within(address, g.Networks)
}

// Unlimited reports whether the grant is for everything, from anywhere, at whatever rate.
func (g Grant) Unlimited() bool {
	return !g.Suspended && !g.ReadOnly && g.Resources == nil && g.Networks == nil
}

// Equal reports whether two grants say the same, in the same order.
func (g Grant) Equal(other Grant) bool {
	return g.Suspended == other.Suspended && g.ReadOnly == other.ReadOnly && g.Rate == other.Rate &&
		(g.Resources == nil) == (other.Resources == nil) && slices.Equal(g.Resources, other.Resources) &&
		(g.Networks == nil) == (other.Networks == nil) && slices.Equal(g.Networks, other.Networks)
}

// Within reports whether an address is in one of the networks. An IPv4 address is the same
// when it is written as an IPv6 one (RFC 4291 section 2.5.5.2), and a zone says nothing.
func Within(address netip.Addr, networks []netip.Prefix) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(address) })
}

// Network reads a network in CIDR notation. One of IPv4 addresses that are written as IPv6
// ones is the network of the IPv4 addresses.
func Network(cidr string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(cidr)
	if err != nil {
		return netip.Prefix{}, err
	}
	const mapped = 96 // bits before the IPv4 address
	if network.Addr().Is4In6() && network.Bits() >= mapped {
		network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-mapped)
	}
	return network.Masked(), nil
}
