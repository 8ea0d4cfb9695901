package tokenendpoint_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// What ends the secret ends the tokens that were issued for it, at once.
func TestATokenIsWorthWhatItsSecretIs(t *testing.T) {
	good := func(c *client) apikey.Key { return apikey.Key{Verifier: c.verifier, Client: "acme-entra"} }
	for name, tc := range map[string]struct {
		change func(c *client)
		reason string
	}{
		"revoked": {func(c *client) { c.accept() }, "Unknown"},
		"expired": {func(c *client) {
			key := good(c)
			key.Verifier.ExpirationTime = time.Now()
			c.accept(key)
		}, "Expired"},
		"suspended": {func(c *client) {
			key := good(c)
			key.Grant.Suspended = true
			c.accept(key)
		}, "Suspended"},
		"another network": {func(c *client) {
			key := good(c)
			key.Grant.Networks = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
			c.accept(key)
		}, "Address"},
		"another client's": {func(c *client) {
			key := good(c)
			key.Client = "acme-okta"
			c.accept(key)
		}, "Unknown"},
		"its signing key is gone": {func(c *client) {
			keys, err := signingkey.Decide(nil, time.Now()).Rotate(time.Now())
			c.Expect(err).NotTo(HaveOccurred())
			c.Tenant.SignWith(keys)
		}, "Unknown"},
		"the tenant is at another URL": {func(c *client) {
			c.Configure("Entra", func(s *exchange.Settings) {
				s.Issuer = "https://globex.example.com/scim/v2"
				s.PublicURL = s.Issuer
			})
		}, "Foreign"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			token := c.token()
			c.Expect(c.with(token).StatusCode).To(Equal(http.StatusOK))
			tc.change(c)
			r := c.with(token)
			c.ExpectError(r, http.StatusUnauthorized, "")
			c.Expect(r.Header.Get("WWW-Authenticate")).To(HavePrefix(`Bearer realm="scim", error="invalid_token"`))
			c.Expect(c.LastLine()).To(HaveKeyWithValue("reason", tc.reason))
		})
	}
}

// A key that is rotated, and a status that is written anew, end no token.
func TestTokensOutliveTheRotationOfKeys(t *testing.T) {
	c := newClient(t)
	token := c.token()
	later := time.Now().Add(signingkey.Period)
	rotated, err := signingkey.Decide(c.keys, later).Rotate(later)
	c.Expect(err).NotTo(HaveOccurred())
	c.Expect(rotated).To(HaveLen(2))
	c.Tenant.SignWith(rotated)
	c.Configure("Entra", func(s *exchange.Settings) { s.PublicURL, s.Issuer = issuer, issuer })
	_, second, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	c.accept(apikey.Key{Verifier: c.verifier, Client: "acme-entra"}, apikey.Key{Verifier: second, Client: "acme-entra"})
	c.Expect(c.with(token).StatusCode).To(Equal(http.StatusOK))
	c.Expect(c.with(c.token()).StatusCode).To(Equal(http.StatusOK))
}

// A secret is looked at when the whole request is there.
func TestSlowRequestsOutliveNoSecret(t *testing.T) {
	c := newClient(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "http://"))
	c.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = connection.Close() }()
	c.Expect(connection.SetDeadline(time.Now().Add(10 * time.Second))).To(Succeed())
	_, err = fmt.Fprintf(connection, "POST /scim/v2/oauth2/token HTTP/1.1\r\nHost: acme.example.com\r\nAuthorization: %s\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", basic("acme-entra", c.secret), len(grantType))
	c.Expect(err).NotTo(HaveOccurred())
	from := bufio.NewReader(connection)
	begun, err := http.ReadResponse(from, nil)
	c.Expect(err).NotTo(HaveOccurred())
	c.Expect(begun.Body.Close()).To(Succeed())
	c.Expect(begun.StatusCode).To(Equal(http.StatusContinue))
	c.accept()
	_, err = io.WriteString(connection, grantType)
	c.Expect(err).NotTo(HaveOccurred())
	answered, err := http.ReadResponse(from, nil)
	c.Expect(err).NotTo(HaveOccurred())
	c.Expect(answered.Body.Close()).To(Succeed())
	c.Expect(answered.StatusCode).To(Equal(http.StatusUnauthorized))
}

// Whatever changes meanwhile, a client that is accepted all the time gets tokens that work.
func TestClientsDoNotNoticeWhatElseChanges(t *testing.T) {
	c := newClient(t)
	later := time.Now().Add(signingkey.Period)
	rotated, err := signingkey.Decide(c.keys, later).Rotate(later)
	c.Expect(err).NotTo(HaveOccurred())
	_, second, err := apikey.Mint()
	c.Expect(err).NotTo(HaveOccurred())
	done := make(chan struct{})
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			c.Tenant.SignWith([]signingkey.Set{rotated, c.keys}[i%2])
			c.Configure("Entra", func(s *exchange.Settings) { s.PublicURL, s.Issuer = issuer, issuer })
			c.accept([]apikey.Key{{Verifier: c.verifier, Client: "acme-entra"}, {Verifier: second, Client: "acme-okta"}}[:1+i%2]...)
		}
	})
	for range 50 {
		c.Expect(c.with(c.token()).StatusCode).To(Equal(http.StatusOK))
	}
	close(done)
	changing.Wait()
}
