package tokenendpoint_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/memory"
)

const issuer = "https://acme.example.com/scim/v2"

// client is an OAuth client of a tenant that is served.
type client struct {
	*servertest.Harness
	secret   string
	verifier apikey.Verifier // of the secret
	keys     signingkey.Set
}

// newClient serves a tenant that has the OAuth client acme-entra beside its bearer token.
func newClient(t *testing.T) *client {
	t.Helper()
	c := &client{Harness: servertest.New(t, memory.New())}
	var err error
	c.secret, c.verifier, err = apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	now := time.Now()
	c.keys, err = signingkey.Decide(nil, now).Rotate(now)
	c.Expect(err).NotTo(HaveOccurred())
	c.Configure("Entra", func(s *exchange.Settings) { s.PublicURL, s.Issuer = issuer, issuer })
	c.Tenant.SignWith(c.keys)
	c.accept(apikey.Key{Verifier: c.verifier, Client: "acme-entra"})
	return c
}

// accept makes the tenant accept the bearer token and the keys.
func (c *client) accept(keys ...apikey.Key) {
	accepted := auth.Keys{c.Verifier.KeyID: {Verifier: c.Verifier}}
	for _, key := range keys {
		accepted[key.Verifier.KeyID] = key
	}
	c.Tenant.Accept(accepted, func() {})
}

// answer is an answer that is no SCIM message.
type answer struct {
	*http.Response
	Text string
	Doc  map[string]any
}

func (c *client) send(method, path, body string, headers ...string) answer {
	request, err := http.NewRequest(method, c.URL+path, strings.NewReader(body))
	c.Expect(err).NotTo(HaveOccurred())
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	c.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	c.Expect(err).NotTo(HaveOccurred())
	a := answer{Response: response, Text: string(text)}
	if len(text) > 0 {
		c.Expect(response.Header.Get("Content-Type")).To(Equal("application/json"), a.Text)
		c.Expect(json.Unmarshal(text, &a.Doc)).To(Succeed(), a.Text)
	}
	return a
}

