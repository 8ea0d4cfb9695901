package handler_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

const patchActive = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`

func TestResourceLifecycle(t *testing.T) {
	h := servertest.New(t, memory.New())
	created := h.Do(http.MethodPost, "/Users", servertest.Babs)
	h.Expect(created.StatusCode).To(Equal(http.StatusCreated), created.Text)
	id := created.Doc["id"].(string)
	location := h.URL + "/scim/v2/Users/" + id
	h.Expect(created.Header.Get("Location")).To(Equal(location))
	h.Expect(created.Header.Get("Content-Location")).To(Equal(location))
	h.Expect(created.Doc["active"]).To(BeTrue(), "a user is active when nothing else is said")
	meta := created.Doc["meta"].(map[string]any)
	h.Expect(meta["location"]).To(Equal(location))
	h.Expect(meta["version"]).To(Equal(created.Header.Get("ETag")))

	h.ExpectError(h.Do(http.MethodPost, "/Users", servertest.Babs), http.StatusConflict, "uniqueness")

	patched := h.Do(http.MethodPatch, "/Users/"+id, patchActive)
	h.Expect(patched.StatusCode).To(Equal(http.StatusOK), patched.Text)
	h.Expect(patched.Doc["active"]).To(BeFalse())
	h.Expect(patched.Header.Get("ETag")).NotTo(Equal(created.Header.Get("ETag")))

	replaced := h.Do(http.MethodPut, "/Users/"+id, servertest.Babs)
	h.Expect(replaced.StatusCode).To(Equal(http.StatusOK), replaced.Text)
	h.Expect(replaced.Doc["active"]).To(BeFalse(), "a document that is silent about it activates nobody")

	h.Expect(h.Do(http.MethodDelete, "/Users/"+id, "").StatusCode).To(Equal(http.StatusNoContent))
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		h.ExpectError(h.Do(method, "/Users/"+id, ""), http.StatusNotFound, "")
	}
	h.ExpectError(h.Do(http.MethodPut, "/Users/"+id, servertest.Babs), http.StatusNotFound, "")
	h.ExpectError(h.Do(http.MethodPatch, "/Users/"+id, patchActive), http.StatusNotFound, "")
}

func TestEntityTags(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	version := h.Do(http.MethodGet, "/Users/"+id, "").Header.Get("ETag")
	h.Expect(version).To(HavePrefix(`W/"`))

	for _, header := range []string{version, version[2:], `"other", ` + version, "*"} {
		r := h.Do(http.MethodGet, "/Users/"+id, "", "If-None-Match", header)
		h.Expect(r.StatusCode).To(Equal(http.StatusNotModified), header)
		h.Expect(r.Header.Get("ETag")).To(Equal(version))
	}
	h.Expect(h.Do(http.MethodGet, "/Users/"+id, "", "If-None-Match", `W/"other"`).StatusCode).To(Equal(http.StatusOK))

	h.ExpectError(h.Do(http.MethodPatch, "/Users/"+id, patchActive, "If-Match", `W/"other"`), http.StatusPreconditionFailed, "")
	h.ExpectError(h.Do(http.MethodPut, "/Users/"+id, servertest.Babs, "If-Match", `W/"other"`), http.StatusPreconditionFailed, "")
	h.ExpectError(h.Do(http.MethodDelete, "/Users/"+id, "", "If-Match", `W/"other"`), http.StatusPreconditionFailed, "")
	h.Expect(h.Do(http.MethodPatch, "/Users/"+id, patchActive, "If-Match", version).StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.Do(http.MethodDelete, "/Users/"+id, "", "If-Match", "*").StatusCode).To(Equal(http.StatusNoContent))
}

func TestPatchAnswer(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	h.Configure("Entra", func(*exchange.Settings) {})
	r := h.Do(http.MethodPatch, "/Users/"+id, patchActive)
	h.Expect(r.StatusCode).To(Equal(http.StatusNoContent))
	h.Expect(r.Text).To(BeEmpty())
	h.Expect(r.Header.Get("ETag")).NotTo(BeEmpty())
	r = h.Do(http.MethodPatch, "/Users/"+id+"?attributes=active", patchActive)
	h.Expect(r.StatusCode).To(Equal(http.StatusOK))
	h.Expect(r.Doc).To(HaveKeyWithValue("active", false))
	h.Expect(r.Doc).NotTo(HaveKey("userName"))
}

