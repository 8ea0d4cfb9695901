package handler_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/handler"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestBulk(t *testing.T) {
	h := servertest.New(t, memory.New())
	// RFC 7644 section 3.7.2, with the group first, which refers to what comes later.
	results := h.BulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{`+servertest.GroupSchema+`,"displayName":"Tour Guides","members":[{"type":"User","value":"bulkId:qwerty"}]}}`,
		`{"method":"POST","path":"/Users","bulkId":"qwerty","data":{`+servertest.UserSchema+`,"userName":"Alice"}}`,
	)
	h.Expect(results).To(HaveLen(2))
	h.Expect(results[0]).To(And(HaveKeyWithValue("bulkId", "ytrewq"), HaveKeyWithValue("status", "201"), HaveKeyWithValue("method", "POST")))
	user := results[1]["location"].(string)
	h.Expect(results[1]["version"]).To(HavePrefix("W/"))
	group := h.Do(http.MethodGet, strings.TrimPrefix(results[0]["location"].(string), h.URL+"/scim/v2"), "")
	members := group.Doc["members"].([]any)
	h.Expect(members).To(HaveLen(1))
	h.Expect(members[0]).To(HaveKeyWithValue("$ref", user))

	path := strings.TrimPrefix(user, h.URL+"/scim/v2")
	results = h.BulkDo(
		`{"method":"PATCH","path":"`+path+`","version":"W/\"other\"","data":{`+servertest.PatchSchema+`,"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
		`{"method":"PATCH","path":"`+path+`","data":[{"op":"remove","path":"nickName"},{"op":"replace","path":"title","value":"Dave"}]}`,
		`{"method":"PUT","path":"`+path+`","data":{`+servertest.UserSchema+`,"userName":"Alice","title":"Guide"}}`,
		`{"method":"DELETE","path":"`+path+`"}`,
		`{"method":"DELETE","path":"`+path+`"}`,
	)
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"412", "200", "200", "204", "404"}))
	h.Expect(results[0]["response"]).To(HaveKeyWithValue("status", "412"))
	h.Expect(results[4]["location"]).To(Equal(user))
}

func TestBulkCircle(t *testing.T) {
	h := servertest.New(t, memory.New())
	results := h.BulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"a","data":{`+servertest.GroupSchema+`,"displayName":"A","members":[{"value":"bulkId:b"}]}}`,
		`{"method":"POST","path":"/Groups","bulkId":"b","data":{`+servertest.GroupSchema+`,"displayName":"B","members":[{"value":"bulkId:a"}]}}`,
	)
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"201", "201"}))
	for i, other := range []int{1, 0} {
		r := h.Do(http.MethodGet, strings.TrimPrefix(results[i]["location"].(string), h.URL+"/scim/v2"), "")
		h.Expect(r.Doc["members"].([]any)[0]).To(HaveKeyWithValue("$ref", results[other]["location"]))
		h.Expect(r.Header.Get("ETag")).To(Equal(results[i]["version"]))
	}
}

func TestBulkErrors(t *testing.T) {
	h := servertest.New(t, memory.New())
	create := func(id, userName string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{`+servertest.UserSchema+`,"userName":%q}}`, id, userName)
	}
	results := h.BulkDo(
		create("1", "alice"), create("2", "ALICE"),
		`{"method":"PATCH","path":"/Users/bulkId:2","data":{`+servertest.PatchSchema+`,"Operations":[]}}`,
		`{"method":"PATCH","path":"/Users/bulkId:nobody","data":{`+servertest.PatchSchema+`,"Operations":[]}}`,
		`{"method":"POST","path":"/Users","data":{`+servertest.UserSchema+`,"userName":"bob"}}`,
		`{"method":"POST","path":"/Bulk","bulkId":"3","data":{}}`,
		`{"method":"GET","path":"/Users"}`,
		`{"method":"POST","path":"/Users/.search","bulkId":"4","data":{}}`,
		`{"method":"PATCH","path":"/Users/bulkId:1","data":{`+servertest.PatchSchema+`,"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
	)
	h.Expect(servertest.Statuses(results)).To(Equal([]string{"201", "409", "409", "409", "400", "400", "400", "400", "200"}))
	h.Expect(results[1]["response"]).To(HaveKeyWithValue("scimType", "uniqueness"))

	r := h.Do(http.MethodPost, "/Bulk", strings.Replace(servertest.BulkBody(create("5", "alice"), create("6", "carol")), `"Operations"`, `"failOnErrors":1,"Operations"`, 1))
	h.Expect(r.Doc["Operations"]).To(HaveLen(1), "nothing is done after the first error")

	many := make([]string, h.Shared.Limits.BulkOperations+1)
	for i := range many {
		many[i] = `{}`
	}
	r = h.Do(http.MethodPost, "/Bulk", servertest.BulkBody(many...))
	h.ExpectError(r, http.StatusRequestEntityTooLarge, "")
	h.Expect(r.Doc["detail"]).To(ContainSubstring("500"))
	h.ExpectError(h.Do(http.MethodPost, "/Bulk", `{"Operations":[]}`), http.StatusBadRequest, "invalidSyntax")
	h.ExpectError(h.Do(http.MethodPost, "/Bulk", servertest.BulkBody()), http.StatusBadRequest, "invalidSyntax")
	h.Expect(servertest.Statuses(h.BulkDo(create("7", "a"), create("7", "b"), create("8", "c")))).To(Equal([]string{"400", "400", "201"}))
	r = h.Do(http.MethodPost, "/Bulk", strings.Replace(servertest.BulkBody(create("9", "alice"), create("10", "erin")), `"Operations"`, `"failOnErrors":0,"Operations"`, 1))
	h.Expect(r.Doc["Operations"]).To(HaveLen(2), "0 is no limit")
}

// meeting is a store whose creations wait until so many are under way, or time is up.
type meeting struct {
	store.Store
	want    int
	mu      sync.Mutex
	here    int
	most    int
	arrived chan struct{} // closed when enough are here
	once    sync.Once
}

func (m *meeting) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	m.mu.Lock()
	m.here++
	m.most = max(m.most, m.here)
	if m.here == m.want {
		m.once.Do(func() { close(m.arrived) })
	}
	m.mu.Unlock()
	defer func() { m.mu.Lock(); m.here--; m.mu.Unlock() }()
	select {
	case <-m.arrived:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if strings.HasPrefix(resource.UserName(), "panic") {
		panic(resource.UserName())
	}
	return m.Store.Create(ctx, resource, policy)
}

func (u *until) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	u.deadline, _ = ctx.Deadline()
	return u.Store.Create(ctx, resource, policy)
}

// Independent operations are under way at the same time, up to a bound.
func TestBulkSideBySide(t *testing.T) {
	create := func(name string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{`+servertest.UserSchema+`,"userName":%q}}`, name, name)
	}
	var operations []string
	for i := range 40 {
		operations = append(operations, create(fmt.Sprint("user", i)))
	}
	backend := &meeting{Store: memory.New(), want: handler.BulkParallel, arrived: make(chan struct{})}
	h := servertest.New(t, backend)
	results := h.BulkDo(append(operations, create("USER7"), create("panic"))...)
	h.Expect(results).To(HaveLen(42))
	for i, result := range results[:40] {
		h.Expect(result).To(And(HaveKeyWithValue("bulkId", fmt.Sprint("user", i)), HaveKeyWithValue("status", "201")), "in the order of the request")
	}
	h.Expect(results[40]).To(HaveKeyWithValue("status", "409"))
	h.Expect(results[41]).To(And(HaveKeyWithValue("status", "500"), HaveKeyWithValue("response", HaveKeyWithValue("status", "500"))))
	h.Expect(backend.most).To(Equal(handler.BulkParallel))
	h.Expect(h.Do(http.MethodGet, "/Users", "").Doc["totalResults"]).To(BeEquivalentTo(40), "requests are served as before")
}

