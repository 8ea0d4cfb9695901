package sender

import (
	"bytes"
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
	"time"

	"github.com/kubescim/kubescim/internal/eventsink"
	"github.com/kubescim/kubescim/internal/outbound"
)

const (
	// patience is how long one delivery may take.
	patience = 10 * time.Second
	// mostHeader is how large the header of an answer may be, and mostAnswer how much is read of its
	// body, which nobody wants, so that the connection can be used again.
	mostHeader = 16 << 10
	mostAnswer = 4 << 10
)

// post sends messages to one receiver. Whose URL it is has chosen it from outside the cluster's walls: no
// redirect is followed, no proxy is used that the environment names, and what a name stands for is looked
// at when it is dialed. Of what the receiver answers, nothing is repeated but the status.
type post struct {
	url    string
	agent  string
	client *http.Client
}

// errAddress says that the address of a receiver is not one that may be dialed.
var errAddress = errors.New("the address of its host is not a public one, nor in a network that the operator's configuration allows (allow.eventSinks.networks)")

// newPost returns what sends to a URL at public addresses or in the networks, whose TLS the certificates of
// caBundle vouch for, or those of the public when there are none.
func newPost(url, caBundle, agent string, networks []netip.Prefix) (*post, error) {
	transport, err := outbound.Transport(caBundle, networks, errAddress)
	if err != nil {
		return nil, err
	}
	transport.MaxResponseHeaderBytes, transport.MaxIdleConnsPerHost, transport.IdleConnTimeout = mostHeader, 1, 30*time.Second
	return &post{url: url, agent: agent, client: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     transport,
	}}, nil
}

// close gives up the connections.
func (p *post) close() {
	if p != nil {
		p.client.CloseIdleConnections()
	}
}

// refusal is an answer that is not one of success.
type refusal struct {
	status     int
	retryAfter string
}

// Error implements error.
func (r *refusal) Error() string {
	text := fmt.Sprintf("it has answered with the status %d", r.status)
	if r.status >= 300 && r.status < 400 {
		text += "; redirects are not followed"
	}
	return text
}

// send sends a message. It has arrived if there is no error.
func (p *post) send(ctx context.Context, message eventsink.Message) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(message.Body))
	if err != nil {
		return errors.New("its URL is none")
	}
	request.Header.Set("Content-Type", message.ContentType)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", p.agent)
	if message.Signature != "" {
		request.Header.Set(eventsink.HeaderSignature, message.Signature)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return plain(err)
	}
	defer func() { _ = response.Body.Close() }()                          // It is read as far as it is wanted.
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, mostAnswer)) // The status says it all.
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return &refusal{status: response.StatusCode, retryAfter: response.Header.Get("Retry-After")}
	}
	return nil
}

// plain returns why a receiver could not be reached, in words that are the same each time that it is so.
func plain(err error) error {
	var (
		untrusted *tls.CertificateVerificationError
		name      *net.DNSError
		number    syscall.Errno
		network   net.Error
	)
	switch {
	case errors.Is(err, errAddress):
		return errAddress
	case errors.As(err, &untrusted):
		return errors.New("its certificate is not good: " + distrust(untrusted.Err))
	case errors.As(err, &name):
		return errors.New("the name of its host has no address")
	case errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("it has not answered within %s", patience)
	case errors.As(err, &number):
		return fmt.Errorf("there is no connection to it: %w", number)
	default:
		return errors.New("the connection to it has ended before it answered")
	}
}

// distrust returns why a certificate is not trusted, in words none of which are of the certificate, which
// the other side has chosen.
func distrust(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &authority):
		return "it is signed by an unknown authority"
	case errors.As(err, &host):
		return "it is not for the host in its URL"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired, or is not valid yet"
	default:
		return "it cannot be verified"
	}
}
