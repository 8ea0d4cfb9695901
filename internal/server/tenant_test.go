package server_test

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestReadiness(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Expect(h.Tenant.Ready()).To(BeTrue())
	starting := server.NewTenant(h.Shared.Store, h.Shared.Limits, slog.New(slog.DiscardHandler),
		accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
	h.Expect(starting.Ready()).To(BeFalse())
	starting.Configure(*h.Shared.Settings())
	h.Expect(starting.Ready()).To(BeFalse(), "no keys yet")

	h.Configure("Generic", func(s *exchange.Settings) { s.Paused = true })
	paused := h.Do(http.MethodGet, "/Users", "")
	h.ExpectError(paused, http.StatusServiceUnavailable, "")
	h.Expect(strconv.Atoi(paused.Header.Get("Retry-After"))).To(BeNumerically(">=", 60), "somebody has to end the pause")
	h.ExpectError(h.Send(http.MethodGet, "/scim/v2/Users", ""), http.StatusUnauthorized, "")
	h.Configure("Generic", func(*exchange.Settings) {})

	h.Tenant.Drain()
	h.Expect(h.Tenant.Ready()).To(BeFalse())
	r := h.Do(http.MethodGet, "/Users", "")
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), "requests are served while draining")
	h.Expect(r.Close).To(BeTrue(), "and the client is asked to close")
}

// A tenant begins to serve when all that it needs holds at the same time, and goes on when
// something of it does not any more.
func TestReadinessNeedsAllAtOnce(t *testing.T) {
	h := servertest.New(t, memory.New())
	var synced, member bool
	tenant := server.NewTenant(h.Shared.Store, h.Shared.Limits, slog.New(slog.DiscardHandler),
		accesslog.NewMetrics(prometheus.NewRegistry(), "acme"), func() bool { return synced }, func() bool { return member })
	tenant.Configure(*h.Shared.Settings())
	tenant.Accept(h.Shared.Keyring.Accepted(), func() {})
	for _, step := range []struct{ synced, member, ready bool }{
		{false, false, false}, {true, false, false}, {false, true, false}, {true, true, true}, {false, true, true}, {false, false, true},
	} {
		synced, member = step.synced, step.member
		h.Expect(tenant.Ready()).To(Equal(step.ready), "%+v", step)
	}
}

// More requests than may be under way are told at once when to come again, and the
// others lose nothing.
func TestTooManyRequests(t *testing.T) {
	backend := servertest.Gate{Store: memory.New(), Opened: make(chan struct{})}
	open := sync.OnceFunc(func() { close(backend.Opened) })
	h := servertest.New(t, backend)
	h.Limit(t, func(l *limit.Limits) { l.Requests = 3 })
	defer open()
	var (
		waiting  sync.WaitGroup
		statuses = make(chan int, 3)
	)
	for number := range 3 {
		waiting.Go(func() {
			status := http.StatusTooManyRequests
			for status == http.StatusTooManyRequests { // The GET below may have been faster.
				status = h.Do(http.MethodPost, "/Users", servertest.UserNamed(number)).StatusCode
			}
			statuses <- status
		})
	}
	refused := func() servertest.Response { return h.Do(http.MethodGet, "/Users", "") }
	h.Eventually(func() int { return refused().StatusCode }, 5*time.Second).Should(Equal(http.StatusTooManyRequests))
	answer := refused()
	h.ExpectError(answer, http.StatusTooManyRequests, "")
	h.Expect(answer.Header.Get("Retry-After")).NotTo(BeEmpty())
	h.Expect(h.Send(http.MethodGet, "/scim/v2/Users", "").StatusCode).To(Equal(http.StatusUnauthorized), "who has no token takes no place")
	open()
	waiting.Wait()
	for range 3 {
		h.Expect(<-statuses).To(Equal(http.StatusCreated))
	}
	h.Expect(refused().Doc).To(HaveKeyWithValue("totalResults", BeEquivalentTo(3)))
}
