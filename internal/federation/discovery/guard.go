package discovery

import (
	"fmt"
	"io"
	"net/http"
)

const (
	// maxBodyBytes is how large an answer may be. Those of Entra ID have some 20 KB.
	maxBodyBytes = 1 << 20
	// maxHeaderBytes is how large its header may be.
	maxHeaderBytes = 64 << 10
)

// guard is what all requests to issuers pass through: it lets through those to a URL that is
// allowed, and of answers those that have what was asked for, up to maxBodyBytes. Redirects
// are not among them, so that nobody follows one.
type guard struct {
	next   http.RoundTripper
	allows func(url string) bool
	agent  string
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	if !g.allows(request.URL.String()) {
		return nil, fmt.Errorf("the host %q is not allowed; keys are fetched with https from hosts that the operator's configuration allows (allow.issuers.hosts)", request.URL.Host)
	}
	request = request.Clone(request.Context())
	request.Header.Set("User-Agent", g.agent)
	response, err := g.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close() // Nobody wants what is in it.
		return nil, fmt.Errorf("the answer has the status %d, and not 200; redirects are not followed", response.StatusCode)
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: maxBodyBytes}
	return response, nil
}

// boundedBody is a body that ends with an error when it is too large.
type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the answer is larger than %d bytes", maxBodyBytes)
	}
	return n, err
}
