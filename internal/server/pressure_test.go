package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
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
	tenant.Accept(h.tenant.keyring.accepted(), func() {})
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
		waiting.Go(func() {
			status := http.StatusTooManyRequests
			for status == http.StatusTooManyRequests { // The GET below may have been faster.
				status = h.do(http.MethodPost, "/Users", userNamed(number)).StatusCode
			}
			statuses <- status
		})
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
	h, open := behindGate(t, func(l *Limits) { l.Deadline = 300 * time.Millisecond })
	defer open()
	large := strings.Replace(userNamed(1), `"userName"`, `"displayName":"`+strings.Repeat("x", 5000)+`","userName"`, 1)
	h.tenant.budget.left = func(bool) int64 { return 150_000 }
	var waiting sync.WaitGroup
	waiting.Go(func() { h.do(http.MethodPost, "/Users", large) })
	h.Eventually(func() int64 { return taken(h.tenant) }, 5*time.Second).Should(BeNumerically(">", 75_000))
	answer := h.do(http.MethodPost, "/Users", large)
	h.expectError(answer, http.StatusServiceUnavailable, "")
	h.Expect(answer.Header.Get("Retry-After")).NotTo(BeEmpty())
	waiting.Wait()
	open()
	h.Expect(h.do(http.MethodPost, "/Users", large).StatusCode).To(Equal(http.StatusCreated), "the memory is given back")
	h.nothingTaken()
}

// nothingTaken waits until all memory is given back: an answer may arrive before.
func (h *harness) nothingTaken() {
	h.Eventually(func() int64 { return taken(h.tenant) }, 5*time.Second).Should(BeZero())
}

func taken(t *Tenant) int64 {
	t.budget.mu.Lock()
	defer t.budget.mu.Unlock()
	return t.budget.taken
}

// What there is no memory for is refused, with what to do, and nothing comes of it.
func TestTooLittleMemory(t *testing.T) {
	h := newHarness(t, memory.New())
	var members []string
	for number := range 400 {
		r := h.do(http.MethodPost, "/Users", userNamed(number))
		h.Expect(r.StatusCode).To(Equal(http.StatusCreated))
		members = append(members, `{"value":"`+r.doc["id"].(string)+`"}`)
	}
	group := `{` + groupSchema + `,"displayName":"Everybody","members":[` + strings.Join(members, ",") + `]}`
	chunked := func(method, path, body string) response {
		return h.sendBody(method, "/scim/v2"+path, io.MultiReader(strings.NewReader(body)), "Authorization", "Bearer "+h.token)
	}
	id := chunked(http.MethodPost, "/Groups", group).doc["id"].(string)
	h.nothingTaken()
	changed := strings.Replace(group, "Everybody", "Nobody", 1)

	h.tenant.budget.left = func(bool) int64 { return 100_000 }
	for _, send := range []func(method, path, body string) response{
		chunked, func(method, path, body string) response { return h.do(method, path, body) },
	} {
		refused := send(http.MethodPut, "/Groups/"+id, changed)
		h.expectError(refused, http.StatusRequestEntityTooLarge, "")
		h.Expect(refused.doc["detail"]).To(ContainSubstring("give it more memory"))
	}
	for _, r := range []response{
		h.do(http.MethodGet, "/Groups/"+id, ""),
		h.do(http.MethodGet, "/Groups?count=10", ""),
		h.do(http.MethodPatch, "/Groups/"+id, `{`+patchSchema+`,"Operations":[{"op":"replace","path":"displayName","value":"Nobody"}]}`),
	} {
		h.expectError(r, http.StatusBadRequest, string(scim.TooMany))
		h.Expect(r.doc["detail"]).To(ContainSubstring("excludedAttributes=members"))
	}
	small := h.do(http.MethodGet, "/Groups/"+id+"?excludedAttributes=members", "")
	h.Expect(small.StatusCode).To(Equal(http.StatusOK))
	h.Expect(small.doc["displayName"]).To(Equal("Everybody"))
	h.Expect(h.bulkDo(`{"method":"PATCH","path":"/Groups/` + id + `","data":{"Operations":[{"op":"replace","path":"displayName","value":"All"}],` + patchSchema + `}}`)[0]).
		To(HaveKeyWithValue("status", "200"), "its answer has no members")

	h.tenant.budget.left = memoryLeft
	h.Expect(h.do(http.MethodGet, "/Groups/"+id, "").doc["members"]).To(HaveLen(len(members)))
	h.nothingTaken()
}

