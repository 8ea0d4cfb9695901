package transport

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store"
)

// A request goes on under its own id, and who makes it learns under which one the last write was logged.
func TestAudit(t *testing.T) {
	g := NewWithT(t)
	rewritten := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("Audit-ID")
		if rewritten != "" {
			id = rewritten
		}
		w.Header().Set("Audit-ID", id)
	}))
	defer server.Close()
	var logged atomic.Pointer[string]
	send := func(method string, actor store.Actor) {
		request, err := http.NewRequestWithContext(store.WithActor(t.Context(), actor), method, server.URL, nil)
		g.Expect(err).NotTo(HaveOccurred())
		answer, err := (&http.Client{Transport: Audit(http.DefaultTransport)}).Do(request)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer.Body.Close()).To(Succeed())
		g.Expect(request.Header).NotTo(HaveKey("Audit-Id"), "it is the caller's")
	}
	actor := store.Actor{RequestID: "request", AuditID: &logged}
	send(http.MethodGet, actor)
	g.Expect(logged.Load()).To(BeNil(), "nothing was written")
	send(http.MethodPut, actor)
	g.Expect(*logged.Load()).To(Equal("request"))
	rewritten = "another"
	send(http.MethodPost, actor)
	g.Expect(*logged.Load()).To(Equal("another"))
	send(http.MethodDelete, store.Actor{RequestID: "of nobody"})
	send(http.MethodDelete, store.Actor{})
}
