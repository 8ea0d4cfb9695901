package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// house is a process with several tenants.
type house struct {
	*WithT
	*server.Router
	process  *exchange.Process
	registry *schema.Registry
	signing  signingkey.Set
	url      string
}

// lodger is one of its tenants.
type lodger struct {
	*server.Tenant
	token, secret string
	keys          auth.Keys
}

func newHouse(t *testing.T, publicURL string) *house {
	t.Helper()
	h := &house{WithT: NewWithT(t), process: exchange.NewProcess(limit.Defaults())}
	h.process.Publish(publicURL)
	h.process.Unauthenticated = limit.NewUnauthenticated(limit.Rates{BySource: rate.Inf, InAll: rate.Inf})
	var err error
	h.registry, err = schema.NewRegistry()
	h.Expect(err).NotTo(HaveOccurred())
	now := time.Now()
	h.signing, err = signingkey.Decide(nil, now).Rotate(now)
	h.Expect(err).NotTo(HaveOccurred())
	nobody := server.NewNobody(h.process, "/scim/v2", h.registry, slog.New(slog.DiscardHandler), accesslog.NewMetrics(prometheus.NewRegistry(), ""))
	nobody.SignWith(h.signing)
	h.Router = server.NewRouter(nobody, func() bool { return true })
	unknown := httptest.NewRecorder()
	h.ServeHTTP(unknown, httptest.NewRequest(http.MethodGet, "/acme/scim/v2/Users", nil))
	h.Expect(unknown.Code).To(Equal(http.StatusServiceUnavailable), "it may be a tenant that is not known yet")
	h.Expect(unknown.Header().Get("Retry-After")).NotTo(BeEmpty())
	h.Begin()
	served := httptest.NewServer(h.Router)
	t.Cleanup(served.Close)
	h.url = served.URL
	return h
}

// add makes a tenant live in the house, with a host of its own or none.
func (h *house) add(name, host string, change func(*exchange.Settings)) *lodger {
	l := &lodger{keys: auth.Keys{}}
	l.Tenant = server.NewTenantIn(h.process, name, memory.New(), limit.Defaults(), ratelimit.New(),
		slog.New(slog.DiscardHandler), accesslog.NewMetrics(prometheus.NewRegistry(), name))
	profile, _ := idp.Lookup("Generic")
	settings := exchange.Settings{Path: "/scim/v2", Profile: profile, Registry: h.registry, Issuer: "https://scim.example.com/" + name + "/scim/v2"}
	if host != "" {
		settings.PublicURL = "https://" + host
	}
	change(&settings)
	if host != "" {
		settings.PublicURL += settings.Path
		settings.Issuer = settings.PublicURL
	}
	l.Configure(settings)
	var bearer, client apikey.Verifier
	var err error
	l.token, bearer, err = apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	l.secret, client, err = apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	l.keys = auth.Keys{bearer.KeyID: {Verifier: bearer}, client.KeyID: {Verifier: client, Client: "client"}}
	l.Accept(l.keys, func() {})
	l.SignWith(h.signing)
	h.Put(name, host, l.Tenant)
	return l
}

func nothing(*exchange.Settings) {}

// send sends a request to a URL of the house, by the host that is named in it.
func (h *house) send(method, url, body string, headers ...string) crossing.Answer {
	return h.sendTo(h.url, method, url, body, headers...)
}

