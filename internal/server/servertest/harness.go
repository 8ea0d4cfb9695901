// Package servertest serves a tenant over a store to the tests of package server and of
// those below it, and sends it requests. Only tests use it.
package servertest

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
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store"
)

// Harness is a tenant behind a real HTTP server.
type Harness struct {
	*WithT
	Tenant   *server.Tenant
	Shared   *exchange.Shared // of the tenant
	Registry *schema.Registry
	URL      string // of the server, without the base path
	Token    string
	Verifier apikey.Verifier // of the token
	Log      *bytes.Buffer
	Metrics  *prometheus.Registry
}

// Response is an answer with its body read.
type Response struct {
	*http.Response
	Text string
	Doc  map[string]any // nil when the body is no JSON object
}

// New serves a tenant over the store.
func New(t *testing.T, backend store.Store) *Harness {
	t.Helper()
	h := &Harness{WithT: NewWithT(t), Log: &bytes.Buffer{}}
	var err error
	h.Registry, err = schema.NewRegistry()
	h.Expect(err).NotTo(HaveOccurred())
	h.Token, h.Verifier, err = apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	limits := limit.Defaults()
	limits.BodyBytes = 64 << 10
	h.share(backend, limits)
	h.Grant(apikey.Grant{})
	h.Configure("Generic", func(*exchange.Settings) {})
	h.Serve(t)
	return h
}

func (h *Harness) share(backend store.Store, limits limit.Limits) {
	h.Metrics = prometheus.NewRegistry()
	log := slog.New(slog.NewJSONHandler(h.Log, nil))
	requests := accesslog.New(log, accesslog.NewMetrics(h.Metrics, "acme"))
	requests.AuditTo(auditlog.New(log, "acme", "acme"))
	h.Shared = exchange.NewShared(backend, limits, ratelimit.New(), requests)
}

// Grant makes the token be for what the grant says, and no more, from now on.
func (h *Harness) Grant(grant apikey.Grant) {
	keys := auth.Keys{h.Verifier.KeyID: {Name: "entra", Verifier: h.Verifier, Grant: grant}}
	h.Shared.Rates.Keep(keys.Rates(), time.Now())
	h.Shared.Keyring.Accept(keys, func() {})
}

// In is the harness in a part of the test.
func (h *Harness) In(t *testing.T) *Harness {
	part := *h
	part.WithT = NewWithT(t)
	return &part
}

// Limit serves another tenant over the same store, with the same settings and keys, and
// with other limits.
func (h *Harness) Limit(t *testing.T, change func(*limit.Limits)) {
	t.Helper()
	former, limits := h.Shared, h.Shared.Limits
	change(&limits)
	h.share(former.Store, limits)
	h.Shared.Keyring.Accept(former.Keyring.Accepted(), func() {})
	h.Shared.Configure(*former.Settings())
	h.Serve(t)
}

// Serve serves a new tenant that has all of the former one, but has seen no requests.
func (h *Harness) Serve(t *testing.T) {
	t.Helper()
	h.Tenant = server.Over(h.Shared)
	httpServer := httptest.NewServer(h.Tenant)
	t.Cleanup(httpServer.Close)
	h.URL = httpServer.URL
}

// Configure gives the tenant the settings for an identity provider, with a change.
func (h *Harness) Configure(provider string, change func(*exchange.Settings)) {
	profile, known := idp.Lookup(provider)
	h.Expect(known).To(BeTrue())
	settings := exchange.Settings{Path: "/scim/v2", Profile: profile, Registry: h.Registry}
	change(&settings)
	h.Shared.Configure(settings)
}

// Do sends a request with a good token, to a path below the base path or to
// one that starts with the base path itself.
func (h *Harness) Do(method, path, body string, headers ...string) Response {
	if !strings.HasPrefix(path, "//") {
		path = "/scim/v2" + path
	}
	return h.Send(method, strings.TrimPrefix(path, "//outside"), body, append([]string{"Authorization", "Bearer " + h.Token}, headers...)...)
}

// Send sends a request to a path of the server.
func (h *Harness) Send(method, path, body string, headers ...string) Response {
	return h.SendBody(method, path, strings.NewReader(body), headers...)
}

// SendBody sends a body, in chunks if its size is not known.
func (h *Harness) SendBody(method, path string, body io.Reader, headers ...string) Response {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, h.URL+path, body)
	h.Expect(err).NotTo(HaveOccurred())
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	h.Expect(err).NotTo(HaveOccurred())
	read, err := io.ReadAll(answer.Body)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(answer.Body.Close()).To(Succeed())
	r := Response{Response: answer, Text: string(read)}
	if len(read) > 0 {
		h.Expect(answer.Header.Get("Content-Type")).To(Equal("application/scim+json"))
		h.Expect(json.Unmarshal(read, &r.Doc)).To(Succeed(), r.Text)
	}
	h.Expect(answer.Header.Get("X-Request-Id")).NotTo(BeEmpty())
	return r
}

// ExpectError checks that the answer is a SCIM Error (RFC 7644 section 3.12).
func (h *Harness) ExpectError(r Response, status int, scimType string) {
	h.Expect(r.StatusCode).To(Equal(status), r.Text)
	h.Expect(r.Doc["schemas"]).To(Equal([]any{scim.URNError}))
	h.Expect(r.Doc["status"]).To(Equal(strconv.Itoa(status)))
	h.Expect(r.Doc["detail"]).NotTo(BeEmpty())
	if scimType == "" {
		h.Expect(r.Doc).NotTo(HaveKey("scimType"))
	} else {
		h.Expect(r.Doc["scimType"]).To(Equal(scimType))
	}
	if status == http.StatusTooManyRequests || (status >= 500 && status != http.StatusNotImplemented) {
		h.Expect(r.Header.Get("Retry-After")).To(MatchRegexp(`^[1-9][0-9]*$`))
	}
}

// LastLine is the log line of the last request.
func (h *Harness) LastLine() (line map[string]any) {
	lines := h.lines()
	return lines[len(lines)-1]
}

// Requests are the log lines of requests.
func (h *Harness) Requests() []map[string]any { return h.linesOf("request") }

// Audited are the lines of the audit log.
func (h *Harness) Audited() []map[string]any { return h.linesOf("change") }

func (h *Harness) linesOf(message string) (lines []map[string]any) {
	for _, line := range h.lines() {
		if line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

// lines are those of the log, one for each that was written.
func (h *Harness) lines() (all []map[string]any) {
	for text := range bytes.Lines(h.Log.Bytes()) {
		var line map[string]any
		h.Expect(json.Unmarshal(text, &line)).To(Succeed())
		all = append(all, line)
	}
	return all
}

// Counter is the sum of a counter or a gauge over all of its labels but these, given as names
// and values.
func (h *Harness) Counter(name string, labels ...string) (sum float64) {
	families, err := h.Metrics.Gather()
	h.Expect(err).NotTo(HaveOccurred())
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			has := map[string]string{}
			for _, label := range metric.GetLabel() {
				has[label.GetName()] = label.GetValue()
			}
			matches := true
			for i := 0; i < len(labels); i += 2 {
				matches = matches && has[labels[i]] == labels[i+1]
			}
			if matches {
				sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// NothingAcquired waits until all memory is released: an answer may arrive before.
func (h *Harness) NothingAcquired() {
	h.Eventually(h.Shared.Memory.Acquired, 5*time.Second).Should(BeZero())
}
