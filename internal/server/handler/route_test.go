package handler_test

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestRouting(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/Users", http.StatusOK},
		{http.MethodGet, "/Users/", http.StatusOK},
		{http.MethodGet, "/Users/" + id, http.StatusOK},
		{http.MethodGet, "/Users/" + id + "/", http.StatusOK},
		{http.MethodGet, "//outside//scim//v2//Users", http.StatusOK},
		{http.MethodHead, "/Users/" + id, http.StatusOK},
		{http.MethodGet, "/Groups?unknown=parameter&aadOptscim062020", http.StatusOK},
		{http.MethodGet, "/ServiceProviderConfig", http.StatusOK},
		{http.MethodGet, "/ResourceTypes/User", http.StatusOK},
		{http.MethodGet, "/Schemas/" + schema.URNUser, http.StatusOK},
		{http.MethodGet, "/Schemas/urn:none", http.StatusNotFound},
		{http.MethodGet, "", http.StatusOK},
		{http.MethodGet, "/Me", http.StatusNotImplemented},
		{http.MethodPatch, "/Me", http.StatusNotImplemented},
		{http.MethodGet, "/.search", http.StatusMethodNotAllowed},
		{http.MethodGet, "/Users/.search", http.StatusMethodNotAllowed},
		{http.MethodGet, "/Bulk", http.StatusMethodNotAllowed},
		{http.MethodGet, "/users", http.StatusNotFound},
		{http.MethodGet, "/Users/" + id + "/name", http.StatusNotFound},
		{http.MethodGet, "/Users/..%2fGroups", http.StatusNotFound},
		{http.MethodGet, "//outside/Users", http.StatusNotFound},
		{http.MethodGet, "//outside/scim/v2Users", http.StatusNotFound},
		{http.MethodGet, "//outside/scim/v20/Users", http.StatusNotFound},
		{http.MethodPut, "/Users", http.StatusMethodNotAllowed},
		{http.MethodPost, "/Users/" + id, http.StatusMethodNotAllowed},
		{http.MethodPost, "/Schemas", http.StatusMethodNotAllowed},
		{"BREW", "/Users", http.StatusMethodNotAllowed},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			h := h.In(t)
			r := h.Do(test.method, test.path, "")
			if test.status < 400 {
				h.Expect(r.StatusCode).To(Equal(test.status), r.Text)
				return
			}
			h.ExpectError(r, test.status, "")
			if test.status == http.StatusMethodNotAllowed {
				h.Expect(r.Header.Get("Allow")).To(MatchRegexp("GET|POST"))
			}
		})
	}
	h.Configure("Generic", func(s *exchange.Settings) { s.Path = "/api/scim/v2" })
	h.Expect(h.Do(http.MethodGet, "//outside/api/scim/v2/Users", "").StatusCode).To(Equal(http.StatusOK))
	h.ExpectError(h.Do(http.MethodGet, "/Users", ""), http.StatusNotFound, "")
}

func TestAllow(t *testing.T) {
	h := servertest.New(t, memory.New())
	for _, test := range []struct{ method, path, allow string }{
		{http.MethodPost, "", "GET, HEAD"},
		{http.MethodPut, "/Users", "GET, HEAD, POST"},
		{http.MethodPost, "/Groups/x", "DELETE, GET, HEAD, PATCH, PUT"},
		{http.MethodGet, "/Users/.search", "POST"},
		{http.MethodGet, "/Bulk", "POST"},
		{"BREW", "/Me", "DELETE, GET, HEAD, PATCH, POST, PUT"},
		{http.MethodPatch, "/Schemas/" + schema.URNUser, "GET, HEAD"},
	} {
		r := h.Do(test.method, test.path, "")
		h.ExpectError(r, http.StatusMethodNotAllowed, "")
		h.Expect(r.Header.Get("Allow")).To(Equal(test.allow), test.path)
		h.Expect(r.Doc["detail"]).To(ContainSubstring(test.allow))
	}
}