// What other requests leave of the tenant's limit bounds bulk requests too.
func TestBulkUnderTheLimitOfRequests(t *testing.T) {
	backend := &meeting{Store: memory.New(), want: 2, arrived: make(chan struct{})}
	h := servertest.New(t, backend)
	h.Limit(t, func(l *limit.Limits) { l.Requests = 2 })
	for range 3 { // What was acquired is released.
		var operations []string
		for i := range 10 {
			operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{`+servertest.UserSchema+`,"userName":%q}}`, i, rand.Text()))
		}
		h.Expect(servertest.Statuses(h.BulkDo(operations...))).To(HaveEach("201"))
		h.Expect(backend.most).To(Equal(2))
	}
}

// Each operation has its own line in the log.
func TestBulkLog(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	h.Log.Reset()
	results := h.BulkDo(
		`{"method":"POST","path":"/Users","bulkId":"1","data":{`+servertest.UserSchema+`,"userName":"alice@example.com"}}`,
		`{"method":"PATCH","path":"/Users/`+id+`","data":{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"nonsense","value":"x"}]}}`,
		`{"method":"DELETE","path":"/Users/`+id+`"}`,
	)
	created := results[0]["location"].(string)
	lines := h.Requests()
	h.Expect(lines).To(HaveLen(4))
	whole := lines[3]["requestID"].(string)
	of := func(index int, method string, status int, more types.GomegaMatcher) types.GomegaMatcher {
		return And(HaveKeyWithValue("requestID", fmt.Sprint(whole, ".", index)), HaveKeyWithValue("method", method),
			HaveKeyWithValue("resource", "Users"), HaveKeyWithValue("status", BeEquivalentTo(status)),
			HaveKeyWithValue("keyID", h.Verifier.KeyID), more)
	}
	h.Expect(lines[:3]).To(ConsistOf(
		of(0, "POST", 201, HaveKeyWithValue("id", created[strings.LastIndex(created, "/")+1:])),
		of(1, "PATCH", 400, And(HaveKeyWithValue("id", id), HaveKeyWithValue("scimType", "invalidPath"), HaveKey("detail"))),
		of(2, "DELETE", 204, HaveKeyWithValue("id", id)),
	))
	h.Expect(lines[3]).To(And(HaveKeyWithValue("resource", "Bulk"), HaveKeyWithValue("status", BeEquivalentTo(200))))
	h.Expect(h.Log.String()).NotTo(ContainSubstring("alice"))
}

// until is a store that notes until when creations may take.
type until struct {
	store.Store
	deadline time.Time
}

// The time of a bulk request is that of its body as well, like that of every request: with
// what is left of it, the answer arrives before the connection is closed.
func TestBulkTime(t *testing.T) {
	backend := &until{Store: memory.New()}
	h := servertest.New(t, backend)
	h.Shared.Limits.Deadline = time.Hour
	body := servertest.BulkBody(`{"method":"POST","path":"/Users","bulkId":"1","data":` + servertest.UserNamed(1) + `}`)
	r := httptest.NewRequest(http.MethodPost, "/scim/v2/Bulk", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+h.Token)
	x := exchange.New(h.Shared, httptest.NewRecorder(), r)
	x.Settings, x.Ctx, x.Entry.Began = h.Shared.Settings(), t.Context(), time.Now().Add(-20*time.Second)
	h.Expect(handler.Route(x)).To(Succeed())
	h.Expect(backend.deadline).To(BeTemporally("~", x.Entry.Began.Add(limit.BulkDeadline), time.Second))
}