// sendTo sends it to an address, whatever host is named.
func (h *house) sendTo(address, method, url, body string, headers ...string) crossing.Answer {
	at, path, _ := strings.Cut(strings.TrimPrefix(url, "//"), "/")
	request, err := http.NewRequest(method, address+"/"+path, strings.NewReader(body))
	h.Expect(err).NotTo(HaveOccurred())
	request.Host = at
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	h.Expect(err).NotTo(HaveOccurred())
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	h.Expect(err).NotTo(HaveOccurred())
	return crossing.Answer{Status: answer.StatusCode, Header: answer.Header, Body: string(text)}
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

func TestTenantsAreFoundByHostAndByPath(t *testing.T) {
	h := newHouse(t, "")
	acme := h.add("acme", "", nothing)
	globex := h.add("globex", "scim.globex.example.com", func(s *exchange.Settings) { s.Path = "/api/scim" })
	for _, c := range []struct {
		url    string
		of     *lodger
		status int
		base   string
	}{
		{"//server.example.com/acme/scim/v2/Users", acme, 201, "http://server.example.com/acme/scim/v2"},
		{"//server.example.com:8080//acme//scim/v2/Users/", acme, 201, "http://server.example.com:8080/acme/scim/v2"},
		{"//server.example.com/globex/scim/v2/Users", globex, 201, "http://server.example.com/globex/scim/v2"},
		{"//scim.globex.example.com/api/scim/Users", globex, 201, "https://scim.globex.example.com/api/scim"},
		{"//SCIM.Globex.example.com:443/api/scim/Users", globex, 201, "https://scim.globex.example.com/api/scim"},
		{"//scim.globex.example.com/acme/scim/v2/Users", acme, 401, ""},
		{"//scim.globex.example.com/globex/scim/v2/Users", globex, 404, ""},
		{"//server.example.com/ACME/scim/v2/Users", acme, 401, ""},
		{"//server.example.com/scim/v2/Users", acme, 401, ""},
		{"//server.example.com/acme/scim/v2/Users", globex, 401, ""},
		{"//acme/scim/v2/Users", acme, 401, ""},
		{"//server.example.com/acme/v2/Users", acme, 404, ""},
		{"//server.example.com/acme", acme, 404, ""},
	} {
		user := fmt.Sprintf(`{%s,"userName":"%s"}`, servertest.UserSchema, strings.Repeat("x", len(c.url))+c.url[2:3]+c.url[2:6])
		answer := h.send(http.MethodPost, c.url, user, bearer(c.of.token)...)
		h.Expect(answer.Status).To(Equal(c.status), "%s: %s", c.url, answer.Body)
		if c.status == 201 {
			h.Expect(answer.Header.Get("Location")).To(HavePrefix(c.base+"/Users/"), c.url)
			h.Expect(answer.Body).To(ContainSubstring(`"location":"` + c.base + "/Users/"))
		}
	}
}

func TestATenantHasItsURLInAllThatItSays(t *testing.T) {
	h := newHouse(t, "https://scim.example.com")
	acme := h.add("acme", "", nothing)
	base := "https://scim.example.com/acme/scim/v2"
	results := h.send(http.MethodPost, "//internal/acme/scim/v2/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
		{"method":"POST","path":"/Users","bulkId":"a","data":{`+servertest.UserSchema+`,"userName":"jim"}},
		{"method":"POST","path":"/Groups","bulkId":"b","data":`+crossing.Group("all", `{"value":"bulkId:a"}`)+`}]}`, bearer(acme.token)...)
	h.Expect(results.Status).To(Equal(200), results.Body)
	h.Expect(results.Body).To(ContainSubstring(`"location":"` + base + "/Users/"))
	groups := h.send(http.MethodGet, "//internal/acme/scim/v2/Groups", "", bearer(acme.token)...)
	h.Expect(groups.Body).To(ContainSubstring(`"$ref":"` + base + "/Users/"))
	for _, document := range []string{"oauth-authorization-server", "oauth-protected-resource"} {
		answer := h.send(http.MethodGet, "//internal/.well-known/"+document+"/acme/scim/v2", "")
		h.Expect(answer.Status).To(Equal(200), answer.Body)
		h.Expect(answer.Body).To(ContainSubstring(base))
	}
	h.Expect(h.send(http.MethodGet, "//internal/acme/scim/v2/Users", "").Header.Get("WWW-Authenticate")).To(
		ContainSubstring(`resource_metadata="https://scim.example.com/.well-known/oauth-protected-resource/acme/scim/v2"`))
	issued := h.send(http.MethodPost, "//internal/acme/scim/v2/oauth2/token", "grant_type=client_credentials&client_id=client&client_secret="+acme.secret,
		"Content-Type", "application/x-www-form-urlencoded")
	h.Expect(issued.Status).To(Equal(200), issued.Body)
	token := regexp.MustCompile(`"access_token":"([^"]+)"`).FindStringSubmatch(issued.Body)[1]
	h.Expect(h.send(http.MethodGet, "//internal/acme/scim/v2/Users", "", bearer(token)...).Status).To(Equal(200))
	h.add("globex", "", nothing)
	h.Expect(h.send(http.MethodGet, "//internal/globex/scim/v2/Users", "", bearer(token)...).Status).To(Equal(401), "another tenant is another audience")
}

