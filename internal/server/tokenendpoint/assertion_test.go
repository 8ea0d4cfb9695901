package tokenendpoint_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
)

func TestAnAssertionGetsATokenThatWorks(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newFederated(t, provider)
	for name, parameters := range map[string][]string{
		"with the client's id": {"client_id=acme-app"},
		"alone":                nil,
		"with a scope":         {"scope=scim", "client_id="},
	} {
		t.Run(name, func(*testing.T) {
			assertion := provider.assert(nil)
			for range 2 { // It may be used more than once.
				a := c.assert(assertion, parameters...)
				c.Expect(a.StatusCode).To(Equal(http.StatusOK), a.Text)
				c.Expect(a.Header.Get("Cache-Control")).To(Equal("no-store"))
				c.Expect(a.Doc).To(And(HaveLen(4), HaveKeyWithValue("token_type", "Bearer"), HaveKeyWithValue("expires_in", BeNumerically("==", 3600))))
				c.Expect(c.LastLine()).To(And(HaveKeyWithValue("keyID", "app-key"), HaveKeyWithValue("resource", "token")))
				token, _ := a.Doc["access_token"].(string)
				c.Expect(c.with(token).StatusCode).To(Equal(http.StatusOK))
				c.Expect(c.LastLine()).To(HaveKeyWithValue("keyID", "app-key"))
			}
			c.Expect(c.Log.String()).NotTo(ContainSubstring(assertion))
		})
	}
	c.Expect(c.Tenant.LastUses(10)).To(HaveKey("app-key"))
	c.Expect(provider.requests.Load()).To(BeEquivalentTo(2), "the discovery document, and the keys")
}

