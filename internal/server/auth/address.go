package auth

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/kubescim/kubescim/internal/apikey"
)

// ClientAddress is the address of the client that sends the request: that of the connection, or,
// when the connection is a trusted proxy's, the last one in X-Forwarded-For that is not of a
// trusted proxy. Each proxy puts whom it talks to behind what it got, so that whatever a
// client writes into that header stands before its own address. Where all are trusted, it is
// the first of them. A header that cannot be read up to there says nothing. The zero Addr is
// that of a connection which has none.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	connection := at.Addr().Unmap()
	client, hops := connection, strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for hops != "" && apikey.Within(client, trusted) {
		comma := strings.LastIndexByte(hops, ',')
		hop := strings.TrimSpace(hops[comma+1:])
		hops = hops[:max(comma, 0)]
		var readable bool
		if client, readable = readHop(hop); !readable {
			return connection
		}
	}
	return client
}

// readHop reads an address as proxies write it: with a port or without, and that of IPv6
// with brackets or without.
func readHop(hop string) (address netip.Addr, readable bool) {
	if at, err := netip.ParseAddrPort(hop); err == nil {
		return at.Addr().Unmap(), true
	}
	if inner, opened := strings.CutPrefix(hop, "["); opened {
		if hop, opened = strings.CutSuffix(inner, "]"); !opened {
			return netip.Addr{}, false
		}
	}
	address, err := netip.ParseAddr(hop)
	return address.Unmap(), err == nil
}
