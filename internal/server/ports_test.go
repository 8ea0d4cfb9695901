package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
)

// withPorts serves a house with ports for some of its tenants, and returns their URLs.
func withPorts(t *testing.T, h *house, tenants ...string) (ports *listen.Ports, urls map[string]string) {
	t.Helper()
	address := func() string {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		h.Expect(err).NotTo(HaveOccurred())
		defer func() { h.Expect(listener.Close()).To(Succeed()) }()
		return listener.Addr().String()
	}
	main := address()
	ports, urls = listen.NewPorts(main, slog.New(slog.DiscardHandler)), map[string]string{}
	for _, tenant := range tenants {
		at := address()
		_, number, _ := strings.Cut(at, ":")
		port, err := strconv.ParseInt(number, 10, 32)
		h.Expect(err).NotTo(HaveOccurred())
		ports.Open(tenant, int32(port))
		h.Expect(ports.Problem(tenant)).To(BeEmpty())
		urls[tenant] = "http://" + at
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	options := listen.Options{Address: main, HealthAddress: address(), Ports: ports, Leaving: h.Leaving}
	go func() { ended <- listen.Serve(ctx, options, h.Router, prometheus.NewRegistry()) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		end()
		h.Eventually(ended, 20*time.Second).Should(Receive(BeNil()))
	})
	h.url = "http://" + main
	h.Eventually(func() error {
		connection, err := net.Dial("tcp", main)
		if err == nil {
			err = connection.Close()
		}
		return err
	}, 10*time.Second).Should(Succeed())
	return ports, urls
}

// What comes in by the port of a tenant is for that one, whatever it names, as at a server of its own.
func TestARequestAtThePortOfATenantIsForIt(t *testing.T) {
	h := newHouse(t, "https://shared.example.com")
	acme := h.add("acme", "", nothing)
	globex := h.add("globex", "scim.globex.example.com", func(s *exchange.Settings) { s.Path = "/api/scim" })
	_, urls := withPorts(t, h, "acme", "globex")
	for i, c := range []struct {
		at, url string
		of      *lodger
		status  int
		base    string
	}{
		{"acme", "//acme-scim.team.svc/scim/v2/Users", acme, 201, "http://acme-scim.team.svc/scim/v2"},
		{"acme", "//127.0.0.1:30080/scim/v2/Users", acme, 201, "http://127.0.0.1:30080/scim/v2"},
		{"acme", "//10.96.3.7/scim/v2/Users", acme, 201, "http://10.96.3.7/scim/v2"},
		{"acme", "//gateway.example.com/scim/v2/Users", acme, 201, "http://gateway.example.com/scim/v2"},
		{"acme", "//scim.globex.example.com/scim/v2/Users", acme, 201, "http://scim.globex.example.com/scim/v2"},
		{"acme", "//gateway.example.com/acme/scim/v2/Users", acme, 404, ""},
		{"globex", "//10.96.3.8/api/scim/Users", globex, 201, "https://scim.globex.example.com/api/scim"},

		{"acme", "//gateway.example.com/scim/v2/Users", globex, 401, ""},
		{"acme", "//gateway.example.com/globex/scim/v2/Users", globex, 401, ""},
		{"acme", "//scim.globex.example.com/api/scim/Users", globex, 401, ""},
		{"acme", "//globex-scim.team.svc/api/scim/Users", globex, 401, ""},
		{"globex", "//acme-scim.team.svc/scim/v2/Users", acme, 401, ""},
		{"globex", "//gateway.example.com/acme/scim/v2/Users", acme, 401, ""},
	} {
		user := fmt.Sprintf(`{%s,"userName":"user%d"}`, servertest.UserSchema, i)
		answer := h.sendTo(urls[c.at], http.MethodPost, c.url, user, bearer(c.of.token)...)
		h.Expect(answer.Status).To(Equal(c.status), "%s at the port of %s: %s", c.url, c.at, answer.Body)
		if c.status == 201 {
			h.Expect(answer.Header.Get("Location")).To(HavePrefix(c.base+"/Users/"), c.url)
		}
	}
	h.Expect(h.send(http.MethodGet, "//gateway.example.com/acme/scim/v2/Users", "", bearer(acme.token)...).Status).To(Equal(200), "the port of all is as before")
	h.Expect(h.send(http.MethodGet, "//acme-scim.team.svc/scim/v2/Users", "", bearer(acme.token)...).Status).To(Equal(401), "nobody is known by the name of a Service there")
}

