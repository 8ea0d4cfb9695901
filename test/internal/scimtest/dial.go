package scimtest

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// way is how a client gets to a server: the zero way leads to the address in the URL.
type way struct {
	address string      // instead of the one in the URL
	from    net.IP      // the client's own address
	tls     *tls.Config // what it trusts
}

func (w way) transport() *http.Transport {
	return &http.Transport{DialContext: w.dial, TLSClientConfig: w.tls}
}

// dial connects to a loopback address from a random one of 127.0.0.0/8. While a Service
// has no endpoints, the kernel remembers for two minutes each pair of addresses and ports
// whose connection kube-proxy refused, and refuses a later one between the same two, even
// when there are endpoints again. A pair that was never used before is not refused.
func (w way) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	address = cmp.Or(w.address, address)
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("find the host in %q: %w", address, err)
	}
	if to := net.ParseIP(host).To4(); to != nil && to.IsLoopback() {
		from := net.IPv4(127, byte(1+rand.IntN(254)), byte(rand.IntN(256)), byte(1+rand.IntN(254)))
		dialer.LocalAddr = &net.TCPAddr{IP: from}
	}
	if w.from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: w.from}
	}
	return dialer.DialContext(ctx, network, address)
}
