package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/time/rate"

	"github.com/kubescim/kubescim/internal/store/memory"
)

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
