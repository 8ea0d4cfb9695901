// Package issuer is an OpenID provider for tests, that of github.com/zitadel/oidc. It is served
// over TLS, makes tokens by the client credentials grant, changes its keys, and goes away.
package issuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// lifetime is how long tokens are good unless they are made otherwise.
const lifetime = 10 * time.Minute

// Issuer is an OpenID provider.
type Issuer struct {
	// URL is its name, and where it is while it is served.
	URL string
	// CABundle is the certificate by which it is known, in PEM.
	CABundle string

	certificate tls.Certificate
	storage     *storage
	provider    http.Handler
	server      *http.Server
}

// New makes an issuer at an address of this machine, and serves it.
func New(address string) (*Issuer, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, fmt.Errorf("listening for an issuer: %w", err)
	}
	i := &Issuer{URL: "https://" + listener.Addr().String(), storage: &storage{}}
	if err := i.Rotate(); err != nil {
		return nil, err
	}
	if i.certificate, i.CABundle, err = SelfSigned(address); err != nil {
		return nil, err
	}
	// The key is for what clients see as text, which nobody gets here.
	i.provider, err = op.NewProvider(&op.Config{CryptoKey: [32]byte{1}}, i.storage, op.StaticIssuer(i.URL))
	if err != nil {
		return nil, fmt.Errorf("making an OpenID provider: %w", err)
	}
	i.serve(listener)
	return i, nil
}

// Stop makes it answer nobody. It still makes tokens.
func (i *Issuer) Stop() error { return i.server.Close() }

// Start serves it once more, where it was.
func (i *Issuer) Start() error {
	listener, err := net.Listen("tcp", strings.TrimPrefix(i.URL, "https://"))
	if err != nil {
		return fmt.Errorf("listening for an issuer once more: %w", err)
	}
	i.serve(listener)
	return nil
}

func (i *Issuer) serve(listener net.Listener) {
	i.server = &http.Server{Handler: i.provider, ReadHeaderTimeout: lifetime}
	secured := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{i.certificate}, MinVersion: tls.VersionTLS12})
	go func(server *http.Server) { _ = server.Serve(secured) }(i.server)
}

// Rotate gives it another key, to sign with and to publish in place of the one before.
func (i *Issuer) Rotate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key for an issuer: %w", err)
	}
	i.storage.rotate(key)
	return nil
}

// Token makes a token about a subject for an audience.
func (i *Issuer) Token(subject, audience string) (string, error) {
	return i.TokenAt(subject, audience, time.Now(), lifetime)
}

// TokenAt makes a token that is issued at a time and good for so long.
func (i *Issuer) TokenAt(subject, audience string, issued time.Time, lasts time.Duration) (string, error) {
	i.storage.next(issued, lasts)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {subject}, "client_secret": {secret}, "scope": {audience}}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, i.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	i.provider.ServeHTTP(recorder, request)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil || answer.AccessToken == "" {
		return "", fmt.Errorf("asking for a token: %d %s", recorder.Code, recorder.Body)
	}
	return answer.AccessToken, nil
}

// SelfSigned makes a certificate for an address, that vouches for itself.
func SelfSigned(address string) (certificate tls.Certificate, bundle string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("making a key for TLS: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.ParseIP(address)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, "", fmt.Errorf("making a certificate: %w", err)
	}
	bundle = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, bundle, nil
}
