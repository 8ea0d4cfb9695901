package discovery

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
)

const keys = `{"keys":[{"kid":"a","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`

// provider is an issuer that is served over TLS.
type provider struct {
	*httptest.Server
	// document is its discovery document.
	document map[string]any
	// serve answers what is not the discovery document.
	serve http.HandlerFunc
	// requests are how many there were.
	requests atomic.Int64
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	p.serve = func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, keys) }
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		if r.URL.Path != "/acme/.well-known/openid-configuration" || p.document == nil {
			p.serve(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.document)
	}))
	t.Cleanup(p.Close)
	p.document = map[string]any{"issuer": p.issuer(), "jwks_uri": p.URL + "/keys"}
	return p
}

func (p *provider) issuer() string { return p.URL + "/acme" }

func (p *provider) authority() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}))
}

func (p *provider) federation() *apikey.Federation {
	return &apikey.Federation{Issuer: p.issuer(), CABundle: p.authority()}
}

// client may fetch from the host of the provider.
func (p *provider) client() *Client {
	own, _ := url.Parse(p.URL)
	return &Client{
		Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, Agent: "kubescim",
		Allows: func(text string) bool {
			u, err := url.Parse(text)
			return err == nil && u.Scheme == "https" && u.Host == own.Host
		},
	}
}

func fetch(t *testing.T, client *Client, from *apikey.Federation) (federation.KeySet, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return client.Fetch(ctx, federation.OriginOf(from))
}

func TestKeysAreDiscovered(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:9")
	p := newProvider(t)
	var agent string
	p.serve = func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		_, _ = fmt.Fprint(w, keys)
	}
	set, err := fetch(t, p.client(), p.federation())
	if err != nil || set.Len() != 1 || set.Issuer != p.issuer() || agent != "kubescim" {
		t.Errorf("%d keys of %q, asked for by %q: %v", set.Len(), set.Issuer, agent, err)
	}
}

func TestKeysAreFetchedFromWhereTheyAre(t *testing.T) {
	p := newProvider(t)
	p.serve = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/second" {
			http.NotFound(w, r)
			return
		}
		_, _ = fmt.Fprint(w, keys)
	}
	from := p.federation()
	from.KeysURLs = []string{"https://idp.example.com/keys", p.URL + "/first", p.URL + "/second", p.URL + "/third"}
	if set, err := fetch(t, p.client(), from); err != nil || set.Len() != 1 || p.requests.Load() != 2 {
		t.Errorf("%d keys after %d requests: %v", set.Len(), p.requests.Load(), err)
	}
}

func TestKeysThatAreNotFetched(t *testing.T) {
	const planted = "what-another-service-answers"
	for name, tc := range map[string]struct {
		change func(p *provider, client *Client, from *apikey.Federation)
		says   string
		asked  int64 // requests that come to the provider
	}{
		"host that is not allowed": {func(_ *provider, _ *Client, from *apikey.Federation) { from.Issuer = "https://idp.example.com" }, "allow.issuers.hosts", 0},
		"no https": {func(p *provider, _ *Client, from *apikey.Federation) {
			from.Issuer = "http" + strings.TrimPrefix(p.issuer(), "https")
		}, "https", 0},
		"address that is not public": {func(_ *provider, client *Client, _ *apikey.Federation) {
			client.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}
		}, "allow.issuers.networks", 0},
		"name of such an address": {func(p *provider, client *Client, from *apikey.Federation) {
			client.Networks, client.Allows = nil, func(string) bool { return true }
			from.Issuer = strings.Replace(p.issuer(), "127.0.0.1", "localhost", 1)
		}, "allow.issuers.networks", 0},
		"public authorities alone": {func(_ *provider, _ *Client, from *apikey.Federation) { from.CABundle = "" }, "certificate", 0},
		"another authority":        {func(_ *provider, _ *Client, from *apikey.Federation) { from.CABundle = otherAuthority() }, "certificate", 0},
		"no authority":             {func(_ *provider, _ *Client, from *apikey.Federation) { from.CABundle = "PEM" }, "caBundle", 0},
		"another issuer":           {func(p *provider, _ *Client, _ *apikey.Federation) { p.document["issuer"] = p.issuer() + "/" }, "another issuer", 1},
		"no jwks_uri":              {func(p *provider, _ *Client, _ *apikey.Federation) { delete(p.document, "jwks_uri") }, "jwks_uri", 1},
		"keys at another host": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.document["jwks_uri"] = "https://169.254.169.254/latest/meta-data"
		}, "allow.issuers.hosts", 1},
		"keys without https": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.document["jwks_uri"] = "http" + strings.TrimPrefix(p.URL, "https") + "/keys"
		}, "https", 1},
		"keys in a file": {func(p *provider, _ *Client, _ *apikey.Federation) { p.document["jwks_uri"] = "file:///etc/passwd" }, "https", 1},
		"no URL":         {func(p *provider, _ *Client, _ *apikey.Federation) { p.document["jwks_uri"] = "https://%" }, "URL", 1},
		"a redirect": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.serve = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, p.URL+"/other", http.StatusFound) }
		}, "302", 2},
		"no document": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.document = nil
			p.serve = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, planted, http.StatusNotFound) }
		}, "404", 1},
		"a document that is none": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.document = nil
			p.serve = func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, planted) }
		}, "discovery document", 1},
		"keys that are none": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.serve = func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, planted) }
		}, "JWK Set", 2},
		"a large document": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.document["a"] = strings.Repeat("a", maxBodyBytes)
		}, "larger", 1},
		"large keys": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.serve = func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprint(w, keys, strings.Repeat(" ", maxBodyBytes))
			}
		}, "larger", 2},
		"a large header": {func(p *provider, _ *Client, _ *apikey.Federation) {
			p.serve = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("A", strings.Repeat("a", 2*maxHeaderBytes))
			}
		}, "header", 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			client, from := p.client(), p.federation()
			tc.change(p, client, from)
			set, err := fetch(t, client, from)
			if err == nil || set.Len() > 0 || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), planted) {
				t.Errorf("%d keys, %v", set.Len(), err)
			}
			if p.requests.Load() != tc.asked {
				t.Errorf("there were %d requests, want %d", p.requests.Load(), tc.asked)
			}
		})
	}
}

// An answer that comes slowly ends when its time is up.
func TestSlowIssuers(t *testing.T) {
	p := newProvider(t)
	p.serve = func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, `{"keys":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := p.client().Fetch(ctx, federation.OriginOf(p.federation())); err == nil || ctx.Err() == nil {
		t.Errorf("it ends with %v", err)
	}
}

// otherAuthority is one of the public's.
func otherAuthority() string {
	for root := range bundle.Roots() {
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
	}
	return ""
}
