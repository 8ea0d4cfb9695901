package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// slowly sends a request of which only the beginning of the body is sent until the server
// has let it in and meanwhile has returned.
func (h *harness) slowly(method, path, body string, meanwhile func()) response {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(h.url, "http://"))
	h.Expect(err).NotTo(HaveOccurred())
	defer func() { h.Expect(connection.Close()).To(Succeed()) }()
	h.Expect(connection.SetDeadline(time.Now().Add(10 * time.Second))).To(Succeed())
	h.tenant.lastRequest.Store(0)
	_, err = fmt.Fprintf(connection, "%s /scim/v2%s HTTP/1.1\r\nHost: scim.example.com\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, h.token, len(body), body[:5])
	h.Expect(err).NotTo(HaveOccurred())
	h.Eventually(h.tenant.LastRequest).ShouldNot(BeZero())
	meanwhile()
	_, err = io.WriteString(connection, body[5:])
	h.Expect(err).NotTo(HaveOccurred())
	answer, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	h.Expect(err).NotTo(HaveOccurred())
	read, err := io.ReadAll(answer.Body)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(answer.Body.Close()).To(Succeed())
	r := response{Response: answer, body: string(read)}
	h.Expect(json.Unmarshal(read, &r.doc)).To(Succeed(), r.body)
	return r
}

// A request that was let in is answered as its beginning would be by the time that its body
// is there.
func TestSlowBodiesOutliveNoKey(t *testing.T) {
	bulk := bulkBody(`{"method":"POST","path":"/Users","bulkId":"1","data":` + userNamed(1) + `}`)
	patch := `{` + patchSchema + `,"Operations":[{"op":"replace","path":"title","value":"x"}]}`
	search := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`
	for name, ends := range map[string]struct {
		status int
		change func(h *harness)
	}{
		"revoked": {http.StatusUnauthorized, func(h *harness) { h.tenant.Accept(Keys{}, func() {}) }},
		"expired": {http.StatusUnauthorized, func(h *harness) {
			expired := h.verifier
			expired.ExpirationTime = time.Now().Add(-time.Second)
			h.tenant.Accept(Keys{expired.KeyID: expired}, func() {})
		}},
		"paused": {http.StatusServiceUnavailable, func(h *harness) { h.configure("Generic", func(s *Settings) { s.Paused = true }) }},
	} {
		for _, request := range []struct{ method, path, body string }{
			{http.MethodPost, "/Users", userNamed(1)},
			{http.MethodPost, "/Bulk", bulk},
			{http.MethodPatch, "/Users/%s", patch},
			{http.MethodPut, "/Users/%s", userNamed(1)},
			{http.MethodPost, "/Users/.search", search},
		} {
			t.Run(name+" "+request.method+" "+request.path, func(t *testing.T) {
				h := newHarness(t, memory.New())
				path := strings.ReplaceAll(request.path, "%s", h.createBabs())
				before := h.do(http.MethodGet, "/Users", "").body
				r := h.slowly(request.method, path, request.body, func() { ends.change(h) })
				h.expectError(r, ends.status, "")
				if ends.status == http.StatusUnauthorized {
					h.Expect(r.Header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"))
				}
				h.tenant.Accept(Keys{h.verifier.KeyID: h.verifier}, func() {})
				h.configure("Generic", func(*Settings) {})
				h.Expect(h.do(http.MethodGet, "/Users", "").body).To(Equal(before), "nothing has happened")
			})
		}
	}
}

// ending is a store that does something before the first creation.
type ending struct {
	store.Store
	before func()
}

func (e *ending) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	if before := e.before; before != nil {
		e.before = nil
		before()
	}
	return e.Store.Create(ctx, resource, policy)
}

// What is left of a bulk request when its key is revoked is refused, and what was being done
// is done.
func TestBulkOutlivesNoKey(t *testing.T) {
	for _, c := range []struct {
		status string
		change func(h *harness)
	}{
		{"401", func(h *harness) { h.tenant.Accept(Keys{}, func() {}) }},
		{"503", func(h *harness) { h.configure("Generic", func(s *Settings) { s.Paused = true }) }},
	} {
		t.Run(c.status, func(t *testing.T) {
			backend := &ending{Store: memory.New()}
			h := newHarness(t, backend)
			backend.before = func() { c.change(h) }
			results := h.bulkDo(
				`{"method":"POST","path":"/Users","bulkId":"1","data":`+userNamed(1)+`}`,
				`{"method":"PATCH","path":"/Users/bulkId:1","data":{`+patchSchema+`,"Operations":[{"op":"replace","path":"title","value":"x"}]}}`,
				`{"method":"DELETE","path":"/Users/bulkId:1"}`,
			)
			h.Expect(statuses(results)).To(Equal([]string{"201", c.status, c.status}))
			h.Expect(results[2]["response"]).To(HaveKeyWithValue("status", c.status))
		})
	}
}

// That a key is revoked is said once nothing is being done under it any more, and no other
// change of the keys waits for anything.
func TestKeysAreRetiredWhenTheirWorkIsDone(t *testing.T) {
	backend := &ending{Store: memory.New()}
	h := newHarness(t, backend)
	_, other, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	var retired []string
	accept := func(name string, keys ...apikey.Verifier) {
		accepted := Keys{}
		for _, key := range keys {
			accepted[key.KeyID] = key
		}
		h.tenant.Accept(accepted, func() { retired = append(retired, name) })
	}
	began, revoked := make(chan struct{}), make(chan struct{})
	finish := sync.OnceFunc(func() { close(revoked) })
	defer finish()
	backend.before = func() { close(began); <-revoked }
	answered := make(chan int, 1)
	go func() { answered <- h.do(http.MethodPost, "/Users", userNamed(1)).StatusCode }()
	h.Eventually(began).Should(BeClosed())

	accept("added", h.verifier, other)
	h.Expect(retired).To(Equal([]string{"added"}), "a new key is good at once")
	accept("revoked", other)
	accept("revoked, and all others too")
	h.Expect(retired).To(Equal([]string{"added"}), "a user is being created")
	finish()
	h.Eventually(answered).Should(Receive(Equal(http.StatusCreated)))
	h.Expect(retired).To(Equal([]string{"added", "revoked, and all others too"}))
	accept("none are there", other)
	h.Expect(retired).To(HaveLen(3))
}