func TestATenantIssuesAccessTokensAtItsPort(t *testing.T) {
	h := newHouse(t, "https://shared.example.com")
	acme, globex := h.add("acme", "", nothing), h.add("globex", "", nothing)
	_, urls := withPorts(t, h, "acme", "globex")
	tokenOf := func(at string, of *lodger) crossing.Answer {
		return h.sendTo(urls[at], http.MethodPost, "//10.96.3.7/scim/v2/oauth2/token", "grant_type=client_credentials&client_id=client&client_secret="+of.secret,
			"Content-Type", "application/x-www-form-urlencoded")
	}
	issued := tokenOf("acme", acme)
	h.Expect(issued.Status).To(Equal(200), issued.Body)
	token := regexp.MustCompile(`"access_token":"([^"]+)"`).FindStringSubmatch(issued.Body)[1]
	h.Expect(h.sendTo(urls["acme"], http.MethodGet, "//10.96.3.7/scim/v2/Users", "", bearer(token)...).Status).To(Equal(200))
	h.Expect(h.sendTo(urls["globex"], http.MethodGet, "//10.96.3.7/scim/v2/Users", "", bearer(token)...).Status).To(Equal(401))
	h.Expect(tokenOf("acme", globex).Status).To(Equal(401))
	document := h.sendTo(urls["acme"], http.MethodGet, "//10.96.3.7/.well-known/oauth-authorization-server/scim/v2", "")
	h.Expect(document.Body).To(ContainSubstring(`"http://10.96.3.7/scim/v2/oauth2/token"`))
}

// At the port of a tenant, one of another tenant is answered as anybody whose token is wrong.
func TestAnotherTenantIsForeignAtThePortOfATenant(t *testing.T) {
	h := newHouse(t, "")
	h.add("acme", "", nothing)
	globex := h.add("globex", "scim.globex.example.com", nothing)
	_, urls := withPorts(t, h, "acme")
	for _, host := range []string{"acme-scim", "globex-scim", "scim.globex.example.com", "10.96.3.7"} {
		for _, path := range []string{"/scim/v2/Users", "/globex/scim/v2/Users", "/acme/scim/v2/Users", "/", "/scim/v2/oauth2/token"} {
			for _, method := range crossing.Methods {
				answer := func(token string) string {
					return h.sendTo(urls["acme"], method, "//"+host+path, "", bearer(token)...).Without(crossing.Facts{})
				}
				h.Expect(answer(globex.token)).To(Equal(answer(strings.Repeat("x", len(globex.token)))), "%s //%s%s", method, host, path)
			}
		}
	}
}

// Who has kept a connection for longer than the tenant was served here is told to come again: the token
// may be good where the tenant is served now.
func TestAConnectionThatOutlastsItsTenant(t *testing.T) {
	h := newHouse(t, "")
	acme := h.add("acme", "", nothing)
	ports, urls := withPorts(t, h, "acme")
	h.Expect(h.sendTo(urls["acme"], http.MethodGet, "//10.96.3.7/scim/v2/Users", "", bearer(acme.token)...).Status).To(Equal(200))
	ports.Close("acme")
	h.Remove("acme")
	answer := h.sendTo(urls["acme"], http.MethodGet, "//10.96.3.7/scim/v2/Users", "", bearer(acme.token)...)
	h.Expect(answer.Status).To(Equal(503), answer.Body)
	h.Expect(answer.Header.Get("Retry-After")).NotTo(BeEmpty())
	h.Expect(h.Leaving("acme")).To(BeTrue())
	_, err := net.Dial("tcp", strings.TrimPrefix(urls["acme"], "http://"))
	h.Expect(err).To(MatchError(ContainSubstring("refused")), "the answer has closed the connection, and there is no other one")
}
