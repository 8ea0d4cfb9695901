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
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// failing is a store that fails with the error of an API server that quotes what it was
// sent.
type failing struct{ store.Store }

func (failing) Delete(context.Context, *scim.ResourceType, string, store.DeleteOptions) error {
	return fmt.Errorf("deleting: %w (%w)", store.Unavailable(), errors.New(`spec.userName: Invalid value: "`+secretValue+`"`))
}

// amongWords is a secret between what the log may quote.
const amongWords = `id" S3cret Smith "id`

// secretValue stands for what must not be in the log: with the quotes that a name may have.
const secretValue = `S3cr"et" Smith`

// The log says why a request was refused, and has nothing that a client sent.
func TestRefusalsInTheLog(t *testing.T) {
	h := newHarness(t, failing{memory.New()})
	id := h.createBabs()
	quoted, inURL := strings.ReplaceAll(secretValue, `"`, `\"`), url.QueryEscape(secretValue)
	user := func(member string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + quoted + `",` + member + `}`
	}
	patch := func(operation string) string { return `{` + patchSchema + `,"Operations":[` + operation + `]}` }
	for _, test := range []struct {
		method, path, body string
		status             int
		scimType, says     string
	}{
		{http.MethodGet, "/Users/" + url.PathEscape(secretValue), "", 404, "", "User"},
		{http.MethodGet, "/Users?filter=" + url.QueryEscape(`userName eq "`+quoted), "", 400, "invalidFilter", "filter"},
		{http.MethodGet, "/Users?filter=" + inURL + "+eq+1", "", 400, "invalidFilter", "filter"},
		{http.MethodGet, "/Users?filter=" + url.QueryEscape(`userName eq `+secretValue), "", 400, "invalidFilter", "filter"},
		{http.MethodGet, "/Users?sortBy=" + inURL, "", 400, "invalidValue", "sortBy"},
		{http.MethodGet, "/Users?count=" + inURL, "", 400, "invalidValue", "count"},
		{http.MethodGet, "/Users?cursor=" + inURL, "", 400, "invalidCursor", "cursor"},
		{http.MethodGet, "/" + url.PathEscape(secretValue), "", 404, "", "/scim/v2"},
		{http.MethodGet, "/Schemas/" + url.PathEscape(secretValue), "", 404, "", "schema"},
		{http.MethodPost, "/Users", user(`"` + quoted + `":1`), 400, "invalidSyntax", "no attribute of User"},
		{http.MethodPost, "/Users", user(`"name":{"` + quoted + `":1}`), 400, "invalidSyntax", `"name" has no sub-attribute`},
		{http.MethodPost, "/Users", user(`"active":"` + quoted + `"`), 400, "invalidValue", `"active" must be`},
		{http.MethodPost, "/Users", user(`"emails":"` + quoted + `"`), 400, "invalidValue", `"emails"`},
		{http.MethodPost, "/Users", `{"userName":"` + quoted + `",`, 400, "invalidSyntax", "JSON"},
		{http.MethodPost, "/Users", `{"userName":` + secretValue + `}`, 400, "invalidSyntax", "JSON"},
		{http.MethodPost, "/Users", strings.Replace(user(`"title":"x"`), "core:2.0:User", quoted, 1), 400, "invalidSyntax", "schemas"},
		{http.MethodPatch, "/Users/" + id, patch(`{"op":"` + quoted + `","path":"title","value":"x"}`), 400, "", "op"},
		{http.MethodPatch, "/Users/" + id, patch(`{"op":"add","path":"` + quoted + `","value":"x"}`), 400, "invalidPath", "path"},
		{http.MethodPatch, "/Users/" + id, patch(`{"op":"add","path":"emails.` + quoted + `","value":"x"}`), 400, "invalidPath", "path"},
		{http.MethodPatch, "/Users/" + id, patch(`{"op":"replace","path":"emails[value eq \"` + strings.ReplaceAll(quoted, `\`, `\\\`) + `\"]","value":{"type":"work"}}`), 400, "noTarget", "emails"},
		{http.MethodGet, "/Users?sortBy=" + url.QueryEscape(amongWords), "", 400, "invalidValue", "sortBy"},
		{http.MethodPost, "/Users", user(`"` + strings.ReplaceAll(amongWords, `"`, `\"`) + `":1`), 400, "invalidSyntax", "no attribute of User"},
		{http.MethodPatch, "/Users/" + id, patch(`{"op":"add","value":{"` + strings.ReplaceAll(amongWords, `"`, `\"`) + `":1}}`), 400, "invalidSyntax", "no attribute of User"},
		{"S3cret-Smith", "/Users", "", 405, "", "GET, HEAD, POST"},
		{http.MethodPost, "/Groups", `{` + groupSchema + `,"displayName":"x","members":[{"value":"` + quoted + `"}]}`, 201, "", ""},
		{http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"` + quoted + `"}]}`, 0, "", ""},
		{http.MethodDelete, "/Users/" + id, "", 503, "", "does not answer"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			h := &harness{WithT: NewWithT(t), tenant: h.tenant, url: h.url, token: h.token, log: h.log}
			h.log.Reset()
			r := h.do(test.method, test.path, test.body)
			h.Expect(h.log.String()).NotTo(Or(ContainSubstring("S3cr"), ContainSubstring("Smith"), ContainSubstring("S3cr%22")))
			if test.status == 0 {
				return
			}
			h.Expect(r.StatusCode).To(Equal(test.status), r.body)
			line := h.lastLine()
			if test.status < 400 {
				h.Expect(line).NotTo(HaveKey("detail"))
				return
			}
			h.Expect(line).To(HaveKeyWithValue("detail", ContainSubstring(test.says)))
			if test.scimType != "" {
				h.Expect(line).To(HaveKeyWithValue("scimType", test.scimType))
			}
			h.Expect(r.doc["detail"]).To(ContainSubstring(r.Header.Get("X-Request-Id")), "the client learns what finds the line")
		})
	}
}

