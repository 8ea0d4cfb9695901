package usage

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/kubescim/kubescim/internal/contract"
)

// mostHeaders is how much of the headers of an answer is read, in bytes.
const mostHeaders = 16 << 10

// Caller calls server pods at contract.PortHealth. It follows no redirects and goes through no proxy.
type Caller struct{ http *http.Client }

// NewCaller returns a caller.
func NewCaller() *Caller {
	return &Caller{http: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: mostHeaders},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Get has read read what the pod at an address answers for a path. It shows a pass, unless that is
// empty.
func (c *Caller) Get(ctx context.Context, address netip.Addr, path, pass string, read func(io.Reader) error) error {
	url := "http://" + net.JoinHostPort(address.String(), strconv.Itoa(int(contract.PortHealth))) + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	if pass != "" {
		request.Header.Set("Authorization", "Bearer "+pass)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s: %w", url, err)
	}
	defer func() { _ = response.Body.Close() }() // It was only read from.
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking %s: the answer is %s", url, response.Status)
	}
	return read(response.Body)
}

// HTTP returns an Ask that asks pods where they answer (contract.PathUsage).
func HTTP() Ask {
	caller := NewCaller()
	return func(ctx context.Context, address netip.Addr, tenants int) (answer contract.ServerUsage, err error) {
		err = caller.Get(ctx, address, contract.PathUsage, "", func(body io.Reader) (err error) {
			answer, err = contract.DecodeServerUsage(body, tenants)
			return err
		})
		return answer, err
	}
}
