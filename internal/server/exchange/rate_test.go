package exchange_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// rated is a tenant with limits that no test waits out.
func rated(t *testing.T, requests, writes int32) *servertest.Harness {
	t.Helper()
	h := servertest.New(t, memory.New())
	h.Configure("Generic", func(s *exchange.Settings) {
		s.Rate = ratelimit.Limits{Requests: slow(requests), Writes: slow(writes)}
	})
	return h
}

// slow is a limit of so many at once and, after them, next to none: one in a second.
func slow(burst int32) ratelimit.Limit {
	if burst == 0 {
		return ratelimit.Limit{}
	}
	return ratelimit.Limit{PerSecond: 1, Burst: burst}
}

// expectTooSoon checks that a request was refused for a limit.
func expectTooSoon(h *servertest.Harness, r servertest.Response, detail string) {
	h.ExpectError(r, http.StatusTooManyRequests, "")
	h.Expect(r.Text).To(ContainSubstring(detail))
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(seconds).To(BeNumerically(">=", 1))
}

// send sends requests until one is refused, and returns how many were not, at most so many.
func send(most int, do func(i int) servertest.Response) (answered int, refused servertest.Response) {
	for answered < most {
		r := do(answered)
		if r.StatusCode == http.StatusTooManyRequests {
			return answered, r
		}
		answered++
	}
	return answered, servertest.Response{}
}

func TestRateOfTenant(t *testing.T) {
	h := rated(t, 30, 10)
	created, refused := send(60, func(i int) servertest.Response {
		return h.Do(http.MethodPost, "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com"}`, i))
	})
	h.Expect(created).To(BeNumerically(">=", 10))
	expectTooSoon(h, refused, "more writes come in this tenant than the 1 a second that may; nothing was changed, send this again in 1s")
	h.Expect(h.LastLine()).To(HaveKeyWithValue("detail", ContainSubstring("more writes come in this tenant")))
	h.Expect(h.Counter("kubescim_requests_over_limit_total", "limit", "TenantWrites")).To(BeNumerically(">=", 1))

	search := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`
	r := h.Do(http.MethodPost, "/Users/.search", search)
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), "a search reads: %s", r.Text)
	h.Expect(r.Doc).To(HaveKeyWithValue("totalResults", BeEquivalentTo(created)), "what was refused has changed nothing")
	expectTooSoon(h, h.Do(http.MethodPost, "/Users", "no JSON"), "nothing was changed")

	read, refused := send(100, func(int) servertest.Response { return h.Do(http.MethodGet, "/Users", "") })
	h.Expect(read).To(BeNumerically(">=", 30-created-1))
	expectTooSoon(h, refused, "more requests come in this tenant")
	h.ExpectError(h.Send(http.MethodGet, "/scim/v2/Users", ""), http.StatusUnauthorized, "")
}

// Whatever else there is to say of a request, it counts.
func TestRateComesFirst(t *testing.T) {
	h := rated(t, 5, 0)
	h.Grant(apikey.Grant{ReadOnly: true})
	denied, refused := send(20, func(int) servertest.Response { return h.Do(http.MethodDelete, "/Users/x", "") })
	h.Expect(denied).To(BeNumerically(">=", 5))
	expectTooSoon(h, refused, "more requests")
	h.Configure("Generic", func(s *exchange.Settings) {
		s.Paused, s.Rate = true, ratelimit.Limits{Requests: slow(5)}
	})
	_, refused = send(20, func(int) servertest.Response { return h.Do(http.MethodGet, "/Users", "") })
	expectTooSoon(h, refused, "more requests")
}

// Tokens of a key count together, and the key besides the tenant.
func TestRateOfKey(t *testing.T) {
	h := rated(t, 0, 0)
	h.Grant(apikey.Grant{Rate: ratelimit.Key{Name: "acme-okta", Limits: ratelimit.Limits{Requests: slow(8), Writes: slow(4)}}})
	_, refused := send(20, func(int) servertest.Response { return h.Do(http.MethodDelete, "/Users/x", "") })
	expectTooSoon(h, refused, "more writes come with this token than the 1 a second that may")
	_, refused = send(20, func(int) servertest.Response { return h.Do(http.MethodGet, "/Users", "") })
	expectTooSoon(h, refused, "more requests come with this token")
	h.Expect(h.Counter("kubescim_requests_over_limit_total", "limit", "KeyWrites")).To(BeNumerically(">=", 1))
	h.Grant(apikey.Grant{Rate: ratelimit.Key{Name: "acme-app", Limits: ratelimit.Limits{Requests: slow(8)}}})
	h.Expect(h.Do(http.MethodGet, "/Users", "").StatusCode).To(Equal(http.StatusOK), "of another key")
}

// Each operation of a bulk request counts as one that writes. They are all carried out even
// where there are more than a burst; then others wait, and the answer says for how long.
func TestRateOfBulk(t *testing.T) {
	h := rated(t, 0, 10)
	operations := make([]string, 100)
	for i := range operations {
		operations[i] = fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com"}}`, i, i)
	}
	r := h.Do(http.MethodPost, "/Bulk", servertest.BulkBody(strings.Join(operations, ",")))
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
	h.Expect(strings.Count(r.Text, `"status":"201"`)).To(Equal(100), r.Text)
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		refused := h.Do(method, "/Bulk", servertest.BulkBody(operations[0]))
		expectTooSoon(h, refused, "more writes come in this tenant")
		seconds, _ := strconv.Atoi(refused.Header.Get("Retry-After"))
		h.Expect(seconds).To(BeNumerically("~", 90, 5))
	}
	h.Expect(h.Do(http.MethodGet, "/Users", "").StatusCode).To(Equal(http.StatusOK), "reads go on")
}