func TestRequiredAttributes(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Configure("Generic", func(s *exchange.Settings) { s.RequiredAttributes = []string{"name.givenName"} })
	id := h.CreateBabs()
	nameless := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"other@example.com"}`
	r := h.Do(http.MethodPost, "/Users", nameless)
	h.ExpectError(r, http.StatusBadRequest, "invalidValue")
	h.Expect(r.Doc["detail"]).To(ContainSubstring("name.givenName"))
	h.ExpectError(h.Do(http.MethodPut, "/Users/"+id, nameless), http.StatusBadRequest, "invalidValue")
	h.ExpectError(h.Do(http.MethodPatch, "/Users/"+id,
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"name.givenName"}]}`),
		http.StatusBadRequest, "invalidValue")
	group := h.Do(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Guides"}`)
	h.Expect(group.StatusCode).To(Equal(http.StatusCreated), group.Text)

	h.Configure("Generic", func(s *exchange.Settings) { s.RequiredAttributes = []string{"emails"} })
	h.Expect(h.Do(http.MethodPatch, "/Users/"+id, patchActive).Doc).To(HaveKeyWithValue("active", false), "who lacks something can be deactivated")
	h.ExpectError(h.Do(http.MethodPatch, "/Users/"+id, strings.Replace(patchActive, "false", "true", 1)), http.StatusBadRequest, "invalidValue")
}

