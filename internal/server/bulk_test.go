package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
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
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

const (
	userSchema  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	groupSchema = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
	patchSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
)

// bulkDo sends operations and returns the results.
func (h *harness) bulkDo(operations ...string) []map[string]any {
	r := h.do(http.MethodPost, "/Bulk", bulkBody(operations...))
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.body)
	h.Expect(r.doc["schemas"]).To(Equal([]any{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"}))
	var results []map[string]any
	for _, result := range r.doc["Operations"].([]any) {
		results = append(results, result.(map[string]any))
	}
	return results
}

func bulkBody(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

func TestBulk(t *testing.T) {
	h := newHarness(t, memory.New())
	// RFC 7644 section 3.7.2, with the group first, which refers to what comes later.
	results := h.bulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{`+groupSchema+`,"displayName":"Tour Guides","members":[{"type":"User","value":"bulkId:qwerty"}]}}`,
		`{"method":"POST","path":"/Users","bulkId":"qwerty","data":{`+userSchema+`,"userName":"Alice"}}`,
	)
	h.Expect(results).To(HaveLen(2))
	h.Expect(results[0]).To(And(HaveKeyWithValue("bulkId", "ytrewq"), HaveKeyWithValue("status", "201"), HaveKeyWithValue("method", "POST")))
	user := results[1]["location"].(string)
	h.Expect(results[1]["version"]).To(HavePrefix("W/"))
	group := h.do(http.MethodGet, strings.TrimPrefix(results[0]["location"].(string), h.url+"/scim/v2"), "")
	members := group.doc["members"].([]any)
	h.Expect(members).To(HaveLen(1))
	h.Expect(members[0]).To(HaveKeyWithValue("$ref", user))

	path := strings.TrimPrefix(user, h.url+"/scim/v2")
	results = h.bulkDo(
		`{"method":"PATCH","path":"`+path+`","version":"W/\"other\"","data":{`+patchSchema+`,"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
		`{"method":"PATCH","path":"`+path+`","data":[{"op":"remove","path":"nickName"},{"op":"replace","path":"title","value":"Dave"}]}`,
		`{"method":"PUT","path":"`+path+`","data":{`+userSchema+`,"userName":"Alice","title":"Guide"}}`,
		`{"method":"DELETE","path":"`+path+`"}`,
		`{"method":"DELETE","path":"`+path+`"}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"412", "200", "200", "204", "404"}))
	h.Expect(results[0]["response"]).To(HaveKeyWithValue("status", "412"))
	h.Expect(results[4]["location"]).To(Equal(user))
}

func statuses(results []map[string]any) (all []string) {
	for _, result := range results {
		all = append(all, result["status"].(string))
	}
	return all
}

func TestBulkCircle(t *testing.T) {
	h := newHarness(t, memory.New())
	results := h.bulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"a","data":{`+groupSchema+`,"displayName":"A","members":[{"value":"bulkId:b"}]}}`,
		`{"method":"POST","path":"/Groups","bulkId":"b","data":{`+groupSchema+`,"displayName":"B","members":[{"value":"bulkId:a"}]}}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"201", "201"}))
	for i, other := range []int{1, 0} {
		r := h.do(http.MethodGet, strings.TrimPrefix(results[i]["location"].(string), h.url+"/scim/v2"), "")
		h.Expect(r.doc["members"].([]any)[0]).To(HaveKeyWithValue("$ref", results[other]["location"]))
		h.Expect(r.Header.Get("ETag")).To(Equal(results[i]["version"]))
	}
}

func TestBulkErrors(t *testing.T) {
	h := newHarness(t, memory.New())
	create := func(id, userName string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{`+userSchema+`,"userName":%q}}`, id, userName)
	}
	results := h.bulkDo(
		create("1", "alice"), create("2", "ALICE"),
		`{"method":"PATCH","path":"/Users/bulkId:2","data":{`+patchSchema+`,"Operations":[]}}`,
		`{"method":"PATCH","path":"/Users/bulkId:nobody","data":{`+patchSchema+`,"Operations":[]}}`,
		`{"method":"POST","path":"/Users","data":{`+userSchema+`,"userName":"bob"}}`,
		`{"method":"POST","path":"/Bulk","bulkId":"3","data":{}}`,
		`{"method":"GET","path":"/Users"}`,
		`{"method":"POST","path":"/Users/.search","bulkId":"4","data":{}}`,
		`{"method":"PATCH","path":"/Users/bulkId:1","data":{`+patchSchema+`,"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"201", "409", "409", "409", "400", "400", "400", "400", "200"}))
	h.Expect(results[1]["response"]).To(HaveKeyWithValue("scimType", "uniqueness"))

	r := h.do(http.MethodPost, "/Bulk", strings.Replace(bulkBody(create("5", "alice"), create("6", "carol")), `"Operations"`, `"failOnErrors":1,"Operations"`, 1))
	h.Expect(r.doc["Operations"]).To(HaveLen(1), "nothing is done after the first error")

	many := make([]string, h.tenant.limits.BulkOperations+1)
	for i := range many {
		many[i] = `{}`
	}
	r = h.do(http.MethodPost, "/Bulk", bulkBody(many...))
	h.expectError(r, http.StatusRequestEntityTooLarge, "")
	h.Expect(r.doc["detail"]).To(ContainSubstring("500"))
	h.expectError(h.do(http.MethodPost, "/Bulk", `{"Operations":[]}`), http.StatusBadRequest, "invalidSyntax")
	h.expectError(h.do(http.MethodPost, "/Bulk", bulkBody()), http.StatusBadRequest, "invalidSyntax")
	h.Expect(statuses(h.bulkDo(create("7", "a"), create("7", "b"), create("8", "c")))).To(Equal([]string{"400", "400", "201"}))
	r = h.do(http.MethodPost, "/Bulk", strings.Replace(bulkBody(create("9", "alice"), create("10", "erin")), `"Operations"`, `"failOnErrors":0,"Operations"`, 1))
	h.Expect(r.doc["Operations"]).To(HaveLen(2), "0 is no limit")
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

// Independent operations are under way at the same time, up to a bound.
func TestBulkSideBySide(t *testing.T) {
	create := func(name string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{`+userSchema+`,"userName":%q}}`, name, name)
	}
	var operations []string
	for i := range 40 {
		operations = append(operations, create(fmt.Sprint("user", i)))
	}
	backend := &meeting{Store: memory.New(), want: bulkParallel, arrived: make(chan struct{})}
	h := newHarness(t, backend)
	results := h.bulkDo(append(operations, create("USER7"), create("panic"))...)
	h.Expect(results).To(HaveLen(42))
	for i, result := range results[:40] {
		h.Expect(result).To(And(HaveKeyWithValue("bulkId", fmt.Sprint("user", i)), HaveKeyWithValue("status", "201")), "in the order of the request")
	}
	h.Expect(results[40]).To(HaveKeyWithValue("status", "409"))
	h.Expect(results[41]).To(And(HaveKeyWithValue("status", "500"), HaveKeyWithValue("response", HaveKeyWithValue("status", "500"))))
	h.Expect(backend.most).To(Equal(bulkParallel))
	h.Expect(h.do(http.MethodGet, "/Users", "").doc["totalResults"]).To(BeEquivalentTo(40), "requests are served as before")
}

// What other requests leave of the tenant's limit bounds bulk requests too.
func TestBulkUnderTheLimitOfRequests(t *testing.T) {
	backend := &meeting{Store: memory.New(), want: 2, arrived: make(chan struct{})}
	h := newHarness(t, backend)
	limits := h.tenant.limits
	limits.Requests = 2
	tenant := NewTenant(backend, limits, h.tenant.log, h.tenant.outcomes.metrics)
	tenant.Configure(*h.tenant.settings.Load())
	tenant.Accept(h.tenant.keyring.accepted(), func() {})
	h.serve(t, tenant)
	for range 3 { // What was taken is given back.
		var operations []string
		for i := range 10 {
			operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{`+userSchema+`,"userName":%q}}`, i, rand.Text()))
		}
		h.Expect(statuses(h.bulkDo(operations...))).To(HaveEach("201"))
		h.Expect(backend.most).To(Equal(2))
	}
}

// Each operation has its own line in the log.
func TestBulkLog(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	h.log.Reset()
	results := h.bulkDo(
		`{"method":"POST","path":"/Users","bulkId":"1","data":{`+userSchema+`,"userName":"alice@example.com"}}`,
		`{"method":"PATCH","path":"/Users/`+id+`","data":{`+patchSchema+`,"Operations":[{"op":"replace","path":"nonsense","value":"x"}]}}`,
		`{"method":"DELETE","path":"/Users/`+id+`"}`,
	)
	created := results[0]["location"].(string)
	var lines []map[string]any
	for line := range strings.Lines(h.log.String()) {
		var parsed map[string]any
		h.Expect(json.Unmarshal([]byte(line), &parsed)).To(Succeed())
		lines = append(lines, parsed)
	}
	h.Expect(lines).To(HaveLen(4))
	whole := lines[3]["requestID"].(string)
	of := func(index int, method string, status int, more types.GomegaMatcher) types.GomegaMatcher {
		return And(HaveKeyWithValue("requestID", fmt.Sprint(whole, ".", index)), HaveKeyWithValue("method", method),
			HaveKeyWithValue("resource", "Users"), HaveKeyWithValue("status", BeEquivalentTo(status)),
			HaveKeyWithValue("keyID", h.verifier.KeyID), more)
	}
	h.Expect(lines[:3]).To(ConsistOf(
		of(0, "POST", 201, HaveKeyWithValue("id", created[strings.LastIndex(created, "/")+1:])),
		of(1, "PATCH", 400, And(HaveKeyWithValue("id", id), HaveKeyWithValue("scimType", "invalidPath"), HaveKey("detail"))),
		of(2, "DELETE", 204, HaveKeyWithValue("id", id)),
	))
	h.Expect(lines[3]).To(And(HaveKeyWithValue("resource", "Bulk"), HaveKeyWithValue("status", BeEquivalentTo(200))))
	h.Expect(h.log.String()).NotTo(ContainSubstring("alice"))
}

// until is a store that notes until when creations may take.
type until struct {
	store.Store
	deadline time.Time
}

func (u *until) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	u.deadline, _ = ctx.Deadline()
	return u.Store.Create(ctx, resource, policy)
}

// The time of a bulk request is that of its body as well, like that of every request: with
// what is left of it, the answer arrives before the connection is closed.
func TestBulkTime(t *testing.T) {
	backend := &until{Store: memory.New()}
	h := newHarness(t, backend)
	h.tenant.limits.Deadline = time.Hour
	body := bulkBody(`{"method":"POST","path":"/Users","bulkId":"1","data":` + userNamed(1) + `}`)
	x := &exchange{
		tenant: h.tenant, settings: h.tenant.settings.Load(), w: httptest.NewRecorder(), ctx: t.Context(),
		r: httptest.NewRequest(http.MethodPost, "/scim/v2/Bulk", strings.NewReader(body)), began: time.Now().Add(-20 * time.Second),
	}
	x.r.Header.Set("Authorization", "Bearer "+h.token)
	h.Expect(x.bulk()).To(Succeed())
	h.Expect(backend.deadline).To(BeTemporally("~", x.began.Add(bulkDeadline), time.Second))
}
