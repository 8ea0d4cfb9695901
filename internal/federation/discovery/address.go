package discovery

import (
	"net/netip"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/publicaddress"
)

// allowed reports whether an address may be dialed: one of the public, or of a network that
// is listed.
func allowed(address netip.Addr, listed []netip.Prefix) bool {
	written := address.Unmap().WithZone("")
	return apikey.Within(written, listed) || apikey.Within(publicaddress.Meaning(written), listed) || publicaddress.Is(written)
}
