package server

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestEncodedBodies(t *testing.T) {
	h := newHarness(t, memory.New())
	for _, coding := range []string{"gzip", "GZIP", "br", "identity, gzip"} {
		r := h.do(http.MethodPost, "/Users", "\x1f\x8b\x08\x00", "Content-Encoding", coding)
		h.expectError(r, http.StatusUnsupportedMediaType, "")
		h.Expect(r.Header.Get("Accept-Encoding")).To(Equal("identity"), "what is taken (RFC 9110 section 12.5.3)")
	}
	h.Expect(h.do(http.MethodPost, "/Users", babs, "Content-Encoding", "identity").StatusCode).To(Equal(http.StatusCreated))
}

// A person reads the details of errors.
func TestErrorsHaveNoEscapes(t *testing.T) {
	h := newHarness(t, memory.New())
	refused := h.send(http.MethodGet, "/scim/v2/Users", "")
	h.expectError(refused, http.StatusUnauthorized, "")
	h.Expect(refused.body).To(ContainSubstring("Bearer <"))
	path := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"<b>&","value":1}]}`
	r := h.do(http.MethodPatch, "/Users/"+h.createBabs(), path)
	h.expectError(r, http.StatusBadRequest, "invalidPath")
	h.Expect(r.body).To(ContainSubstring("<b>&"))
	bulk := h.do(http.MethodPost, "/Bulk", bulkBody(`{"method":"PATCH","path":"/Users/1","data":`+path+`}`))
	h.Expect(bulk.body).To(And(ContainSubstring("<b>&"), Not(ContainSubstring(`\u003c`))))
	h.Expect(h.do(http.MethodGet, "/Schemas", "").body).NotTo(ContainSubstring(`\u00`))
}
