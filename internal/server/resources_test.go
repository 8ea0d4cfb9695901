package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

const patchActive = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`

func TestResourceLifecycle(t *testing.T) {
	h := newHarness(t, memory.New())
	created := h.do(http.MethodPost, "/Users", babs)
	h.Expect(created.StatusCode).To(Equal(http.StatusCreated), created.body)
	id := created.doc["id"].(string)
	location := h.url + "/scim/v2/Users/" + id
	h.Expect(created.Header.Get("Location")).To(Equal(location))
	h.Expect(created.Header.Get("Content-Location")).To(Equal(location))
	h.Expect(created.doc["active"]).To(BeTrue(), "a user is active when nothing else is said")
	meta := created.doc["meta"].(map[string]any)
	h.Expect(meta["location"]).To(Equal(location))
	h.Expect(meta["version"]).To(Equal(created.Header.Get("ETag")))

	h.expectError(h.do(http.MethodPost, "/Users", babs), http.StatusConflict, "uniqueness")

	patched := h.do(http.MethodPatch, "/Users/"+id, patchActive)
	h.Expect(patched.StatusCode).To(Equal(http.StatusOK), patched.body)
	h.Expect(patched.doc["active"]).To(BeFalse())
	h.Expect(patched.Header.Get("ETag")).NotTo(Equal(created.Header.Get("ETag")))

	replaced := h.do(http.MethodPut, "/Users/"+id, babs)
	h.Expect(replaced.StatusCode).To(Equal(http.StatusOK), replaced.body)
	h.Expect(replaced.doc["active"]).To(BeFalse(), "a document that is silent about it activates nobody")

	h.Expect(h.do(http.MethodDelete, "/Users/"+id, "").StatusCode).To(Equal(http.StatusNoContent))
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		h.expectError(h.do(method, "/Users/"+id, ""), http.StatusNotFound, "")
	}
	h.expectError(h.do(http.MethodPut, "/Users/"+id, babs), http.StatusNotFound, "")
	h.expectError(h.do(http.MethodPatch, "/Users/"+id, patchActive), http.StatusNotFound, "")
}

func TestEntityTags(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	version := h.do(http.MethodGet, "/Users/"+id, "").Header.Get("ETag")
	h.Expect(version).To(HavePrefix(`W/"`))

	for _, header := range []string{version, version[2:], `"other", ` + version, "*"} {
		r := h.do(http.MethodGet, "/Users/"+id, "", "If-None-Match", header)
		h.Expect(r.StatusCode).To(Equal(http.StatusNotModified), header)
		h.Expect(r.Header.Get("ETag")).To(Equal(version))
	}
	h.Expect(h.do(http.MethodGet, "/Users/"+id, "", "If-None-Match", `W/"other"`).StatusCode).To(Equal(http.StatusOK))

	h.expectError(h.do(http.MethodPatch, "/Users/"+id, patchActive, "If-Match", `W/"other"`), http.StatusPreconditionFailed, "")
	h.expectError(h.do(http.MethodPut, "/Users/"+id, babs, "If-Match", `W/"other"`), http.StatusPreconditionFailed, "")
	h.expectError(h.do(http.MethodDelete, "/Users/"+id, "", "If-Match", `W/"other"`), http.StatusPreconditionFailed, "")
	h.Expect(h.do(http.MethodPatch, "/Users/"+id, patchActive, "If-Match", version).StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.do(http.MethodDelete, "/Users/"+id, "", "If-Match", "*").StatusCode).To(Equal(http.StatusNoContent))
}

func TestPatchAnswer(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	h.configure("Entra", func(*Settings) {})
	r := h.do(http.MethodPatch, "/Users/"+id, patchActive)
	h.Expect(r.StatusCode).To(Equal(http.StatusNoContent))
	h.Expect(r.body).To(BeEmpty())
	h.Expect(r.Header.Get("ETag")).NotTo(BeEmpty())
	r = h.do(http.MethodPatch, "/Users/"+id+"?attributes=active", patchActive)
	h.Expect(r.StatusCode).To(Equal(http.StatusOK))
	h.Expect(r.doc).To(HaveKeyWithValue("active", false))
	h.Expect(r.doc).NotTo(HaveKey("userName"))
}

