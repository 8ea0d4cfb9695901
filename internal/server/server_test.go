package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

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
	h.tenant.Accept(Keys{h.verifier.KeyID: h.verifier}, func() {})
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