func TestBudget(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	var asked []bool
	b := newBudget()
	b.left = func(collect bool) int64 {
		asked = append(asked, collect)
		if collect {
			return 100
		}
		return 50
	}
	g.Expect(b.acquire(0, 80)).To(Succeed(), "garbage is none of it")
	g.Expect(b.acquire(80, 20)).To(Succeed())
	g.Expect(b.acquire(100, 20)).To(MatchError(noRoom{needs: 120, room: 100}), "it is the only one")
	waited := make(chan error)
	go func() { waited <- b.wait(ctx, 30) }()
	g.Consistently(waited, "50ms").ShouldNot(Receive())
	b.release(50)
	g.Eventually(waited).Should(Receive(Succeed()))
	g.Expect(b.acquire(50, 30)).To(BeAssignableToTypeOf(noRoomYet{}), "who has some does not wait for more")
	go func() { waited <- b.wait(ctx, 30) }()
	cancel()
	var err error
	g.Eventually(waited).Should(Receive(&err))
	var protocol *scim.Error
	g.Expect(errors.As(err, &protocol)).To(BeTrue())
	g.Expect(protocol.Status).To(Equal(http.StatusServiceUnavailable))
	b.release(80)
	g.Expect(b.acquire(0, 80)).To(MatchError(noRoom{needs: 80, room: 50}), "garbage was collected a moment ago")
	g.Expect(asked).To(Equal([]bool{false, true, false}))
}

// Two requests that each have a part of the memory and need more never wait for each
// other: one of them is told to come again, and the other goes on.
func TestNobodyWaitsWithMemory(t *testing.T) {
	const deadline = 20 * time.Second
	h := newHarness(t, memory.New())
	h.tenant.limits.Deadline = deadline
	h.tenant.budget.left = func(bool) int64 { return 1_000_000 }
	holding := func() *exchange {
		x := &exchange{tenant: h.tenant, ctx: t.Context()}
		h.Expect(x.withMemory(func() error { return x.takeMemory(500_000) })).To(Succeed())
		return x
	}
	one, other := holding(), holding()
	began := time.Now()
	err := one.withMemory(func() error { return one.takeMemory(100_000) })
	h.Expect(one.protocolError(err).Status).To(Equal(http.StatusServiceUnavailable))
	h.Expect(time.Since(began)).To(BeNumerically("<", deadline/2))
	one.releaseMemory()
	h.Expect(other.withMemory(func() error { return other.takeMemory(100_000) })).To(Succeed())
	other.releaseMemory()
	h.nothingTaken()
}

// turns is a store whose updates of a resource are made one after the other, as those of
// the Kubernetes store are.
type turns struct {
	store.Store
	turn chan struct{}
	gone chan struct{} // an update has its turn
}

func (s turns) Update(ctx context.Context, t *scim.ResourceType, id string, change store.Change, options store.UpdateOptions) (*scim.Resource, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.turn }()
	select {
	case s.gone <- struct{}{}:
	default:
	}
	return s.Store.Update(ctx, t, id, change, options)
}