// ask sends a form to the token endpoint.
func (c *client) ask(form string, headers ...string) answer {
	return c.send(http.MethodPost, "/scim/v2/oauth2/token", form, append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

const grantType = "grant_type=client_credentials"

// token gets an access token.
func (c *client) token() string {
	a := c.ask(grantType, "Authorization", basic("acme-entra", c.secret))
	c.Expect(a.StatusCode).To(Equal(http.StatusOK), a.Text)
	token, _ := a.Doc["access_token"].(string)
	c.Expect(token).NotTo(BeEmpty())
	return token
}

// with lists users with a token.
func (c *client) with(token string) servertest.Response {
	return c.Send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "Bearer "+token)
}

func (c *client) expectError(a answer, status int, code string) {
	c.Expect(a.StatusCode).To(Equal(status), a.Text)
	c.Expect(a.Doc).To(And(HaveLen(2), HaveKeyWithValue("error", code),
		HaveKeyWithValue("error_description", ContainSubstring(a.Header.Get("X-Request-Id")))))
	c.Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
}

func TestAClientGetsATokenThatWorks(t *testing.T) {
	c := newClient(t)
	for name, a := range map[string]func() answer{
		"Basic": func() answer { return c.ask(grantType, "Authorization", basic("acme-entra", c.secret)) },
		"form":  func() answer { return c.ask(grantType + "&client_id=acme-entra&client_secret=" + c.secret) },
		"scope": func() answer { return c.ask(grantType+"&scope=scim", "Authorization", basic("acme-entra", c.secret)) },
		"two slashes": func() answer {
			return c.send(http.MethodPost, "/scim/v2//oauth2/token", grantType, "Content-Type", "application/x-www-form-urlencoded", "Authorization", basic("acme-entra", c.secret))
		},
		"beside a browser": func() answer {
			return c.ask(grantType, "Authorization", basic("acme-entra", c.secret), "Cookie", "a=b")
		},
	} {
		t.Run(name, func(*testing.T) {
			answered := a()
			c.Expect(answered.StatusCode).To(Equal(http.StatusOK), answered.Text)
			c.Expect(answered.Header.Get("Cache-Control")).To(Equal("no-store"))
			c.Expect(answered.Header.Get("Pragma")).To(Equal("no-cache"))
			c.Expect(answered.Doc).To(And(HaveLen(4), HaveKeyWithValue("token_type", "Bearer"),
				HaveKeyWithValue("expires_in", BeNumerically("==", 3600)), HaveKeyWithValue("scope", "scim")))
			token, _ := answered.Doc["access_token"].(string)
			c.Expect(c.LastLine()).To(And(HaveKeyWithValue("resource", "token"), HaveKeyWithValue("method", "POST"),
				HaveKeyWithValue("keyID", c.verifier.KeyID), HaveKeyWithValue("status", BeNumerically("==", 200))))
			for range 2 {
				c.Expect(c.with(token).StatusCode).To(Equal(http.StatusOK))
				c.Expect(c.LastLine()).To(HaveKeyWithValue("keyID", c.verifier.KeyID))
			}
			c.Expect(c.Log.String()).NotTo(Or(ContainSubstring(token), ContainSubstring(c.secret)))
		})
	}
	c.Expect(c.Tenant.LastUses(10)).To(HaveKey(c.verifier.KeyID))
	c.Expect(c.with(c.secret).StatusCode).To(Equal(http.StatusUnauthorized), "a secret is no bearer token")
	c.Expect(c.LastLine()).To(HaveKeyWithValue("reason", "ClientSecret"))
}

func TestTheTokenEndpointRefuses(t *testing.T) {
	c := newClient(t)
	unknown, _, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	suspended, suspendedVerifier, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	elsewhere, elsewhereVerifier, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	expired, expiredVerifier, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	expiredVerifier.ExpirationTime = time.Now().Add(-time.Minute)
	c.accept(apikey.Key{Verifier: c.verifier, Client: "acme-entra"},
		apikey.Key{Verifier: suspendedVerifier, Client: "suspended", Grant: apikey.Grant{Suspended: true}},
		apikey.Key{Verifier: elsewhereVerifier, Client: "elsewhere", Grant: apikey.Grant{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}},
		apikey.Key{Verifier: expiredVerifier, Client: "expired"})
	var refused []string
	for name, tc := range map[string]struct {
		form, authorization string
		status              int
		code, reason        string
	}{
		"nobody":                      {grantType, "", 401, "invalid_client", "Missing"},
		"a secret that nobody has":    {grantType, basic("acme-entra", unknown), 401, "invalid_client", "Unknown"},
		"a secret cut short":          {grantType, basic("acme-entra", c.secret[1:]), 401, "invalid_client", "Malformed"},
		"another client":              {grantType, basic("acme-okta", c.secret), 401, "invalid_client", "Mismatch"},
		"a bearer token":              {grantType, basic("acme-entra", c.Token), 401, "invalid_client", "Mismatch"},
		"a bearer token of no client": {grantType, basic(c.Verifier.KeyID, c.Token), 401, "invalid_client", "Mismatch"},
		"an expired secret":           {grantType, basic("expired", expired), 401, "invalid_client", "Expired"},
		"a suspended client":          {grantType, basic("suspended", suspended), 401, "invalid_client", "Suspended"},
		"another network":             {grantType, basic("elsewhere", elsewhere), 401, "invalid_client", "Address"},
		"Bearer":                      {grantType, "Bearer " + c.Token, 401, "invalid_client", "Missing"},
		"no grant_type":               {"", basic("acme-entra", c.secret), 400, "invalid_request", ""},
		"another grant_type":          {"grant_type=password", basic("acme-entra", c.secret), 400, "unsupported_grant_type", ""},
		"another scope":               {grantType + "&scope=admin", basic("acme-entra", c.secret), 400, "invalid_scope", ""},
		"both ways":                   {grantType + "&client_secret=" + c.secret, basic("acme-entra", c.secret), 400, "invalid_request", ""},
		"a large body":                {grantType + "&a=" + strings.Repeat("a", oauth.MaxBodyBytes), basic("acme-entra", c.secret), 413, "invalid_request", ""},
	} {
		t.Run(name, func(*testing.T) {
			headers := []string{"Authorization", tc.authorization}
			if tc.authorization == "" {
				headers = nil
			}
			a := c.ask(tc.form, headers...)
			c.expectError(a, tc.status, tc.code)
			line := c.LastLine()
			if tc.reason == "" {
				c.Expect(line).NotTo(HaveKey("reason"))
			} else {
				c.Expect(line).To(And(HaveKeyWithValue("reason", tc.reason), HaveKeyWithValue("source", "127.0.0.1")))
				c.Expect(a.Header.Get("WWW-Authenticate")).To(Equal(`Basic realm="scim"`))
				id := a.Header.Get("X-Request-Id")
				a.Header.Del("Date")
				refused = append(refused, strings.ReplaceAll(fmt.Sprint(a.Header, a.Text), id, "the id"))
			}
		})
	}
	for _, answered := range refused {
		c.Expect(answered).To(Equal(refused[0]), "nothing tells why a client is refused")
	}
	c.Expect(c.Log.String()).NotTo(Or(ContainSubstring(unknown), ContainSubstring(expired), ContainSubstring(suspended), ContainSubstring(c.secret), ContainSubstring(c.Token)))

	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		a := c.send(method, "/scim/v2/oauth2/token", "")
		c.expectError(a, http.StatusMethodNotAllowed, "invalid_request")
		c.Expect(a.Header.Get("Allow")).To(Equal("POST"))
	}
	c.Tenant.SignWith(nil)
	a := c.ask(grantType, "Authorization", basic("acme-entra", c.secret))
	c.expectError(a, http.StatusServiceUnavailable, "temporarily_unavailable")
	c.Expect(a.Header.Get("Retry-After")).NotTo(BeEmpty())
}

