package exchange_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// slowly sends a request of which only the beginning of the body is sent until the server
// has let it in and meanwhile has returned.
func slowly(t *testing.T, h *servertest.Harness, method, path, body string, meanwhile func()) servertest.Response {
	defer func(url string) { h.URL = url }(h.URL) // Locations in answers stay the same.
	h.Serve(t)                                    // So that its LastRequest is that of the one below.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(h.URL, "http://"))
	h.Expect(err).NotTo(HaveOccurred())
	defer func() { h.Expect(connection.Close()).To(Succeed()) }()
	h.Expect(connection.SetDeadline(time.Now().Add(10 * time.Second))).To(Succeed())
	_, err = fmt.Fprintf(connection, "%s /scim/v2%s HTTP/1.1\r\nHost: scim.example.com\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, h.Token, len(body), body[:5])
	h.Expect(err).NotTo(HaveOccurred())
	h.Eventually(h.Tenant.LastRequest).ShouldNot(BeZero())
	meanwhile()
	_, err = io.WriteString(connection, body[5:])
	h.Expect(err).NotTo(HaveOccurred())
	answer, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	h.Expect(err).NotTo(HaveOccurred())
	read, err := io.ReadAll(answer.Body)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(answer.Body.Close()).To(Succeed())
	r := servertest.Response{Response: answer, Text: string(read)}
	h.Expect(json.Unmarshal(read, &r.Doc)).To(Succeed(), r.Text)
	return r
}

// A request that was let in is answered as its beginning would be by the time that its body
// is there.
func TestSlowBodiesOutliveNoKey(t *testing.T) {
	bulk := servertest.BulkBody(`{"method":"POST","path":"/Users","bulkId":"1","data":` + servertest.UserNamed(1) + `}`)
	patch := `{` + servertest.PatchSchema + `,"Operations":[{"op":"replace","path":"title","value":"x"}]}`
	search := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`
	for name, ends := range map[string]struct {
		status int
		change func(h *servertest.Harness)
	}{
		"revoked": {http.StatusUnauthorized, func(h *servertest.Harness) { h.Tenant.Accept(auth.Keys{}, func() {}) }},
		"expired": {http.StatusUnauthorized, func(h *servertest.Harness) {
			expired := h.Verifier
			expired.ExpirationTime = time.Now().Add(-time.Second)
			h.Tenant.Accept(auth.Keys{expired.KeyID: {Verifier: expired}}, func() {})
		}},
		"suspended": {http.StatusUnauthorized, func(h *servertest.Harness) { h.Grant(apikey.Grant{Suspended: true}) }},
		"not for where it is": {http.StatusUnauthorized, func(h *servertest.Harness) {
			h.Grant(apikey.Grant{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
		}},
		"paused": {http.StatusServiceUnavailable, func(h *servertest.Harness) { h.Configure("Generic", func(s *exchange.Settings) { s.Paused = true }) }},
	} {
		for _, request := range []struct{ method, path, body string }{
			{http.MethodPost, "/Users", servertest.UserNamed(1)},
			{http.MethodPost, "/Bulk", bulk},
			{http.MethodPatch, "/Users/%s", patch},
			{http.MethodPut, "/Users/%s", servertest.UserNamed(1)},
			{http.MethodPost, "/Users/.search", search},
		} {
			t.Run(name+" "+request.method+" "+request.path, func(t *testing.T) {
				h := servertest.New(t, memory.New())
				path := strings.ReplaceAll(request.path, "%s", h.CreateBabs())
				before := h.Do(http.MethodGet, "/Users", "").Text
				r := slowly(t, h, request.method, path, request.body, func() { ends.change(h) })
				h.ExpectError(r, ends.status, "")
				if ends.status == http.StatusUnauthorized {
					h.Expect(r.Header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"))
				}
				h.Tenant.Accept(auth.Keys{h.Verifier.KeyID: {Verifier: h.Verifier}}, func() {})
				h.Configure("Generic", func(*exchange.Settings) {})
				h.Expect(h.Do(http.MethodGet, "/Users", "").Text).To(Equal(before), "nothing has happened")
			})
		}
	}
}

// What a key permitted when a request came, it may not permit any more when its body is there.
func TestSlowBodiesOutliveNoPermission(t *testing.T) {
	patch := `{` + servertest.PatchSchema + `,"Operations":[{"op":"replace","path":"title","value":"x"}]}`
	search := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`
	readOnly, groups, users := apikey.Grant{ReadOnly: true}, apikey.Grant{Resources: []string{"Groups"}}, apikey.Grant{Resources: []string{"Users"}}
	for _, test := range []struct {
		method, path, body string
		grant              apikey.Grant
		status             int
	}{
		{http.MethodPost, "/Users", servertest.UserNamed(1), readOnly, http.StatusForbidden},
		{http.MethodPatch, "/Users/%s", patch, readOnly, http.StatusForbidden},
		{http.MethodPut, "/Users/%s", servertest.UserNamed(1), readOnly, http.StatusForbidden},
		{http.MethodPost, "/Users/.search", search, readOnly, http.StatusOK},
		{http.MethodPost, "/Users", servertest.UserNamed(1), groups, http.StatusForbidden},
		{http.MethodPost, "/Users/.search", search, groups, http.StatusForbidden},
		{http.MethodPost, "/Users/.search", search, users, http.StatusOK},
		{http.MethodPost, "/.search", search, users, http.StatusOK},
		// The answer was to have the user's groups in it, before the body was read.
		{http.MethodPost, "/Users", servertest.UserNamed(1), users, http.StatusServiceUnavailable},
	} {
		t.Run(fmt.Sprintf("%s %s %+v", test.method, test.path, test.grant), func(t *testing.T) {
			h := servertest.New(t, memory.New())
			path := strings.ReplaceAll(test.path, "%s", h.CreateBabs())
			before := h.Do(http.MethodGet, "/Users", "").Text
			r := slowly(t, h, test.method, path, test.body, func() { h.Grant(test.grant) })
			if test.status == http.StatusOK {
				h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
				h.Expect(r.Text).NotTo(ContainSubstring(`"groups"`))
			} else {
				h.ExpectError(r, test.status, "")
			}
			h.Grant(apikey.Grant{})
			h.Expect(h.Do(http.MethodGet, "/Users", "").Text).To(Equal(before), "nothing has happened")
		})
	}
}

// What is left of a bulk request when its key is revoked is refused, and what was being done
// is done.
func TestBulkOutlivesNoKey(t *testing.T) {
	for _, c := range []struct {
		status string
		change func(h *servertest.Harness)
	}{
		{"401", func(h *servertest.Harness) { h.Tenant.Accept(auth.Keys{}, func() {}) }},
		{"401", func(h *servertest.Harness) { h.Grant(apikey.Grant{Suspended: true}) }},
		{"401", func(h *servertest.Harness) { h.Grant(apikey.Grant{Networks: []netip.Prefix{}}) }},
		{"403", func(h *servertest.Harness) { h.Grant(apikey.Grant{ReadOnly: true}) }},
		{"403", func(h *servertest.Harness) { h.Grant(apikey.Grant{Resources: []string{"Groups"}}) }},
		{"503", func(h *servertest.Harness) { h.Configure("Generic", func(s *exchange.Settings) { s.Paused = true }) }},
	} {
		t.Run(c.status, func(t *testing.T) {
			backend := &servertest.FirstCreate{Store: memory.New()}
			h := servertest.New(t, backend)
			backend.Before = func() { c.change(h) }
			results := h.BulkDo(
				`{"method":"POST","path":"/Users","bulkId":"1","data":`+servertest.UserNamed(1)+`}`,
				`{"method":"PATCH","path":"/Users/bulkId:1","data":{`+servertest.PatchSchema+`,"Operations":[{"op":"replace","path":"title","value":"x"}]}}`,
				`{"method":"DELETE","path":"/Users/bulkId:1"}`,
			)
			h.Expect(servertest.Statuses(results)).To(Equal([]string{"201", c.status, c.status}))
			h.Expect(results[2]["response"]).To(HaveKeyWithValue("status", c.status))
		})
	}
}

// Behind proxies that are trusted, a request comes from where they say that it does.
func TestRequestsThroughTrustedProxies(t *testing.T) {
	h := servertest.New(t, memory.New())
	local := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	h.Grant(apikey.Grant{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	from := func(forwarded string) servertest.Response {
		return h.Do(http.MethodGet, "/Users", "", "X-Forwarded-For", forwarded)
	}
	h.ExpectError(from("203.0.113.9"), http.StatusUnauthorized, "")
	h.Expect(h.LastLine()).To(And(HaveKeyWithValue("reason", "Address"), HaveKeyWithValue("source", "127.0.0.1")), "nobody is trusted")

	h.Configure("Generic", func(s *exchange.Settings) { s.TrustedProxies = local })
	h.Expect(from("198.51.100.1, 203.0.113.9").StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.LastLine()).To(HaveKeyWithValue("source", "203.0.113.9"), "who has a good token is known, too")
	h.Expect(from("203.0.113.9, 127.0.0.2").StatusCode).To(Equal(http.StatusOK))
	h.ExpectError(from("203.0.113.9, 198.51.100.1"), http.StatusUnauthorized, "")
	h.Expect(h.LastLine()).To(And(HaveKeyWithValue("reason", "Address"), HaveKeyWithValue("source", "198.51.100.1"), HaveKeyWithValue("keyID", h.Verifier.KeyID)))
	h.ExpectError(from("203.0.113.9, nonsense"), http.StatusUnauthorized, "")
	h.Expect(h.LastLine()).To(HaveKeyWithValue("source", "127.0.0.1"))

	results := func(forwarded string) int {
		return h.Do(http.MethodPost, "/Bulk", servertest.BulkBody(`{"method":"POST","path":"/Users","bulkId":"1","data":`+servertest.UserNamed(1)+`}`),
			"X-Forwarded-For", forwarded).StatusCode
	}
	h.Expect(results("203.0.113.9")).To(Equal(http.StatusOK))
	h.Expect(h.Do(http.MethodGet, "/Users", "", "X-Forwarded-For", "203.0.113.9").Doc).To(HaveKeyWithValue("totalResults", 1.0), "an operation comes from where its request does")
	h.Expect(results("203.0.114.9")).To(Equal(http.StatusUnauthorized))
}

// Requests without a good token are bounded, and those with one from the same address
// are not.
func TestUnauthenticatedRequestsAreBounded(t *testing.T) {
	h := servertest.New(t, memory.New())
	const allowed, attempts = 3, 10
	rates := limit.DefaultRates()
	rates.BySource, rates.BySourceAtOnce = 0, allowed // It fills too slowly for a test.
	h.Shared.Unauthenticated = limit.NewUnauthenticated(rates)
	for attempt := range attempts {
		r := h.Send(http.MethodGet, "/scim/v2/Users", "", "Authorization", "Bearer secret")
		want := http.StatusUnauthorized
		if attempt >= allowed {
			want = http.StatusTooManyRequests
		}
		h.ExpectError(r, want, "")
		h.Expect(h.Do(http.MethodGet, "/Users?count=0", "").StatusCode).To(Equal(http.StatusOK))
	}
	h.Expect(strings.Count(h.Log.String(), `"reason":"Malformed"`)).To(Equal(allowed), "others have no line")
	h.Expect(h.Log.String()).To(ContainSubstring(`"leftOut":`))
	h.Expect(h.Counter("kubescim_credentials_refused_total", "reason", "Malformed")).To(BeEquivalentTo(attempts))
}
