package exchange_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// behindGate is a tenant whose creates wait.
func behindGate(t *testing.T, change func(*limit.Limits)) (h *servertest.Harness, open func()) {
	t.Helper()
	backend := servertest.Gate{Store: memory.New(), Opened: make(chan struct{})}
	h = servertest.New(t, backend)
	h.Limit(t, func(l *limit.Limits) {
		*l = limit.Defaults()
		change(l)
	})
	return h, sync.OnceFunc(func() { close(backend.Opened) })
}

// leave makes so many bytes what requests may have together.
func leave(h *servertest.Harness, bytes int64) {
	h.Shared.Memory = limit.NewMemory(func(bool) int64 { return bytes })
}

// Bodies that are too large together wait for each other, and for no longer than a
// request may take.
func TestBodiesAreBoundedTogether(t *testing.T) {
	h, open := behindGate(t, func(l *limit.Limits) { l.Deadline = 300 * time.Millisecond })
	defer open()
	large := strings.Replace(servertest.UserNamed(1), `"userName"`, `"displayName":"`+strings.Repeat("x", 5000)+`","userName"`, 1)
	leave(h, 150_000)
	var waiting sync.WaitGroup
	waiting.Go(func() { h.Do(http.MethodPost, "/Users", large) })
	h.Eventually(h.Shared.Memory.Acquired, 5*time.Second).Should(BeNumerically(">", 75_000))
	answer := h.Do(http.MethodPost, "/Users", large)
	h.ExpectError(answer, http.StatusServiceUnavailable, "")
	h.Expect(answer.Header.Get("Retry-After")).NotTo(BeEmpty())
	waiting.Wait()
	open()
	h.Expect(h.Do(http.MethodPost, "/Users", large).StatusCode).To(Equal(http.StatusCreated), "the memory is given back")
	h.NothingAcquired()
}

// What there is no memory for is refused, with what to do, and nothing comes of it.
func TestTooLittleMemory(t *testing.T) {
	h := servertest.New(t, memory.New())
	var members []string
	for number := range 400 {
		r := h.Do(http.MethodPost, "/Users", servertest.UserNamed(number))
		h.Expect(r.StatusCode).To(Equal(http.StatusCreated))
		members = append(members, `{"value":"`+r.Doc["id"].(string)+`"}`)
	}
	group := `{` + servertest.GroupSchema + `,"displayName":"Everybody","members":[` + strings.Join(members, ",") + `]}`
	chunked := func(method, path, body string) servertest.Response {
		return h.SendBody(method, "/scim/v2"+path, io.MultiReader(strings.NewReader(body)), "Authorization", "Bearer "+h.Token)
	}
	id := chunked(http.MethodPost, "/Groups", group).Doc["id"].(string)
	h.NothingAcquired()
	changed := strings.Replace(group, "Everybody", "Nobody", 1)

	leave(h, 100_000)
	for _, send := range []func(method, path, body string) servertest.Response{
		chunked, func(method, path, body string) servertest.Response { return h.Do(method, path, body) },
	} {
		refused := send(http.MethodPut, "/Groups/"+id, changed)
		h.ExpectError(refused, http.StatusRequestEntityTooLarge, "")
		h.Expect(refused.Doc["detail"]).To(ContainSubstring("give it more memory"))
	}
	for _, r := range []servertest.Response{
		h.Do(http.MethodGet, "/Groups/"+id, ""),
		h.Do(http.MethodGet, "/Groups?count=10", ""),
		h.Do(http.MethodPatch, "/Groups/"+id, `{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"displayName","value":"Nobody"}]}`),
	} {
		h.ExpectError(r, http.StatusBadRequest, string(scim.TooMany))
		h.Expect(r.Doc["detail"]).To(ContainSubstring("excludedAttributes=members"))
	}
	small := h.Do(http.MethodGet, "/Groups/"+id+"?excludedAttributes=members", "")
	h.Expect(small.StatusCode).To(Equal(http.StatusOK))
	h.Expect(small.Doc["displayName"]).To(Equal("Everybody"))
	h.Expect(h.BulkDo(`{"method":"PATCH","path":"/Groups/` + id + `","data":{"Operations":[{"op":"replace","path":"displayName","value":"All"}],` + servertest.PatchSchema + `}}`)[0]).
		To(HaveKeyWithValue("status", "200"), "its answer has no members")

	h.Shared.Memory = limit.NewMemory(limit.MemoryLeft)
	h.Expect(h.Do(http.MethodGet, "/Groups/"+id, "").Doc["members"]).To(HaveLen(len(members)))
	h.NothingAcquired()
}

// turns is a store whose updates of a resource are made one after the other, as those of
// the Kubernetes store are.
type turns struct {
	store.Store
	turn chan struct{}
	gone chan struct{} // an update has its turn
}

func (s turns) Update(ctx context.Context, t *schema.ResourceType, id string, change store.Change, options store.UpdateOptions) (*scim.Resource, error) {
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
	h := servertest.New(t, backend)
	var members []string
	for number := range 400 {
		members = append(members, `{"value":"`+h.Do(http.MethodPost, "/Users", servertest.UserNamed(number)).Doc["id"].(string)+`"}`)
	}
	group := `{` + servertest.GroupSchema + `,"displayName":"Everybody","members":[` + strings.Join(members, ",") + `]}`
	id := h.Do(http.MethodPost, "/Groups", group).Doc["id"].(string)
	h.NothingAcquired()
	h.Shared.Limits.Deadline = time.Minute
	leave(h, 1_000_000)
	another := h.Shared.Memory.Share()
	h.Expect(another.Acquire(950_000)).To(Succeed(), "another request has the memory")
	renamed := make(chan servertest.Response, 1)
	go func() {
		renamed <- h.Do(http.MethodPatch, "/Groups/"+id, `{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"displayName","value":"All"}]}`)
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
	another.Release()
	h.Expect((<-renamed).StatusCode).To(Equal(http.StatusOK))
	h.NothingAcquired()
}

// Who is told that a request took too long learns how long it may take.
func TestRequestsThatTakeTooLong(t *testing.T) {
	h, open := behindGate(t, func(l *limit.Limits) { l.Deadline = 200 * time.Millisecond })
	defer open()
	answer := h.Do(http.MethodPost, "/Users", servertest.UserNamed(1))
	h.ExpectError(answer, http.StatusServiceUnavailable, "")
	h.Expect(answer.Doc["detail"]).To(ContainSubstring("longer than the 200ms that it may"))
	operation := h.BulkDo(`{"method":"POST","path":"/Users","bulkId":"1","data":` + servertest.UserNamed(2) + `}`)[0]
	h.Expect(operation["response"]).To(HaveKeyWithValue("detail", And(ContainSubstring("200ms"), ContainSubstring("40s"))))
}

// A small body takes no memory from others, whether or not its size is known before.
func TestSmallBodiesInChunks(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Shared.Limits.BodyBytes = 8 << 20
	leave(h, 1<<20)
	chunked := func(body string) servertest.Response {
		return h.SendBody(http.MethodPost, "/scim/v2/Users", io.MultiReader(strings.NewReader(body)), "Authorization", "Bearer "+h.Token)
	}
	h.Expect(chunked(servertest.UserNamed(1)).StatusCode).To(Equal(http.StatusCreated))
	large := strings.Replace(servertest.UserNamed(2), `"userName"`, `"displayName":"`+strings.Repeat("x", 10_000)+`","userName"`, 1)
	h.ExpectError(chunked(large), http.StatusRequestEntityTooLarge, "")
	h.NothingAcquired()
}