// Whoever guesses is told so no more often than whoever has no good token, and a client with
// a good secret gets a token meanwhile.
func TestGuessesAtTheTokenEndpointAreBounded(t *testing.T) {
	c := newClient(t)
	unknown, _, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	var last answer
	for range 200 {
		if last = c.ask(grantType, "Authorization", basic("acme-entra", unknown)); last.StatusCode != http.StatusUnauthorized {
			break
		}
	}
	c.expectError(last, http.StatusTooManyRequests, "temporarily_unavailable")
	c.Expect(last.Header.Get("Retry-After")).To(Equal("60"))
	c.token()
}

func TestDocumentsOfATenant(t *testing.T) {
	c := newClient(t)
	for path, want := range map[string]string{
		"/.well-known/oauth-authorization-server/scim/v2": string(oauth.ServerMetadata(issuer)),
		"/.well-known/oauth-protected-resource/scim/v2":   string(oauth.ResourceMetadata(issuer)),
	} {
		a := c.send(http.MethodGet, path, "")
		c.Expect(a.StatusCode).To(Equal(http.StatusOK))
		c.Expect(a.Text).To(Equal(want))
		c.Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
		c.Expect(c.send(http.MethodHead, path, "").ContentLength).To(BeEquivalentTo(len(want)))
		refused := c.send(http.MethodPost, path, "")
		c.Expect(refused.StatusCode).To(Equal(http.StatusMethodNotAllowed))
		c.Expect(refused.Header.Get("Allow")).To(Equal("GET, HEAD"))
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/other", "/oauth2/token", "/scim/v2/oauth2"} {
		c.ExpectError(c.Send(http.MethodGet, path, ""), http.StatusUnauthorized, "")
	}
	published := c.send(http.MethodGet, "/scim/v2/oauth2/keys", "")
	c.Expect(published.StatusCode).To(Equal(http.StatusOK))
	c.Expect(published.Doc["keys"]).To(And(ContainElement(And(HaveKeyWithValue("crv", "Ed25519"), HaveKey("x"), HaveKey("kid"))), Not(ContainElement(HaveKey("d")))))

	r := c.Send(http.MethodGet, "/scim/v2/Users", "")
	c.Expect(r.Header.Get("WWW-Authenticate")).To(Equal(
		`Bearer realm="scim", resource_metadata="https://acme.example.com/.well-known/oauth-protected-resource/scim/v2"`))

	// Without a URL of its own, the tenant is where the request was sent to.
	c.Configure("Entra", func(s *exchange.Settings) { s.Issuer = "http://acme-scim.team.svc/scim/v2" })
	a := c.send(http.MethodGet, "/.well-known/oauth-authorization-server/scim/v2", "")
	c.Expect(a.Doc).To(And(HaveKeyWithValue("issuer", c.URL+"/scim/v2"), HaveKeyWithValue("token_endpoint", c.URL+"/scim/v2/oauth2/token")))
	r = c.Send(http.MethodGet, "/scim/v2/Users", "", "X-Forwarded-Host", `a", error="b`)
	c.Expect(r.Header.Get("WWW-Authenticate")).To(Equal(`Bearer realm="scim"`))
	c.Expect(c.with(c.token()).StatusCode).To(Equal(http.StatusOK))
}

