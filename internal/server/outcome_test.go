package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kubescim/kubescim/internal/store/memory"
)

// lastLine is the log line of the last request.
func (h *harness) lastLine() (line map[string]any) {
	lines := bytes.Split(bytes.TrimSpace(h.log.Bytes()), []byte("\n"))
	h.Expect(json.Unmarshal(lines[len(lines)-1], &line)).To(Succeed())
	return line
}

func TestLogLines(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	for _, test := range []struct {
		method, path, level, resource, logged string
		status                                int
		also                                  []string
	}{
		{http.MethodGet, "/Users/" + id, "INFO", "Users", "GET", http.StatusOK, []string{"id", "keyID"}},
		{http.MethodGet, "/Users/x", "INFO", "Users", "GET", http.StatusNotFound, []string{"keyID", "detail"}},
		{http.MethodGet, "/nothing", "INFO", "unknown", "GET", http.StatusNotFound, []string{"keyID", "detail"}},
		{"BREW", "/Users", "INFO", "Users", "other", http.StatusMethodNotAllowed, []string{"keyID", "detail"}},
		{http.MethodGet, "/Me", "INFO", "Me", "GET", http.StatusNotImplemented, []string{"keyID", "detail"}},
	} {
		// Twice, since what a line has in common with others is kept.
		for range 2 {
			began := time.Now()
			r := h.do(test.method, test.path, "")
			line := h.lastLine()
			h.Expect(line).To(And(
				HaveKeyWithValue("msg", "request"), HaveKeyWithValue("level", test.level),
				HaveKeyWithValue("method", test.logged), HaveKeyWithValue("resource", test.resource),
				HaveKeyWithValue("status", BeEquivalentTo(test.status)),
				HaveKeyWithValue("requestID", r.Header.Get("X-Request-Id")),
				HaveKeyWithValue("duration", BeNumerically(">", 0))))
			h.Expect(line).To(HaveLen(8 + len(test.also)))
			for _, field := range test.also {
				h.Expect(line).To(HaveKey(field))
			}
			at, err := time.Parse(time.RFC3339Nano, line["time"].(string))
			h.Expect(err).NotTo(HaveOccurred())
			h.Expect(at).To(BeTemporally("~", began, 10*time.Second))
		}
	}
	h.Expect(h.do(http.MethodGet, "/Users/"+id, "").StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.lastLine()).To(And(HaveKeyWithValue("id", id), HaveKeyWithValue("keyID", h.verifier.KeyID)))
}

// Methods that somebody makes up cost no memory and no series.
func TestMadeUpMethods(t *testing.T) {
	h := newHarness(t, memory.New())
	registry := prometheus.NewRegistry()
	tenant := NewTenant(h.tenant.store, h.tenant.limits, h.tenant.log, NewMetrics(registry, "acme"))
	tenant.Accept(h.tenant.keyring.accepted(), func() {})
	tenant.Configure(*h.tenant.settings.Load())
	h.serve(t, tenant)
	for i := range 5 {
		h.expectError(h.do(fmt.Sprintf("BREW%d", i), "/Users", ""), http.StatusMethodNotAllowed, "")
	}
	h.Expect(testutil.GatherAndCount(registry, "scim_request_duration_seconds")).To(Equal(1))
	h.Expect(tenant.outcomes.known).To(HaveLen(1))
}