// A request that waits for memory does not keep its turn to write the resource: whoever
// has the memory may be waiting for that.
func TestNobodyWaitsForMemoryInTurn(t *testing.T) {
	backend := turns{Store: memory.New(), turn: make(chan struct{}, 1), gone: make(chan struct{}, 1)}
	h := newHarness(t, backend)
	var members []string
	for number := range 400 {
		members = append(members, `{"value":"`+h.do(http.MethodPost, "/Users", userNamed(number)).doc["id"].(string)+`"}`)
	}
	group := `{` + groupSchema + `,"displayName":"Everybody","members":[` + strings.Join(members, ",") + `]}`
	id := h.do(http.MethodPost, "/Groups", group).doc["id"].(string)
	h.nothingTaken()
	h.tenant.limits.Deadline = time.Minute
	h.tenant.budget.left = func(bool) int64 { return 1_000_000 }
	h.Expect(h.tenant.budget.acquire(0, 950_000)).To(Succeed(), "another request has the memory")
	renamed := make(chan response, 1)
	go func() {
		renamed <- h.do(http.MethodPatch, "/Groups/"+id, `{`+patchSchema+`,"Operations":[{"op":"replace","path":"displayName","value":"All"}]}`)
	}()
	h.Eventually(backend.gone, 5*time.Second).Should(Receive())
	h.Eventually(func() bool {
		select {
		case backend.turn <- struct{}{}: // As the other request would.
			return true
		default:
			return false
		}
	}, 30*time.Second).Should(BeTrue(), "the turn is free while the request waits for memory")
	<-backend.turn
	h.tenant.budget.release(950_000)
	h.Expect((<-renamed).StatusCode).To(Equal(http.StatusOK))
	h.nothingTaken()
}

func TestMemoryLeft(t *testing.T) {
	g := NewWithT(t)
	g.Expect(memoryLeft(false)).To(BeEquivalentTo(unlimitedMemory), "the process has no limit")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 30))
	before := memoryLeft(true)
	g.Expect(before).To(BeNumerically("~", 3<<28, 1<<27))
	used := make([]byte, 200<<20)
	g.Expect(memoryLeft(true)).To(BeNumerically("~", before-150<<20, 10<<20))
	runtime.KeepAlive(used)
	g.Expect(memoryLeft(true)).To(BeNumerically("~", before, 10<<20))
	debug.SetMemoryLimit(1 << 20)
	g.Expect(memoryLeft(false)).To(BeEquivalentTo(leastMemory), "there is less than nothing")
}

// Who is told that a request took too long learns how long it may take.
func TestRequestsThatTakeTooLong(t *testing.T) {
	h, open := behindGate(t, func(l *Limits) { l.Deadline = 200 * time.Millisecond })
	defer open()
	answer := h.do(http.MethodPost, "/Users", userNamed(1))
	h.expectError(answer, http.StatusServiceUnavailable, "")
	h.Expect(answer.doc["detail"]).To(ContainSubstring("longer than the 200ms that it may"))
	operation := h.bulkDo(`{"method":"POST","path":"/Users","bulkId":"1","data":` + userNamed(2) + `}`)[0]
	h.Expect(operation["response"]).To(HaveKeyWithValue("detail", And(ContainSubstring("200ms"), ContainSubstring("40s"))))
}

// A small body takes no memory from others, whether or not its size is known before.
func TestSmallBodiesInChunks(t *testing.T) {
	h := newHarness(t, memory.New())
	h.tenant.limits.BodyBytes = 8 << 20
	h.tenant.budget.left = func(bool) int64 { return 1 << 20 }
	chunked := func(body string) response {
		return h.sendBody(http.MethodPost, "/scim/v2/Users", io.MultiReader(strings.NewReader(body)), "Authorization", "Bearer "+h.token)
	}
	h.Expect(chunked(userNamed(1)).StatusCode).To(Equal(http.StatusCreated))
	large := strings.Replace(userNamed(2), `"userName"`, `"displayName":"`+strings.Repeat("x", 10_000)+`","userName"`, 1)
	h.expectError(chunked(large), http.StatusRequestEntityTooLarge, "")
	h.nothingTaken()
}