func TestLists(t *testing.T) {
	h := servertest.New(t, memory.New())
	for i := range 5 {
		r := h.Do(http.MethodPost, "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com"}`, i))
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
			h := h.In(t)
			r := h.Do(http.MethodGet, "/Users?"+test.query, "")
			if test.status != 0 {
				h.ExpectError(r, test.status, test.scimType)
				return
			}
			h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
			h.Expect(r.Doc["schemas"]).To(Equal([]any{scim.URNListResponse}))
			h.Expect(r.Doc["totalResults"]).To(Equal(test.total))
			h.Expect(r.Doc["startIndex"]).To(Equal(test.start))
			h.Expect(r.Doc["itemsPerPage"]).To(Equal(test.perPage))
			if test.firstUserName != "" {
				first := r.Doc["Resources"].([]any)[0].(map[string]any)
				h.Expect(first["userName"]).To(Equal(test.firstUserName))
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	h := servertest.New(t, memory.New())
	config := h.Do(http.MethodGet, "/ServiceProviderConfig", "").Doc
	for feature, supported := range map[string]bool{
		"patch": true, "filter": true, "sort": true, "etag": true, "bulk": true, "changePassword": false,
	} {
		h.Expect(config[feature]).To(HaveKeyWithValue("supported", supported), feature)
	}
	h.Expect(config["pagination"]).To(HaveKeyWithValue("cursor", true))
	types := h.Do(http.MethodGet, "/ResourceTypes", "").Doc
	h.Expect(types["totalResults"]).To(BeEquivalentTo(2))
	schemas := h.Do(http.MethodGet, "/Schemas", "").Doc
	h.Expect(schemas["totalResults"]).To(BeEquivalentTo(6))
	for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
		h.ExpectError(h.Do(http.MethodGet, path+"?filter="+url.QueryEscape(`id eq "x"`), ""), http.StatusForbidden, "")
	}
}

// deletions is a store that notes for how long something is to be left of what is deleted.
type deletions struct {
	store.Store
	left []time.Duration
}

func (d *deletions) Delete(ctx context.Context, t *schema.ResourceType, id string, options store.DeleteOptions) error {
	d.left = append(d.left, options.Policy.Tombstones)
	return d.Store.Delete(ctx, t, id, options)
}

func TestReceiversOfEventsHaveAnHourToHearOfADeletion(t *testing.T) {
	noted := &deletions{Store: memory.New()}
	h := servertest.New(t, noted)
	remove := func() {
		h.Expect(h.Do(http.MethodDelete, "/Users/"+h.CreateBabs(), "").StatusCode).To(Equal(http.StatusNoContent))
	}
	remove() // It is not known yet whether there are any.
	h.Shared.Events.Store(&[]string{})
	remove()
	h.Shared.Events.Store(&[]string{"urn:ietf:params:scim:event:prov:delete"})
	remove()
	h.Configure("Generic", func(s *exchange.Settings) { s.Policy.Tombstones = 24 * time.Hour })
	remove()
	h.Expect(noted.left).To(Equal([]time.Duration{time.Hour, 0, time.Hour, 24 * time.Hour}))
}

func TestLocations(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	locate := func(headers ...string) any {
		return h.Do(http.MethodGet, "/Users/"+id, "", headers...).Doc["meta"].(map[string]any)["location"]
	}
	h.Expect(locate()).To(Equal(h.URL + "/scim/v2/Users/" + id))
	h.Expect(locate("X-Forwarded-Proto", "https", "X-Forwarded-Host", "acme.example.com")).
		To(Equal("https://acme.example.com/scim/v2/Users/" + id))
	// Two proxies in a row, of which the client talks to the first.
	h.Expect(locate("X-Forwarded-Proto", "https,http", "X-Forwarded-Host", "acme.example.com, ingress.example.com")).
		To(Equal("https://acme.example.com/scim/v2/Users/" + id))
	h.Expect(locate("X-Forwarded-Proto", "HTTPS, http")).To(HavePrefix("https://"))
	h.Expect(locate("X-Forwarded-Proto", "http,https")).To(HavePrefix("http://"))
	h.Configure("Generic", func(s *exchange.Settings) { s.PublicURL = "https://acme.api.example.com/scim/v2" })
	h.Expect(locate("X-Forwarded-Host", "evil.example.com")).To(Equal("https://acme.api.example.com/scim/v2/Users/" + id))
}

// What is required has to say something: a type without an address is no e-mail address.
func TestRequiredAttributesLookAtContent(t *testing.T) {
	const head = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"other@example.com",`
	patch := func(op string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
	}
	h := servertest.New(t, memory.New())
	h.Configure("Generic", func(s *exchange.Settings) { s.RequiredAttributes = []string{"emails", "title"} })
	whole := head + `"title":"Guide","emails":[{"value":"other@example.com","type":"work"}]}`
	r := h.Do(http.MethodPost, "/Users", whole)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.Text)
	path := "/Users/" + r.Doc["id"].(string)
	for _, members := range []string{
		`"title":"Guide","emails":[{"type":"work"}]`, `"title":"Guide","emails":[{"value":""}]`, `"title":"Guide","emails":[{"value":" ","primary":true}]`,
		`"title":" ","emails":[{"value":"other@example.com"}]`, `"title":"","emails":[{"value":"other@example.com"}]`,
	} {
		h.ExpectError(h.Do(http.MethodPost, "/Users", head+members+`}`), http.StatusBadRequest, "invalidValue")
		h.ExpectError(h.Do(http.MethodPut, path, head+members+`}`), http.StatusBadRequest, "invalidValue")
	}
	for _, op := range []string{
		`{"op":"remove","path":"emails[type eq \"work\"].value"}`, `{"op":"replace","path":"emails","value":[{"type":"work"}]}`,
		`{"op":"replace","path":"title","value":" "}`, `{"op":"replace","value":{"emails":[{"value":""}]}}`,
	} {
		h.ExpectError(h.Do(http.MethodPatch, path, patch(op)), http.StatusBadRequest, "invalidValue")
	}
	h.Expect(h.Do(http.MethodGet, path, "").Doc).To(HaveKeyWithValue("title", "Guide"))
	// Whoever loses what is required can be deactivated at the same time.
	r = h.Do(http.MethodPatch, path, patch(`{"op":"remove","path":"emails[type eq \"work\"].value"},{"op":"replace","path":"active","value":false}`))
	h.Expect(r.Doc).To(HaveKeyWithValue("active", false), r.Text)
}