func TestTheTokenEndpointRefusesAssertions(t *testing.T) {
	provider, untrusted := newIdentityProvider(t), newIdentityProvider(t)
	c := newFederated(t, provider)
	about := func(subject string, change func(*apikey.Key)) apikey.Key {
		key := provider.known(subject, subject+"-key")
		key.Federation.Claims["sub"] = subject
		change(&key)
		return key
	}
	good := apikey.Key{Verifier: c.verifier, Client: "acme-entra"}
	c.accept(good, provider.known("acme-app", "app-key"),
		about("suspended", func(key *apikey.Key) { key.Grant.Suspended = true }),
		about("expired", func(key *apikey.Key) { key.Verifier.ExpirationTime = time.Now().Add(-time.Minute) }),
		about("elsewhere", func(key *apikey.Key) { key.Grant.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")} }),
		about("outdated", func(key *apikey.Key) { key.Federation.NotBefore = time.Now().Add(time.Minute) }))
	c.Expect(c.assert(provider.assert(nil)).StatusCode).To(Equal(http.StatusOK), "the provider's keys are known")
	access := c.token()
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	without := func(name string) func(map[string]any) { return func(claims map[string]any) { delete(claims, name) } }
	subject := func(name string) string { return provider.assert(set("sub", name)) }
	parts := strings.Split(provider.assert(nil), ".")
	header := func(text string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(text)) + "." + parts[1] + "." + parts[2]
	}
	forger := newIdentityProvider(t)
	var refused []string
	for name, tc := range map[string]struct {
		assertion, parameter string
		reason, hint         string
	}{
		"no JWT":                             {"nonsense", "", "Malformed", ""},
		"truncated":                          {parts[0] + "." + parts[1] + "." + parts[2][:20], "", "Mismatch", ""},
		"alg none":                           {header(`{"alg":"none","kid":"first"}`), "", "Malformed", ""},
		"alg HS256":                          {header(`{"alg":"HS256","kid":"first"}`), "", "Malformed", ""},
		"no kid":                             {header(`{"alg":"ES256"}`), "", "Malformed", ""},
		"another kid":                        {header(`{"alg":"ES256","kid":"other"}`), "", "UnknownSigner", ""},
		"another issuer":                     {untrusted.assert(nil), "", "UnknownIssuer", ""},
		"another issuer, by the id":          {untrusted.assert(nil), "client_id=acme-app", "UnknownIssuer", ""},
		"forged":                             {forger.assert(set("iss", provider.URL)), "", "Mismatch", ""},
		"an issuer with a slash":             {provider.assert(set("iss", provider.URL+"/")), "", "UnknownIssuer", ""},
		"another audience":                   {provider.assert(set("aud", []string{"api://globex", "api://acme/"})), "", "OtherAudience", "its audience: api://globex api://acme/"},
		"another subject":                    {subject("root"), "client_id=acme-app", "OtherClaims", "claim that differs: sub"},
		"no subject":                         {provider.assert(without("sub")), "client_id=acme-app", "OtherClaims", "claim that differs: sub"},
		"expired":                            {provider.assert(set("exp", time.Now().Add(-2*time.Minute).Unix())), "", "Expired", ""},
		"no expiration":                      {provider.assert(without("exp")), "", "Malformed", ""},
		"in the future":                      {provider.assert(set("nbf", time.Now().Add(2*time.Minute).Unix())), "", "Early", ""},
		"issued in the future":               {provider.assert(set("iat", time.Now().Add(2*time.Minute).Unix())), "", "Early", ""},
		"issued before credentialsNotBefore": {subject("outdated"), "", "Outdated", ""},
		"suspended":                          {subject("suspended"), "", "Suspended", ""},
		"of an expired key":                  {subject("expired"), "", "Expired", ""},
		"from another network":               {subject("elsewhere"), "", "Address", ""},
		"another client":                     {provider.assert(nil), "client_id=suspended", "OtherClaims", "claim that differs: sub"},
		"a client with a secret":             {provider.assert(nil), "client_id=acme-entra", "UnknownIssuer", ""},
		"nobody's id":                        {provider.assert(nil), "client_id=globex", "UnknownIssuer", ""},
		"an access token":                    {access, "", "UnknownIssuer", ""},
		"a client secret":                    {c.secret, "", "Malformed", ""},
		"a bearer token":                     {c.Token, "client_id=acme-app", "Malformed", ""},
	} {
		t.Run(name, func(*testing.T) {
			a := c.assert(tc.assertion, tc.parameter)
			c.expectError(a, http.StatusUnauthorized, "invalid_client")
			line := c.LastLine()
			c.Expect(line).To(And(HaveKeyWithValue("reason", tc.reason), HaveKeyWithValue("source", "127.0.0.1")))
			if tc.hint == "" {
				c.Expect(line).NotTo(HaveKey("hint"))
			} else {
				c.Expect(line).To(And(HaveKeyWithValue("hint", tc.hint), HaveKeyWithValue("keyID", Not(BeEmpty()))))
			}
			id := a.Header.Get("X-Request-Id")
			a.Header.Del("Date")
			refused = append(refused, strings.ReplaceAll(fmt.Sprint(a.Header, a.Text), id, "the id"))
			c.Expect(c.Log.String()).NotTo(ContainSubstring(tc.assertion))
			c.Expect(c.Counter("kubescim_credentials_refused_total", "reason", tc.reason)).To(BeNumerically(">", 0))
		})
	}
	a := c.ask(grantType, "Authorization", basic("acme-entra", c.secret[1:]))
	id := a.Header.Get("X-Request-Id")
	a.Header.Del("Date")
	refused = append(refused, strings.ReplaceAll(fmt.Sprint(a.Header, a.Text), id, "the id"))
	for _, answered := range refused {
		c.Expect(answered).To(Equal(refused[0]), "nothing tells why a client is refused")
	}
	c.Expect(untrusted.requests.Load()).To(BeZero(), "nobody asks an issuer that no key is for")
}

// An assertion is one for the token endpoint, and in the one place that it is for.
func TestAnAssertionIsNothingElse(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newFederated(t, provider)
	c.ExpectError(c.with(provider.assert(nil)), http.StatusUnauthorized, "")
	c.expectError(c.ask(grantType, "Authorization", basic("acme-app", provider.assert(nil))), http.StatusUnauthorized, "invalid_client")
	c.expectError(c.ask(grantType+"&client_id=acme-app&client_secret="+provider.assert(nil)), http.StatusUnauthorized, "invalid_client")
	c.expectError(c.ask(grantType, "Authorization", "Bearer "+provider.assert(nil)), http.StatusUnauthorized, "invalid_client")
	c.expectError(c.assert(provider.assert(nil), "client_secret="+c.secret), http.StatusBadRequest, "invalid_request")
	c.expectError(c.ask(grantType+"&client_assertion="+provider.assert(nil)), http.StatusBadRequest, "invalid_request")
}

// What ends the key ends the tokens that were given out for its assertions, at once.
func TestATokenIsWorthWhatItsFederatedKeyIs(t *testing.T) {
	provider := newIdentityProvider(t)
	for name, change := range map[string]func(*client){
		"deleted":         func(c *client) { c.accept() },
		"trusts another":  func(c *client) { c.accept(provider.known("acme-app", "other-key")) },
		"of another name": func(c *client) { c.accept(provider.known("globex-app", "app-key")) },
		"suspended": func(c *client) {
			key := provider.known("acme-app", "app-key")
			key.Grant.Suspended = true
			c.accept(key)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFederated(t, provider)
			token, _ := c.assert(provider.assert(nil)).Doc["access_token"].(string)
			c.Expect(c.with(token).StatusCode).To(Equal(http.StatusOK))
			change(c)
			c.ExpectError(c.with(token), http.StatusUnauthorized, "")
		})
	}
}