// Whoever has no good token cannot find out which tenants there are.
func TestATenantThatThereIsNotIsLikeOneThatThereIs(t *testing.T) {
	for _, public := range []string{"", "https://scim.example.com"} {
		h := newHouse(t, public)
		acme := h.add("acme", "", nothing)
		hosted := h.add("hosted", "scim.hosted.example.com", func(s *exchange.Settings) { s.Path = "/api/scim" })
		for _, known := range []string{"acme", "hosted"} {
			for _, c := range []struct {
				method, path, body string
				headers            []string
			}{
				{"GET", "/NAME/scim/v2/Users", "", nil},
				{"GET", "/NAME/scim/v2/Users", "", bearer("nonsense")},
				{"GET", "/NAME/scim/v2/Users", "", bearer(strings.ToUpper(acme.token))},
				{"GET", "/NAME/scim/v2/Users", "", bearer(hosted.secret)},
				{"POST", "/NAME/scim/v2/Bulk", "{}", bearer("nonsense")},
				{"GET", "/NAME", "", nil}, {"GET", "/NAME/", "", nil}, {"DELETE", "/NAME/other", "", nil},
				{"GET", "/.well-known/oauth-authorization-server/NAME/scim/v2", "", nil},
				{"GET", "/.well-known/oauth-protected-resource/NAME/scim/v2", "", nil},
				{"GET", "/.well-known/oauth-protected-resource/NAME", "", nil},
				{"POST", "/NAME/scim/v2/oauth2/token", "grant_type=client_credentials&client_id=client&client_secret=secret", []string{"Content-Type", "application/x-www-form-urlencoded"}},
				{"GET", "/NAME/scim/v2/oauth2/token", "", nil},
			} {
				answer := func(name string) string {
					sent := h.send(c.method, "//server.example.com"+strings.ReplaceAll(c.path, "NAME", name), c.body, c.headers...)
					h.Expect(sent.Status).To(BeElementOf(200, 400, 401, 405), "%s %s: %s", c.method, c.path, sent.Body)
					return strings.ReplaceAll(sent.Without(crossing.Facts{}), name, "NAME")
				}
				h.Expect(answer("nobody")).To(Equal(answer(known)), "%s %s for %s", c.method, c.path, known)
			}
		}
		h.Expect(h.send("GET", "//server.example.com/", "").Header.Get("WWW-Authenticate")).To(HaveSuffix(`/oauth-protected-resource/scim/v2"`))
		h.Remove("acme")
		h.Expect(h.send("GET", "//server.example.com/acme/scim/v2/Users", "", bearer(acme.token)...).Status).To(Equal(401))
	}
}

func TestAHostStaysWithItsTenantUntilItIsGivenUp(t *testing.T) {
	h := newHouse(t, "")
	host := "scim.acme.example.com"
	acme := h.add("acme", host, nothing)
	thief := h.add("thief", host, nothing)
	status := func(of *lodger) int { return h.send("GET", "//"+host+"/scim/v2/Users", "", bearer(of.token)...).Status }
	h.Expect([]int{status(acme), status(thief)}).To(Equal([]int{200, 401}))
	h.Put("acme", host, acme.Tenant)
	h.Expect([]int{status(acme), status(thief)}).To(Equal([]int{200, 401}))
	h.Put("acme", "", acme.Tenant)
	h.Expect([]int{status(acme), status(thief)}).To(Equal([]int{401, 200}))
	h.Remove("thief")
	h.Expect([]int{status(acme), status(thief)}).To(Equal([]int{401, 401}))
}

func TestATenantThatCannotBeServedSaysSoToItsOwnClients(t *testing.T) {
	h := newHouse(t, "")
	broken := h.add("broken", "", func(s *exchange.Settings) { s.Fault = "the schemas of this tenant are wrong" })
	answer := h.send("GET", "//server.example.com/broken/scim/v2/Users", "", bearer(broken.token)...)
	h.Expect(answer.Status).To(Equal(503))
	h.Expect(answer.Body).To(ContainSubstring("the schemas of this tenant are wrong"))
	h.Expect(h.send("GET", "//server.example.com/broken/scim/v2/Users", "", bearer("nonsense")...).Status).To(Equal(401))
}

func TestARouterDrains(t *testing.T) {
	h := newHouse(t, "")
	acme := h.add("acme", "", nothing)
	h.Expect(h.Ready()).To(BeTrue())
	h.Drain()
	h.Expect(h.Ready()).To(BeFalse())
	answer := h.send("GET", "//server.example.com/acme/scim/v2/Users", "", bearer(acme.token)...)
	h.Expect(answer.Status).To(Equal(200))
}