func TestRequiredAttributes(t *testing.T) {
	h := newHarness(t, memory.New())
	h.configure("Generic", func(s *Settings) { s.RequiredAttributes = []string{"name.givenName"} })
	id := h.createBabs()
	nameless := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"other@example.com"}`
	r := h.do(http.MethodPost, "/Users", nameless)
	h.expectError(r, http.StatusBadRequest, "invalidValue")
	h.Expect(r.doc["detail"]).To(ContainSubstring("name.givenName"))
	h.expectError(h.do(http.MethodPut, "/Users/"+id, nameless), http.StatusBadRequest, "invalidValue")
	h.expectError(h.do(http.MethodPatch, "/Users/"+id,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"name.givenName"}]}`),
		http.StatusBadRequest, "invalidValue")
	group := h.do(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Guides"}`)
	h.Expect(group.StatusCode).To(Equal(http.StatusCreated), group.body)

	h.configure("Generic", func(s *Settings) { s.RequiredAttributes = []string{"emails"} })
	h.Expect(h.do(http.MethodPatch, "/Users/"+id, patchActive).doc).To(HaveKeyWithValue("active", false), "who lacks something can be deactivated")
	h.expectError(h.do(http.MethodPatch, "/Users/"+id, strings.Replace(patchActive, "false", "true", 1)), http.StatusBadRequest, "invalidValue")
}

