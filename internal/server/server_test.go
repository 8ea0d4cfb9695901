package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// harness is a tenant over a memory store behind a real HTTP server.
type harness struct {
	*WithT
	tenant   *Tenant
	registry *scim.Registry
	url      string // of the server, without the base path
	token    string
	verifier apikey.Verifier
	log      *bytes.Buffer
}

// response is an answer with its body read.
type response struct {
	*http.Response
	body string
	doc  map[string]any // nil when the body is no JSON object
}

func newHarness(t *testing.T, backend store.Store) *harness {
	t.Helper()
	h := &harness{WithT: NewWithT(t), log: &bytes.Buffer{}}
	var err error
	h.registry, err = scim.NewRegistry()
	h.Expect(err).NotTo(HaveOccurred())
	limits := DefaultLimits()
	limits.BodyBytes = 64 << 10
	h.tenant = NewTenant(backend, limits, slog.New(slog.NewJSONHandler(h.log, nil)),
		NewMetrics(prometheus.NewRegistry(), "acme"))
	h.token, h.verifier, err = apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	h.tenant.Accept(Keys{h.verifier.KeyID: h.verifier})
	h.configure("Generic", func(*Settings) {})
	h.serve(t, h.tenant)
	return h
}

// serve makes the tenant the one that requests go to.
func (h *harness) serve(t *testing.T, tenant *Tenant) {
	t.Helper()
	httpServer := httptest.NewServer(tenant)
	t.Cleanup(httpServer.Close)
	h.tenant, h.url = tenant, httpServer.URL
}

func (h *harness) configure(provider string, change func(*Settings)) {
	profile, known := idp.Lookup(provider)
	h.Expect(known).To(BeTrue())
	settings := Settings{Path: "/scim/v2", Profile: profile, Registry: h.registry}
	change(&settings)
	h.tenant.Configure(settings)
}

// do sends a request with a good token, to a path below the base path or to
// one that starts with the base path itself.
func (h *harness) do(method, path, body string, headers ...string) response {
	if !strings.HasPrefix(path, "//") {
		path = "/scim/v2" + path
	}
	return h.send(method, strings.TrimPrefix(path, "//outside"), body, append([]string{"Authorization", "Bearer " + h.token}, headers...)...)
}

func (h *harness) send(method, path, body string, headers ...string) response {
	return h.sendBody(method, path, strings.NewReader(body), headers...)
}

// sendBody sends a body, in chunks if its size is not known.
func (h *harness) sendBody(method, path string, body io.Reader, headers ...string) response {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, h.url+path, body)
	h.Expect(err).NotTo(HaveOccurred())
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	h.Expect(err).NotTo(HaveOccurred())
	read, err := io.ReadAll(answer.Body)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(answer.Body.Close()).To(Succeed())
	r := response{Response: answer, body: string(read)}
	if len(read) > 0 {
		h.Expect(answer.Header.Get("Content-Type")).To(Equal("application/scim+json"))
		h.Expect(json.Unmarshal(read, &r.doc)).To(Succeed(), r.body)
	}
	h.Expect(answer.Header.Get("X-Request-Id")).NotTo(BeEmpty())
	return r
}

// expectError checks that the answer is a SCIM Error (RFC 7644 section 3.12).
func (h *harness) expectError(r response, status int, scimType string) {
	h.Expect(r.StatusCode).To(Equal(status), r.body)
	h.Expect(r.doc["schemas"]).To(Equal([]any{scim.URNError}))
	h.Expect(r.doc["status"]).To(Equal(strconv.Itoa(status)))
	h.Expect(r.doc["detail"]).NotTo(BeEmpty())
	if scimType == "" {
		h.Expect(r.doc).NotTo(HaveKey("scimType"))
	} else {
		h.Expect(r.doc["scimType"]).To(Equal(scimType))
	}
	if status == http.StatusTooManyRequests || (status >= 500 && status != http.StatusNotImplemented) {
		h.Expect(r.Header.Get("Retry-After")).To(MatchRegexp(`^[1-9][0-9]*$`))
	}
}

const babs = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen@example.com","name":{"givenName":"Barbara"}}`

func (h *harness) createBabs() (id string) {
	r := h.do(http.MethodPost, "/Users", babs)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.body)
	return r.doc["id"].(string)
}

