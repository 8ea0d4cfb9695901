package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// gate is a store whose creates wait until it is opened or their request ends.
type gate struct {
	store.Store
	opened chan struct{}
}

func (g gate) Create(ctx context.Context, r *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	select {
	case <-g.opened:
		return g.Store.Create(ctx, r, policy)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// behindGate is a tenant whose creates wait.
func behindGate(t *testing.T, change func(*Limits)) (h *harness, open func()) {
	t.Helper()
	backend := gate{Store: memory.New(), opened: make(chan struct{})}
	h = newHarness(t, backend)
	limits := DefaultLimits()
	change(&limits)
	tenant := NewTenant(backend, limits, slog.New(slog.DiscardHandler), NewMetrics(prometheus.NewRegistry(), "acme"))
	tenant.Accept(*h.tenant.keys.Load())
	tenant.Configure(*h.tenant.settings.Load())
	h.serve(t, tenant)
	return h, sync.OnceFunc(func() { close(backend.opened) })
}

func userNamed(number int) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com"}`, number)
}

// More requests than may be under way are told at once when to come again, and the
// others lose nothing.
func TestTooManyRequests(t *testing.T) {
	h, open := behindGate(t, func(l *Limits) { l.Requests = 3 })
	defer open()
	var (
		waiting  sync.WaitGroup
		statuses = make(chan int, 3)
	)
	for number := range 3 {
		waiting.Go(func() { statuses <- h.do(http.MethodPost, "/Users", userNamed(number)).StatusCode })
	}
	refused := func() response { return h.do(http.MethodGet, "/Users", "") }
	h.Eventually(func() int { return refused().StatusCode }, 5*time.Second).Should(Equal(http.StatusTooManyRequests))
	answer := refused()
	h.expectError(answer, http.StatusTooManyRequests, "")
	h.Expect(answer.Header.Get("Retry-After")).NotTo(BeEmpty())
	h.Expect(h.send(http.MethodGet, "/scim/v2/Users", "").StatusCode).To(Equal(http.StatusUnauthorized), "who has no token takes no place")
	open()
	waiting.Wait()
	for range 3 {
		h.Expect(<-statuses).To(Equal(http.StatusCreated))
	}
	h.Expect(refused().doc).To(HaveKeyWithValue("totalResults", BeEquivalentTo(3)))
}

// Bodies that are too large together wait for each other, and for no longer than a
// request may take.
func TestBodiesAreBoundedTogether(t *testing.T) {
	h, open := behindGate(t, func(l *Limits) { l.BodiesBytes, l.Deadline = 4096, 300*time.Millisecond })
	defer open()
	large := strings.Replace(userNamed(1), `"userName"`, `"displayName":"`+strings.Repeat("x", 3000)+`","userName"`, 1)
	var waiting sync.WaitGroup
	waiting.Go(func() { h.do(http.MethodPost, "/Users", large) })
	free := func() bool {
		if !h.tenant.bodies.TryAcquire(4096) {
			return false
		}
		h.tenant.bodies.Release(4096)
		return true
	}
	h.Eventually(free, 5*time.Second).Should(BeFalse())
	answer := h.do(http.MethodPost, "/Users", large)
	h.expectError(answer, http.StatusServiceUnavailable, "")
	h.Expect(answer.Header.Get("Retry-After")).NotTo(BeEmpty())
	waiting.Wait()
	open()
	h.Expect(h.do(http.MethodPost, "/Users", large).StatusCode).To(Equal(http.StatusCreated), "the room is given back")
}