func TestLists(t *testing.T) {
	h := newHarness(t, memory.New())
	for i := range 5 {
		r := h.do(http.MethodPost, "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com"}`, i))
		h.Expect(r.StatusCode).To(Equal(http.StatusCreated))
	}
	for _, test := range []struct {
		query                   string
		total, start, perPage   float64
		status                  int
		scimType, firstUserName string
	}{
		{query: "", total: 5, start: 1, perPage: 5, firstUserName: "user0@example.com"},
		{query: "startIndex=2&count=2", total: 5, start: 2, perPage: 2, firstUserName: "user1@example.com"},
		{query: "startIndex=0&count=1", total: 5, start: 1, perPage: 1, firstUserName: "user0@example.com"},
		{query: "startIndex=-3", total: 5, start: 1, perPage: 5, firstUserName: "user0@example.com"},
		{query: "startIndex=9", total: 5, start: 9, perPage: 0},
		{query: "count=0", total: 5, start: 1, perPage: 0},
		{query: "count=-1", total: 5, start: 1, perPage: 0},
		{query: "sortBy=userName&sortOrder=descending&count=1", total: 5, start: 1, perPage: 1, firstUserName: "user4@example.com"},
		{query: "filter=" + url.QueryEscape(`userName eq "USER3@example.com"`), total: 1, start: 1, perPage: 1, firstUserName: "user3@example.com"},
		{query: "filter=" + url.QueryEscape(`userName eq "nobody"`), total: 0, start: 1, perPage: 0},
		{query: "filter=" + url.QueryEscape(`userName qe "x"`), status: http.StatusBadRequest, scimType: "invalidFilter"},
		{query: "filter=" + url.QueryEscape(`nonsense eq "x"`), status: http.StatusBadRequest, scimType: "invalidFilter"},
		{query: "filter=" + url.QueryEscape(`userName eq "a;b"`), total: 0, start: 1, perPage: 0},
		{query: "filter=userName%20eq%20%22a;b%22", total: 0, start: 1, perPage: 0},
		{query: "FILTER=" + url.QueryEscape(`userName eq "nobody"`), total: 0, start: 1, perPage: 0},
		{query: "filter=", status: http.StatusBadRequest, scimType: "invalidFilter"},
		{query: "filter=userName%20eq%20%2", status: http.StatusBadRequest, scimType: "invalidValue"},
		{query: "filter=userName%20eq%20%22100%%22", status: http.StatusBadRequest, scimType: "invalidValue"},
		{query: "filter=" + url.QueryEscape(`userName pr`) + "&filter=" + url.QueryEscape(`title pr`), status: http.StatusBadRequest, scimType: "invalidValue"},
		{query: "count=1&Count=2", status: http.StatusBadRequest, scimType: "invalidValue"},
		{query: "attributes=title&attributes=userName", total: 5, start: 1, perPage: 5, firstUserName: "user0@example.com"},
		{query: "count=many", status: http.StatusBadRequest, scimType: "invalidValue"},
		{query: "attributes=userName&excludedAttributes=name", status: http.StatusBadRequest, scimType: "invalidValue"},
	} {
		t.Run(test.query, func(t *testing.T) {
			h := &harness{WithT: NewWithT(t), tenant: h.tenant, url: h.url, token: h.token}
			r := h.do(http.MethodGet, "/Users?"+test.query, "")
			if test.status != 0 {
				h.expectError(r, test.status, test.scimType)
				return
			}
			h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.body)
			h.Expect(r.doc["schemas"]).To(Equal([]any{scim.URNListResponse}))
			h.Expect(r.doc["totalResults"]).To(Equal(test.total))
			h.Expect(r.doc["startIndex"]).To(Equal(test.start))
			h.Expect(r.doc["itemsPerPage"]).To(Equal(test.perPage))
			if test.firstUserName != "" {
				first := r.doc["Resources"].([]any)[0].(map[string]any)
				h.Expect(first["userName"]).To(Equal(test.firstUserName))
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	h := newHarness(t, memory.New())
	config := h.do(http.MethodGet, "/ServiceProviderConfig", "").doc
	for feature, supported := range map[string]bool{
		"patch": true, "filter": true, "sort": true, "etag": true, "bulk": true, "changePassword": false,
	} {
		h.Expect(config[feature]).To(HaveKeyWithValue("supported", supported), feature)
	}
	h.Expect(config["pagination"]).To(HaveKeyWithValue("cursor", true))
	types := h.do(http.MethodGet, "/ResourceTypes", "").doc
	h.Expect(types["totalResults"]).To(BeEquivalentTo(2))
	schemas := h.do(http.MethodGet, "/Schemas", "").doc
	h.Expect(schemas["totalResults"]).To(BeEquivalentTo(6))
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
		h.expectError(h.do(http.MethodGet, path+"?filter="+url.QueryEscape(`id eq "x"`), ""), http.StatusForbidden, "")
	}
}

func TestLocations(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	locate := func(headers ...string) any {
		return h.do(http.MethodGet, "/Users/"+id, "", headers...).doc["meta"].(map[string]any)["location"]
	}
	h.Expect(locate()).To(Equal(h.url + "/scim/v2/Users/" + id))
	h.Expect(locate("X-Forwarded-Proto", "https", "X-Forwarded-Host", "acme.example.com")).
		To(Equal("https://acme.example.com/scim/v2/Users/" + id))
	// Two proxies in a row, of which the client talks to the first.
	h.Expect(locate("X-Forwarded-Proto", "https,http", "X-Forwarded-Host", "acme.example.com, ingress.example.com")).
		To(Equal("https://acme.example.com/scim/v2/Users/" + id))
	h.Expect(locate("X-Forwarded-Proto", "HTTPS, http")).To(HavePrefix("https://"))
	h.Expect(locate("X-Forwarded-Proto", "http,https")).To(HavePrefix("http://"))
	h.configure("Generic", func(s *Settings) { s.PublicURL = "https://acme.api.example.com/scim/v2" })
	h.Expect(locate("X-Forwarded-Host", "evil.example.com")).To(Equal("https://acme.api.example.com/scim/v2/Users/" + id))
}

// troubled is a store that fails.
type troubled struct {
	store.Store
	err error
}

func (s troubled) Get(context.Context, *scim.ResourceType, string, store.View) (*scim.Resource, error) {
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
		"the client's":     {fmt.Errorf("reading: %w", store.NotFound(&scim.ResourceType{Name: "User"}, "x")), http.StatusNotFound},
		"unavailable":      {fmt.Errorf("reading: %w", store.Unavailable()), http.StatusServiceUnavailable},
		"out of time":      {fmt.Errorf("reading: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
		"of no known kind": {errors.New("bjensen@example.com is broken"), http.StatusInternalServerError},
		"panic":            {nil, http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, troubled{err: test.err})
			r := h.do(http.MethodGet, "/Users/x", "")
			h.expectError(r, test.status, "")
			h.Expect(r.body).NotTo(ContainSubstring("bjensen"))
		})
	}
}

func TestLogHasNoPersonalData(t *testing.T) {
	h := newHarness(t, memory.New())
	id := h.createBabs()
	h.do(http.MethodGet, "/Users?filter="+url.QueryEscape(`userName eq "bjensen@example.com"`), "")
	h.do(http.MethodGet, "/Users?filter="+url.QueryEscape(`userName broken "bjensen@example.com"`), "")
	h.do(http.MethodPost, "/Users", babs)
	h.do(http.MethodPut, "/Users/"+id, `{"userName":{"bjensen@example.com":1}}`)
	h.do(http.MethodGet, "/Users/bjensen@example.com", "")
	h.do(http.MethodGet, "/bjensen@example.com", "")
	log := h.log.String()
	h.Expect(log).To(ContainSubstring(id))
	h.Expect(log).To(ContainSubstring(h.verifier.KeyID))
	h.Expect(log).NotTo(ContainSubstring("bjensen"))
	h.Expect(log).NotTo(ContainSubstring(h.token))
}