// Keys that the provider has no more are not needed, and those that are known are enough.
func TestTheProviderGoesAway(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newFederated(t, provider)
	c.Expect(c.assert(provider.assert(nil)).StatusCode).To(Equal(http.StatusOK))
	provider.Close()
	c.Expect(c.assert(provider.assert(nil)).StatusCode).To(Equal(http.StatusOK))
	provider.rotate("second")
	c.expectError(c.assert(provider.assert(nil)), http.StatusUnauthorized, "invalid_client")
	c.Expect(c.LastLine()).To(HaveKeyWithValue("reason", "UnknownSigner"))
}

func TestTheProviderIsNotThere(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newFederated(t, provider)
	assertion := provider.assert(nil)
	provider.Close()
	for range 3 {
		c.expectError(c.assert(assertion), http.StatusUnauthorized, "invalid_client")
		c.Expect(c.LastLine()).To(HaveKeyWithValue("reason", "IssuerUnavailable"))
	}
	c.Expect(strings.Count(c.Log.String(), "cannot be fetched")).To(Equal(1))
	c.Expect(c.Counter("kubescim_issuer_key_fetches_total", "result", "failure")).To(BeEquivalentTo(1))
}

// A key that is deleted while its issuer is asked gets no token any more.
func TestSlowProvidersOutliveNoKey(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newFederated(t, provider)
	assertion := provider.assert(nil)
	provider.pause()
	answered := make(chan answer)
	go func() { answered <- c.assert(assertion) }()
	c.Eventually(provider.requests.Load).Should(BeEquivalentTo(1))
	c.accept()
	provider.resume()
	c.expectError(<-answered, http.StatusUnauthorized, "invalid_client")
}

// An assertion that stands for several keys is for the first of them that may be used, by
// their names, unless the client says which.
func TestAssertionsOfSeveralKeys(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newFederated(t, provider)
	first := provider.known("a", "key-a")
	first.Grant.Suspended = true
	unlike := provider.known("b", "key-b")
	unlike.Federation.Claims["sub"] = "other"
	c.accept(provider.known("d", "key-d"), provider.known("c", "key-c"), unlike, first)
	for parameter, want := range map[string]string{"": "key-c", "client_id=d": "key-d"} {
		c.Expect(c.assert(provider.assert(nil), parameter).StatusCode).To(Equal(http.StatusOK))
		c.Expect(c.LastLine()).To(HaveKeyWithValue("keyID", want))
	}
	c.expectError(c.assert(provider.assert(nil), "client_id=a"), http.StatusUnauthorized, "invalid_client")
	c.Expect(c.LastLine()).To(And(HaveKeyWithValue("reason", "Suspended"), HaveKeyWithValue("keyID", "key-a")))
}

// Without anything that knows issuers, no assertion is good.
func TestATenantWithoutIssuers(t *testing.T) {
	provider := newIdentityProvider(t)
	c := newClient(t)
	c.accept(provider.known("acme-app", "app-key"))
	c.expectError(c.assert(provider.assert(nil)), http.StatusUnauthorized, "invalid_client")
}
