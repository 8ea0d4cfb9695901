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

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestReadiness(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Expect(h.Tenant.Ready()).To(BeTrue())
	starting := server.NewTenant(h.Shared.Store, h.Shared.Limits, ratelimit.New(), slog.New(slog.DiscardHandler),
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

// While a tenant is moved to another server, clients leave, and the last ones are not forgotten.
func TestClientsLeaveATenantThatIsMoved(t *testing.T) {
	backend := &servertest.FirstCreate{Store: memory.New()}
	h := servertest.New(t, backend)
	began, held := make(chan struct{}), make(chan struct{})
	finish := sync.OnceFunc(func() { close(held) })
	defer finish()
	backend.Before = func() { close(began); <-held }
	answered := make(chan int, 1)
	go func() { answered <- h.Do(http.MethodPost, "/Users", servertest.UserNamed(1)).StatusCode }()
	h.Eventually(began).Should(BeClosed())

	outlasted := make(chan struct{})
	h.Tenant.Outlast(func() { close(outlasted) })
	h.Expect(h.Do(http.MethodGet, "/Users", "").Close).To(BeFalse())
	moved := *h.Shared.Settings()
	moved.Draining = true
	h.Tenant.Configure(moved)
	h.Expect(h.Tenant.Leaving()).To(BeTrue())
	h.Expect(h.Do(http.MethodGet, "/Users", "").Close).To(BeTrue(), "a client is asked to close its connection")
	h.Expect(h.Tenant.Ready()).To(BeTrue())
	h.Expect(h.Tenant.Idle(time.Now().Add(time.Hour))).To(BeZero(), "a user is being created")
	h.Consistently(outlasted, 50*time.Millisecond).ShouldNot(BeClosed())
	finish()
	h.Eventually(answered).Should(Receive(Equal(http.StatusCreated)))
	h.Eventually(outlasted).Should(BeClosed())
	h.Eventually(func() time.Duration { return h.Tenant.Idle(time.Now().Add(time.Hour)) }).Should(BeNumerically("~", time.Hour, time.Minute))
	h.Expect(h.Send(http.MethodGet, "/scim/v2/Users", "").StatusCode).To(Equal(http.StatusUnauthorized))
	h.Expect(h.Tenant.Idle(time.Now().Add(time.Hour))).To(BeNumerically("~", time.Hour, time.Minute))

	moved.Off = true
	h.Tenant.Configure(moved)
	off := h.Do(http.MethodGet, "/Users", "")
	h.ExpectError(off, http.StatusServiceUnavailable, "")
	h.Expect(strconv.Atoi(off.Header.Get("Retry-After"))).To(BeNumerically("<", 60), "another server answers at once")
	h.ExpectError(h.Send(http.MethodGet, "/scim/v2/Users", ""), http.StatusUnauthorized, "")
}

// A tenant begins to serve when all that it needs holds at the same time, and goes on when
// something of it does not any more.
func TestReadinessNeedsAllAtOnce(t *testing.T) {
	h := servertest.New(t, memory.New())
	var synced, member bool
	tenant := server.NewTenant(h.Shared.Store, h.Shared.Limits, ratelimit.New(), slog.New(slog.DiscardHandler),
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

// When a key was used is known of keys that are accepted, exactly.
func TestLastUses(t *testing.T) {
	h := servertest.New(t, memory.New())
	server.MeasureUses(h.Metrics, "acme", h.Tenant, 2)
	h.Send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "Bearer "+h.Token+"x")
	h.Expect(h.Tenant.LastUses(2)).To(BeEmpty(), "nobody had a good token")

	before := time.Now()
	h.Do(http.MethodGet, "/Users", "")
	h.Expect(h.Tenant.LastUses(2)).To(And(HaveLen(1), HaveKeyWithValue(h.Verifier.KeyID, BeTemporally("~", before, 10*time.Second))))
	first := h.Tenant.LastUses(2)[h.Verifier.KeyID]
	h.Grant(apikey.Grant{ReadOnly: true})
	h.ExpectError(h.Do(http.MethodPost, "/Users", servertest.Babs), http.StatusForbidden, "")
	last := h.Tenant.LastUses(2)[h.Verifier.KeyID]
	h.Expect(last).To(BeTemporally(">", first), "what a key does not permit is sent with it all the same")
	h.Expect(h.Counter("kubescim_key_last_used_timestamp_seconds", "tenant", "acme", "key_id", h.Verifier.KeyID)).
		To(BeNumerically("~", float64(last.UnixNano())/1e9, 0.001))

	h.Tenant.Accept(auth.Keys{}, func() {})
	h.ExpectError(h.Do(http.MethodGet, "/Users", ""), http.StatusUnauthorized, "")
	h.Expect(h.Tenant.LastUses(2)).To(BeEmpty(), "there is no such key any more")
}

// Whether most requests fail is judged by those that the provider sends, and that are to succeed.
func TestMostlyFailing(t *testing.T) {
	h := servertest.New(t, memory.New())
	for range 30 {
		h.Send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "Bearer "+h.Token+"x")
	}
	h.Configure("Generic", func(settings *exchange.Settings) { settings.Paused = true })
	for range 30 {
		h.ExpectError(h.Do(http.MethodGet, "/Users", ""), http.StatusServiceUnavailable, "")
	}
	_, known := h.Tenant.MostlyFailing()
	h.Expect(known).To(BeFalse(), "anybody may send requests without a good token, and those to a paused tenant are refused on purpose")
	h.Configure("Generic", func(*exchange.Settings) {})
	for range 20 {
		h.Expect(h.Do(http.MethodPost, "/Users", "{}").StatusCode).To(Equal(http.StatusBadRequest))
	}
	failing, known := h.Tenant.MostlyFailing()
	h.Expect(known).To(BeTrue())
	h.Expect(failing).To(BeTrue())
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
