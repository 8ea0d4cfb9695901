package usage

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/kubescim/kubescim/internal/contract"
)

// HTTP returns an Ask that asks pods where they answer (contract.PathUsage). It follows no
// redirects and goes through no proxy.
func HTTP() Ask {
	transport := &http.Transport{DisableKeepAlives: true}
	caller := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, address netip.Addr) (contract.ServerUsage, error) {
		url := "http://" + net.JoinHostPort(address.String(), strconv.Itoa(int(contract.PortHealth))) + contract.PathUsage
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return contract.ServerUsage{}, fmt.Errorf("asking %s: %w", url, err)
		}
		response, err := caller.Do(request)
		if err != nil {
			return contract.ServerUsage{}, fmt.Errorf("asking %s: %w", url, err)
		}
		defer func() { _ = response.Body.Close() }() // It was only read from.
		if response.StatusCode != http.StatusOK {
			return contract.ServerUsage{}, fmt.Errorf("asking %s: the answer is %s", url, response.Status)
		}
		return contract.DecodeServerUsage(response.Body)
	}
}