func TestWords(t *testing.T) {
	g := NewWithT(t)
	registry, err := scim.NewRegistry()
	g.Expect(err).NotTo(HaveOccurred())
	known := wordsOf(registry)
	for text, want := range map[string]string{
		`"name.givenName" must be a string`:            `"name.givenName" must be a string`,
		`User "bjensen" does not exist`:                `User "…" does not exist`,
		`"name" has no sub-attribute "b"j"ensen" here`: `"name" has no sub-attribute "…" here`,
		`an open "quote`:                               `an open "…"`,
		`no quotes`:                                    `no quotes`,
	} {
		g.Expect(known.without(text)).To(Equal(want))
	}
}

// Members that are left out are counted and told, and nobody learns their ids from it.
func TestDroppedMembers(t *testing.T) {
	h := newHarness(t, memory.New())
	h.configure("Okta", func(*Settings) {})
	group := h.do(http.MethodPost, "/Groups", `{`+groupSchema+`,"displayName":"x","members":[{"value":"nobody-1"},{"value":"nobody-2"}]}`)
	h.Expect(group.StatusCode).To(Equal(http.StatusCreated))
	h.Expect(h.lastLine()).To(And(HaveKeyWithValue("droppedMembers", BeEquivalentTo(2)), HaveKeyWithValue("id", group.doc["id"])))
	h.Expect(h.do(http.MethodPatch, "/Groups/"+group.doc["id"].(string), `{`+patchSchema+`,"Operations":[{"op":"add","path":"members","value":[{"value":"nobody-3"}]}]}`).StatusCode).
		To(Equal(http.StatusOK))
	h.Expect(h.lastLine()).To(HaveKeyWithValue("droppedMembers", BeEquivalentTo(1)))
	h.Expect(testutil.ToFloat64(h.tenant.outcomes.metrics.dropped)).To(BeEquivalentTo(3))
	h.createBabs()
	h.Expect(h.lastLine()).NotTo(HaveKey("droppedMembers"))
	h.Expect(h.log.String()).NotTo(ContainSubstring("nobody-"))
}
