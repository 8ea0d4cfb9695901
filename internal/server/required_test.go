package server

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store/memory"
)

// What is required has to say something: a type without an address is no e-mail address.
func TestRequiredAttributesLookAtContent(t *testing.T) {
	const head = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"other@example.com",`
	patch := func(op string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
	}
	h := newHarness(t, memory.New())
	h.configure("Generic", func(s *Settings) { s.RequiredAttributes = []string{"emails", "title"} })
	whole := head + `"title":"Guide","emails":[{"value":"other@example.com","type":"work"}]}`
	r := h.do(http.MethodPost, "/Users", whole)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.body)
	path := "/Users/" + r.doc["id"].(string)
	for _, members := range []string{
		`"title":"Guide","emails":[{"type":"work"}]`, `"title":"Guide","emails":[{"value":""}]`, `"title":"Guide","emails":[{"value":" ","primary":true}]`,
		`"title":" ","emails":[{"value":"other@example.com"}]`, `"title":"","emails":[{"value":"other@example.com"}]`,
	} {
		h.expectError(h.do(http.MethodPost, "/Users", head+members+`}`), http.StatusBadRequest, "invalidValue")
		h.expectError(h.do(http.MethodPut, path, head+members+`}`), http.StatusBadRequest, "invalidValue")
	}
	for _, op := range []string{
		`{"op":"remove","path":"emails[type eq \"work\"].value"}`, `{"op":"replace","path":"emails","value":[{"type":"work"}]}`,
		`{"op":"replace","path":"title","value":" "}`, `{"op":"replace","value":{"emails":[{"value":""}]}}`,
	} {
		h.expectError(h.do(http.MethodPatch, path, patch(op)), http.StatusBadRequest, "invalidValue")
	}
	h.Expect(h.do(http.MethodGet, path, "").doc).To(HaveKeyWithValue("title", "Guide"))
	// Whoever loses what is required can be deactivated at the same time.
	r = h.do(http.MethodPatch, path, patch(`{"op":"remove","path":"emails[type eq \"work\"].value"},{"op":"replace","path":"active","value":false}`))
	h.Expect(r.doc).To(HaveKeyWithValue("active", false), r.body)
}