// A client with a good secret that asks too often is told when to come again, and its other
// requests count together with these. One with a wrong secret learns nothing of it.
func TestRateOfClient(t *testing.T) {
	c := newClient(t)
	limited := apikey.Grant{Rate: ratelimit.Key{Name: "acme-entra", Limits: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 20}}}}
	c.accept(apikey.Key{Verifier: c.verifier, Client: "acme-entra", Grant: limited})
	token := c.token()
	var refused answer
	for i := 0; refused.Response == nil; i++ {
		c.Expect(i).To(BeNumerically("<", 100))
		if a := c.ask(grantType, "Authorization", basic("acme-entra", c.secret)); a.StatusCode != http.StatusOK {
			refused = a
		}
	}
	c.expectError(refused, http.StatusTooManyRequests, "temporarily_unavailable")
	c.Expect(refused.Header.Get("Retry-After")).To(Equal("1"))
	c.Expect(refused.Doc["error_description"]).To(ContainSubstring("more requests come with this token than the 1 a second that may; send this again in 1s"))
	c.Eventually(func() int { return c.with(token).StatusCode }).WithPolling(time.Millisecond).Should(Equal(http.StatusTooManyRequests))
	c.expectError(c.ask(grantType, "Authorization", basic("acme-entra", c.secret[:len(c.secret)-1]+"x")), http.StatusUnauthorized, "invalid_client")
	c.Expect(c.Do(http.MethodGet, "/Users", "").StatusCode).To(Equal(http.StatusOK), "another key has no limit")
}

// Whoever has no token keeps no connection by a body that does not come, also not at a URL
// that has no use for one.
func TestDocumentsWaitForNoBody(t *testing.T) {
	c := newClient(t)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(c.URL, "http://"))
	c.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = connection.Close() }()
	c.Expect(connection.SetDeadline(time.Now().Add(10 * time.Second))).To(Succeed())
	_, err = fmt.Fprintf(connection, "GET /.well-known/oauth-authorization-server/scim/v2 HTTP/1.1\r\nHost: acme.example.com\r\nContent-Length: 10\r\n\r\n")
	c.Expect(err).NotTo(HaveOccurred())
	all, err := io.ReadAll(connection)
	c.Expect(err).NotTo(HaveOccurred(), "the connection stays open")
	c.Expect(string(all)).To(And(HavePrefix("HTTP/1.1 200 OK"), ContainSubstring("token_endpoint")))
}