func TestAuthentication(t *testing.T) {
	h := newHarness(t, memory.New())
	expired, expiredVerifier, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	expiredVerifier.ExpirationTime = time.Now().Add(-time.Minute)
	stranger, _, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forgedKey, _, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	forged := withKeyID(forgedKey, h.verifier.KeyID)
	h.tenant.Accept(Keys{h.verifier.KeyID: h.verifier, expiredVerifier.KeyID: expiredVerifier})

	var answers []string
	for _, test := range []struct{ name, header, reason, keyID string }{
		{"no header", "", "Missing", ""},
		{"another scheme", "Basic " + h.token, "Missing", ""},
		{"no token", "Bearer ", "Missing", ""},
		{"no such form", "Bearer secret", "Malformed", ""},
		{"unknown token", "Bearer " + stranger, "Unknown", ""},
		{"token of a known key id", "Bearer " + forged, "Mismatch", h.verifier.KeyID},
		{"expired token", "Bearer " + expired, "Expired", expiredVerifier.KeyID},
		{"token cut short", "Bearer " + h.token[:len(h.token)-1], "Malformed", ""},
		{"token and a half", "Bearer " + h.token + "a", "Malformed", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &harness{WithT: NewWithT(t), tenant: h.tenant, url: h.url, log: h.log}
			for _, path := range []string{"/scim/v2/Users", "/scim/v2/Nothing", "/elsewhere"} {
				r := h.send(http.MethodGet, path, "", "Authorization", test.header)
				h.expectError(r, http.StatusUnauthorized, "")
				h.Expect(r.Header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"))
				id := r.Header.Get("X-Request-Id")
				h.Expect(r.doc["detail"]).To(ContainSubstring(id))
				r.Header.Del("Date")
				answers = append(answers, strings.ReplaceAll(fmt.Sprint(r.Header, r.body), id, "the id"))
				line := h.lastLine()
				h.Expect(line).To(And(HaveKeyWithValue("reason", test.reason), HaveKeyWithValue("source", "127.0.0.1")))
				if test.keyID == "" {
					h.Expect(line).NotTo(HaveKey("keyID"))
				} else {
					h.Expect(line).To(HaveKeyWithValue("keyID", test.keyID))
				}
			}
		})
	}
	for _, answer := range answers {
		h.Expect(answer).To(Equal(answers[0]), "nothing tells why a token is refused")
	}
	h.Expect(h.log.String()).NotTo(Or(ContainSubstring(stranger), ContainSubstring(expired), ContainSubstring(h.token), ContainSubstring(forged)))

	h.Expect(h.do(http.MethodGet, "/Users", "").StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "bearer "+h.token).StatusCode).To(Equal(http.StatusOK))
	h.tenant.Accept(Keys{})
	h.expectError(h.do(http.MethodGet, "/Users", ""), http.StatusUnauthorized, "")
}

// withKeyID is a token with another key id and a checksum that fits.
func withKeyID(token, id string) string {
	parts := strings.Split(token, "_")
	body := parts[0] + "_" + id + "_" + parts[2]
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE([]byte(body)))
	lower := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	return body + "_" + lower.EncodeToString(sum[:])
}

// Requests without a good token are bounded, and those with one from the same address
// are not.
func TestFailedLoginsAreBounded(t *testing.T) {
	h := newHarness(t, memory.New())
	const allowed, attempts = 3, 10
	h.tenant.failures.sources.Add("127.0.0.1", rate.NewLimiter(0, allowed)) // It fills too slowly for a test.
	for attempt := range attempts {
		r := h.send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "Bearer secret")
		want := http.StatusUnauthorized
		if attempt >= allowed {
			want = http.StatusTooManyRequests
		}
		h.expectError(r, want, "")
		h.Expect(h.do(http.MethodGet, "/Users?count=0", "").StatusCode).To(Equal(http.StatusOK))
	}
	h.Expect(strings.Count(h.log.String(), `"reason":"Malformed"`)).To(Equal(allowed), "others have no line")
	h.Expect(h.log.String()).To(ContainSubstring(`"leftOut":`))
	h.Expect(testutil.ToFloat64(h.tenant.outcomes.metrics.refused.WithLabelValues("Malformed"))).To(BeEquivalentTo(attempts))
}

// However many addresses fail to log in, what is remembered of them is bounded.
func TestFailuresOfManySources(t *testing.T) {
	g := NewWithT(t)
	f, now := newFailures(), time.Now()
	allowed := 0
	for i := range 100_000 {
		if f.allow(fmt.Sprint(i), now) {
			allowed++
		}
	}
	g.Expect(allowed).To(Equal(failuresInAllAtOnce))
	g.Expect(f.sources.Len()).To(Equal(rememberedSources))
	g.Expect(f.allow("192.0.2.1", now.Add(time.Second))).To(BeTrue())
}

