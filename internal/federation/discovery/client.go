package discovery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/publicaddress"
)

// Client fetches keys.
type Client struct {
	// Allows reports whether a URL may be fetched, as far as the URL tells.
	Allows func(url string) bool
	// Networks are those that a host may be in beside public ones.
	Networks []netip.Prefix
	// Agent is what the client calls itself (RFC 9110 section 10.1.5).
	Agent string
}

// Fetch fetches the keys of an issuer. It takes as long as the context lasts.
func (c *Client) Fetch(ctx context.Context, from federation.Origin) (federation.KeySet, error) {
	transport, err := c.transport(from.CABundle)
	if err != nil {
		return federation.KeySet{}, err
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: &guard{next: transport, allows: c.Allows, agent: c.Agent}}
	urls := from.KeysURLs()
	if len(urls) == 0 {
		url, err := discover(ctx, client, from.Issuer)
		if err != nil {
			return federation.KeySet{}, fmt.Errorf("reading the discovery document of the issuer: %w", err)
		}
		urls = []string{url}
	}
	var failures []error
	for _, url := range urls {
		data, err := get(ctx, client, url)
		if err == nil {
			return federation.ParseKeySet(from.Issuer, data)
		}
		failures = append(failures, err)
	}
	return federation.KeySet{}, fmt.Errorf("reading the keys of the issuer: %w", errors.Join(failures...))
}

// discover returns where the keys of an issuer are, by its discovery document, which must be
// about the very issuer.
func discover(ctx context.Context, client *http.Client, issuer string) (keysURL string, err error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
	var mismatch *oidc.IssuerMismatchError
	switch {
	case errors.As(err, &mismatch):
		return "", errors.New("it is of another issuer; the issuer must be written as its discovery document has it, to the last slash")
	case err != nil:
		return "", err
	}
	var document struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil || document.KeysURL == "" {
		return "", errors.New("it does not say where the keys are (jwks_uri)")
	}
	return document.KeysURL, nil
}

func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, errors.New("their URL is none")
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // It is read to its end, or not wanted.
	return io.ReadAll(response.Body)
}

// transport returns what connects to an issuer whose TLS the certificates of caBundle vouch
// for, or those of the public when there are none. It is for one fetch: keys are fetched once
// in an hour.
func (c *Client) transport(caBundle string) (*http.Transport, error) {
	roots, err := Authorities(caBundle)
	if err != nil {
		return nil, err
	}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Control: c.control}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}, nil
}

// control lets a connection be made if its address is allowed. It is asked for each address
// that a name stands for, when it is dialed.
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !publicaddress.Allowed(at.Addr(), c.Networks) {
		return errors.New("the address of the host is not a public one, nor in a network that the operator's configuration allows (allow.issuers.networks)")
	}
	return nil
}

// Authorities returns the certificates that vouch for a host: those of a bundle in PEM, or those of the
// public when it is empty.
func Authorities(caBundle string) (*x509.CertPool, error) {
	if caBundle == "" {
		return publicAuthorities()
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(caBundle)) {
		return nil, errors.New("caBundle has no certificate that can be read; it must be in PEM")
	}
	return pool, nil
}
