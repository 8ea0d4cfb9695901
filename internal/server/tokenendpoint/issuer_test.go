package tokenendpoint_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/federation/discovery"
)

// identityProvider is an issuer of assertions, which is served over TLS.
type identityProvider struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	key      *ecdsa.PrivateKey
	kid      string
	requests atomic.Int64
	// answering is closed while it answers.
	answering atomic.Pointer[chan struct{}]
}

func newIdentityProvider(t *testing.T) *identityProvider {
	t.Helper()
	p := &identityProvider{t: t}
	p.resume()
	p.rotate("first")
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

// rotate makes the provider have another key, and no other.
func (p *identityProvider) rotate(kid string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.key, p.kid = key, kid
}

// pause makes it answer nothing until resume.
func (p *identityProvider) pause() {
	closed := make(chan struct{})
	p.answering.Store(&closed)
}

func (p *identityProvider) resume() {
	opened := make(chan struct{})
	close(opened)
	if former := p.answering.Swap(&opened); former != nil {
		close(*former)
	}
}

// ServeHTTP implements http.Handler: OpenID Connect Discovery 1.0 section 4.
func (p *identityProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.requests.Add(1)
	<-*p.answering.Load()
	var document any = map[string]string{"issuer": p.URL, "jwks_uri": p.URL + "/keys"}
	if r.URL.Path == "/keys" {
		p.mu.Lock()
		defer p.mu.Unlock()
		document = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: p.kid, Algorithm: "ES256", Use: "sig"}}}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

// assert makes an assertion that the key of the tests is for, as change makes it.
func (p *identityProvider) assert(change func(map[string]any)) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: p.kid}}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	now := time.Now()
	claims := map[string]any{"iss": p.URL, "sub": "app", "aud": "api://acme", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if change != nil {
		change(claims)
	}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// federation says that the assertions of the provider about a subject stand for a key.
func (p *identityProvider) federation(subject string) *apikey.Federation {
	return &apikey.Federation{
		Issuer: p.URL, Audiences: []string{"api://acme", issuer}, Claims: map[string]string{"sub": subject},
		CABundle: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})),
	}
}

// known says which assertions of the provider a federated key is known by.
func (p *identityProvider) known(client, keyID string) apikey.Key {
	return apikey.Key{Verifier: apikey.Verifier{KeyID: keyID}, Client: client, Federation: p.federation("app")}
}

// newFederated serves a tenant that has the federated key acme-app, whose id is app-key.
func newFederated(t *testing.T, provider *identityProvider) *client {
	t.Helper()
	c := newClient(t)
	reachable := &discovery.Client{
		Allows:   func(url string) bool { return strings.HasPrefix(url, provider.URL+"/") },
		Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Agent: "kubescim",
	}
	c.Serve(t)
	c.Tenant.AskIssuers(federation.NewIssuers(reachable.Fetch, slog.New(slog.NewJSONHandler(c.Log, nil)), federation.NewMetrics(c.Metrics, "acme")))
	c.accept(provider.known("acme-app", "app-key"))
	return c
}

// assert sends an assertion to the token endpoint.
func (c *client) assert(assertion string, parameters ...string) answer {
	form := grantType + "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=" + assertion
	return c.ask(strings.Join(append([]string{form}, parameters...), "&"))
}