func TestReadiness(t *testing.T) {
	h := newHarness(t, memory.New())
	h.Expect(h.tenant.Ready()).To(BeTrue())
	starting := NewTenant(h.tenant.store, h.tenant.limits, h.tenant.log, h.tenant.outcomes.metrics)
	h.Expect(starting.Ready()).To(BeFalse())
	starting.Configure(*h.tenant.settings.Load())
	h.Expect(starting.Ready()).To(BeFalse(), "no keys yet")

	h.configure("Generic", func(s *Settings) { s.Paused = true })
	paused := h.do(http.MethodGet, "/Users", "")
	h.expectError(paused, http.StatusServiceUnavailable, "")
	h.Expect(strconv.Atoi(paused.Header.Get("Retry-After"))).To(BeNumerically(">=", 60), "somebody has to end the pause")
	h.expectError(h.send(http.MethodGet, "/scim/v2/Users", ""), http.StatusUnauthorized, "")
	h.configure("Generic", func(*Settings) {})

	h.tenant.Drain()
	h.Expect(h.tenant.Ready()).To(BeFalse())
	r := h.do(http.MethodGet, "/Users", "")
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), "requests are served while draining")
	h.Expect(r.Close).To(BeTrue(), "and the client is asked to close")
}

func TestRouting(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/Users", http.StatusOK},
		{http.MethodGet, "/Users/", http.StatusOK},
		{http.MethodGet, "/Users/" + id, http.StatusOK},
		{http.MethodGet, "/Users/" + id + "/", http.StatusOK},
		{http.MethodGet, "//outside//scim//v2//Users", http.StatusOK},
		{http.MethodHead, "/Users/" + id, http.StatusOK},
		{http.MethodGet, "/Groups?unknown=parameter&aadOptscim062020", http.StatusOK},
		{http.MethodGet, "/ServiceProviderConfig", http.StatusOK},
		{http.MethodGet, "/ResourceTypes/User", http.StatusOK},
		{http.MethodGet, "/Schemas/" + scim.URNUser, http.StatusOK},
		{http.MethodGet, "/Schemas/urn:none", http.StatusNotFound},
		{http.MethodGet, "", http.StatusOK},
		{http.MethodGet, "/Me", http.StatusNotImplemented},
		{http.MethodPatch, "/Me", http.StatusNotImplemented},
		{http.MethodGet, "/.search", http.StatusMethodNotAllowed},
		{http.MethodGet, "/Users/.search", http.StatusMethodNotAllowed},
		{http.MethodGet, "/Bulk", http.StatusMethodNotAllowed},
		{http.MethodGet, "/users", http.StatusNotFound},
		{http.MethodGet, "/Users/" + id + "/name", http.StatusNotFound},
		{http.MethodGet, "/Users/..%2fGroups", http.StatusNotFound},
		{http.MethodGet, "//outside/Users", http.StatusNotFound},
		{http.MethodGet, "//outside/scim/v2Users", http.StatusNotFound},
		{http.MethodGet, "//outside/scim/v20/Users", http.StatusNotFound},
		{http.MethodPut, "/Users", http.StatusMethodNotAllowed},
		{http.MethodPost, "/Users/" + id, http.StatusMethodNotAllowed},
		{http.MethodPost, "/Schemas", http.StatusMethodNotAllowed},
		{"BREW", "/Users", http.StatusMethodNotAllowed},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			h := &harness{WithT: NewWithT(t), tenant: h.tenant, url: h.url, token: h.token}
			r := h.do(test.method, test.path, "")
			if test.status < 400 {
				h.Expect(r.StatusCode).To(Equal(test.status), r.body)
				return
			}
			h.expectError(r, test.status, "")
			if test.status == http.StatusMethodNotAllowed {
				h.Expect(r.Header.Get("Allow")).To(MatchRegexp("GET|POST"))
			}
		})
	}
	h.configure("Generic", func(s *Settings) { s.Path = "/api/scim/v2" })
	h.Expect(h.do(http.MethodGet, "//outside/api/scim/v2/Users", "").StatusCode).To(Equal(http.StatusOK))
	h.expectError(h.do(http.MethodGet, "/Users", ""), http.StatusNotFound, "")
}

