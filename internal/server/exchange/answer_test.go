package exchange_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// A person reads the details of errors.
func TestErrorsHaveNoEscapes(t *testing.T) {
	h := servertest.New(t, memory.New())
	refused := h.Send(http.MethodGet, "/scim/v2/Users", "")
	h.ExpectError(refused, http.StatusUnauthorized, "")
	h.Expect(refused.Text).To(ContainSubstring("Bearer <"))
	path := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"<b>&","value":1}]}`
	r := h.Do(http.MethodPatch, "/Users/"+h.CreateBabs(), path)
	h.ExpectError(r, http.StatusBadRequest, "invalidPath")
	h.Expect(r.Text).To(ContainSubstring("<b>&"))
	bulk := h.Do(http.MethodPost, "/Bulk", servertest.BulkBody(`{"method":"PATCH","path":"/Users/1","data":`+path+`}`))
	h.Expect(bulk.Text).To(And(ContainSubstring("<b>&"), Not(ContainSubstring(`\u003c`))))
	h.Expect(h.Do(http.MethodGet, "/Schemas", "").Text).NotTo(ContainSubstring(`\u00`))
}

// troubled is a store that fails.
type troubled struct {
	store.Store
	err error
}

func (s troubled) Get(context.Context, *schema.ResourceType, string, store.View) (*scim.Resource, error) {
	if s.err == nil {
		panic("a defect")
	}
	return nil, s.err
}

func TestStoreErrors(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
	}{
		"the client's":     {fmt.Errorf("reading: %w", store.NotFound(&schema.ResourceType{Name: "User"}, "x")), http.StatusNotFound},
		"unavailable":      {fmt.Errorf("reading: %w", store.Unavailable()), http.StatusServiceUnavailable},
		"out of time":      {fmt.Errorf("reading: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		"of no known kind": {errors.New("bjensen@example.com is broken"), http.StatusInternalServerError},
		"panic":            {nil, http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, troubled{err: test.err})
			r := h.Do(http.MethodGet, "/Users/x", "")
			h.ExpectError(r, test.status, "")
			h.Expect(r.Text).NotTo(ContainSubstring("bjensen"))
		})
	}
}
