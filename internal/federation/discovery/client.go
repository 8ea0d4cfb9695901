package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/outbound"
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

// errAddress says that the address of an issuer is not one that may be dialed.
var errAddress = errors.New("the address of the host is not a public one, nor in a network that the operator's configuration allows (allow.issuers.networks)")

// transport returns what connects to an issuer whose TLS the certificates of caBundle vouch
// for, or those of the public when there are none. It is for one fetch: keys are fetched once
// in an hour.
func (c *Client) transport(caBundle string) (*http.Transport, error) {
	transport, err := outbound.Transport(caBundle, c.Networks, errAddress)
	if err != nil {
		return nil, err
	}
	transport.MaxResponseHeaderBytes = maxHeaderBytes
	return transport, nil
}