func TestAllow(t *testing.T) {
	h := newHarness(t, memory.New())
	for _, test := range []struct{ method, path, allow string }{
		{http.MethodPost, "", "GET, HEAD"},
		{http.MethodPut, "/Users", "GET, HEAD, POST"},
		{http.MethodPost, "/Groups/x", "DELETE, GET, HEAD, PATCH, PUT"},
		{http.MethodGet, "/Users/.search", "POST"},
		{http.MethodGet, "/Bulk", "POST"},
		{"BREW", "/Me", "DELETE, GET, HEAD, PATCH, POST, PUT"},
		{http.MethodPatch, "/Schemas/" + scim.URNUser, "GET, HEAD"},
	} {
		r := h.do(test.method, test.path, "")
		h.expectError(r, http.StatusMethodNotAllowed, "")
		h.Expect(r.Header.Get("Allow")).To(Equal(test.allow), test.path)
		h.Expect(r.doc["detail"]).To(ContainSubstring(test.allow))
	}
}

func TestBodies(t *testing.T) {
	h := newHarness(t, memory.New())
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		scimType                string
	}{
		{"SCIM", "application/scim+json", babs, http.StatusCreated, ""},
		{"JSON with a charset", "application/json; charset=utf-8", strings.ReplaceAll(babs, "bjensen", "b2"), http.StatusCreated, ""},
		{"another type", "text/xml", babs, http.StatusUnsupportedMediaType, ""},
		{"a type that is none", "///", babs, http.StatusUnsupportedMediaType, ""},
		{"no JSON", "application/scim+json", `{"userName":`, http.StatusBadRequest, "invalidSyntax"},
		{"nothing", "application/scim+json", ``, http.StatusBadRequest, "invalidSyntax"},
		{"a wrong type", "application/scim+json", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":1}`, http.StatusBadRequest, "invalidValue"},
		{"no userName", "application/scim+json", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}`, http.StatusBadRequest, "invalidValue"},
		{"too much", "application/scim+json", `{"a":"` + strings.Repeat("a", 70<<10) + `"}`, http.StatusRequestEntityTooLarge, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &harness{WithT: NewWithT(t), tenant: h.tenant, url: h.url, token: h.token}
			r := h.do(http.MethodPost, "/Users", test.body, "Content-Type", test.contentType)
			if test.status < 400 {
				h.Expect(r.StatusCode).To(Equal(test.status), r.body)
				return
			}
			h.expectError(r, test.status, test.scimType)
		})
	}
}

// Most clients read the answer only after they have sent everything.
func TestRefusedBodiesAreRead(t *testing.T) {
	h := newHarness(t, memory.New())
	for _, test := range []struct {
		name, headers string
		length        int
		chunked       bool
		status        int
	}{
		{"too large", "Authorization: Bearer " + h.token, 24 << 20, false, http.StatusRequestEntityTooLarge},
		{"too large, in chunks", "Authorization: Bearer " + h.token, 24 << 20, true, http.StatusRequestEntityTooLarge},
		{"another type", "Authorization: Bearer " + h.token + "\r\nContent-Type: text/xml", 24 << 20, false, http.StatusUnsupportedMediaType},
		{"no token", "Accept: application/scim+json", 256 << 10, false, http.StatusUnauthorized},
		{"no token, in chunks", "Accept: application/scim+json", 200 << 10, true, http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			connection, err := net.DialTimeout("tcp", strings.TrimPrefix(h.url, "http://"), time.Second)
			g.Expect(err).NotTo(HaveOccurred())
			defer func() { g.Expect(connection.Close()).To(Succeed()) }()
			g.Expect(connection.SetDeadline(time.Now().Add(20 * time.Second))).To(Succeed())
			size, before, after := fmt.Sprintf("Content-Length: %d", test.length), "", ""
			if test.chunked {
				size, before, after = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n", test.length), "\r\n0\r\n\r\n"
			}
			for _, part := range []string{
				"POST /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\n" + test.headers + "\r\n" + size + "\r\n\r\n",
				before, strings.Repeat(" ", test.length), after,
			} {
				_, err = connection.Write([]byte(part))
				g.Expect(err).NotTo(HaveOccurred(), "the connection is open until everything is sent")
			}
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.StatusCode).To(Equal(test.status))
			g.Expect(answer.Body.Close()).To(Succeed())
		})
	}
}
