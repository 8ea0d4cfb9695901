package accesslog_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// failing is a store that fails with the error of an API server that quotes what it was
// sent.
type failing struct{ store.Store }

func (failing) Delete(context.Context, *schema.ResourceType, string, store.DeleteOptions) error {
	return fmt.Errorf("deleting: %w (%w)", store.Unavailable(), errors.New(`spec.userName: Invalid value: "`+secretValue+`"`))
}

// amongWords is a secret between what the log may quote.
const amongWords = `id" S3cret Smith "id`

// secretValue stands for what must not be in the log: with the quotes that a name may have.
const secretValue = `S3cr"et" Smith`

// The log says why a request was refused, and has nothing that a client sent.
func TestRefusalsInTheLog(t *testing.T) {
	h := servertest.New(t, failing{memory.New()})
	id := h.CreateBabs()
	quoted, inURL := strings.ReplaceAll(secretValue, `"`, `\"`), url.QueryEscape(secretValue)
	user := func(member string) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + quoted + `",` + member + `}`
	}
	patch := func(operation string) string {
		return `{` + servertest.PatchSchema + `,"Operations":[` + operation + `]}`
	}
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
		{http.MethodPost, "/Groups", `{` + servertest.GroupSchema + `,"displayName":"x","members":[{"value":"` + quoted + `"}]}`, 201, "", ""},
		{http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"` + quoted + `"}]}`, 0, "", ""},
		{http.MethodDelete, "/Users/" + id, "", 503, "", "does not answer"},
	} {
		t.Run(test.method+" "+test.path+" "+test.body, func(t *testing.T) {
			h := h.In(t)
			h.Log.Reset()
			r := h.Do(test.method, test.path, test.body)
			h.Expect(h.Log.String()).NotTo(Or(ContainSubstring("S3cr"), ContainSubstring("Smith"), ContainSubstring("S3cr%22")))
			if test.status == 0 {
				return
			}
			h.Expect(r.StatusCode).To(Equal(test.status), r.Text)
			line := h.LastLine()
			if test.status < 400 {
				h.Expect(line).NotTo(HaveKey("detail"))
				return
			}
			h.Expect(line).To(HaveKeyWithValue("detail", ContainSubstring(test.says)))
			if test.scimType != "" {
				h.Expect(line).To(HaveKeyWithValue("scimType", test.scimType))
			}
			h.Expect(r.Doc["detail"]).To(ContainSubstring(r.Header.Get("X-Request-Id")), "the client learns what finds the line")
		})
	}
}

// Members that are left out are counted and told, and nobody learns their ids from it.
func TestDroppedMembers(t *testing.T) {
	h := servertest.New(t, memory.New())
	h.Configure("Okta", func(*exchange.Settings) {})
	group := h.Do(http.MethodPost, "/Groups", `{`+servertest.GroupSchema+`,"displayName":"x","members":[{"value":"nobody-1"},{"value":"nobody-2"}]}`)
	h.Expect(group.StatusCode).To(Equal(http.StatusCreated))
	h.Expect(h.LastLine()).To(And(HaveKeyWithValue("droppedMembers", BeEquivalentTo(2)), HaveKeyWithValue("id", group.Doc["id"])))
	h.Expect(h.Do(http.MethodPatch, "/Groups/"+group.Doc["id"].(string), `{`+servertest.PatchSchema+`,"Operations":[{"op":"add","path":"members","value":[{"value":"nobody-3"}]}]}`).StatusCode).
		To(Equal(http.StatusOK))
	h.Expect(h.LastLine()).To(HaveKeyWithValue("droppedMembers", BeEquivalentTo(1)))
	h.Expect(h.Counter("kubescim_members_dropped_total")).To(BeEquivalentTo(3))
	h.CreateBabs()
	h.Expect(h.LastLine()).NotTo(HaveKey("droppedMembers"))
	h.Expect(h.Log.String()).NotTo(ContainSubstring("nobody-"))
}

func TestRequestsAreCountedByScimType(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	h.ExpectError(h.Do(http.MethodPost, "/Users", servertest.Babs), http.StatusConflict, "uniqueness")
	h.ExpectError(h.Do(http.MethodGet, "/Users?filter="+url.QueryEscape(`userName is "x"`), ""), http.StatusBadRequest, "invalidFilter")
	h.ExpectError(h.Do(http.MethodGet, "/Users/"+uuid.NewString(), ""), http.StatusNotFound, "")
	for range 2 {
		h.Do(http.MethodGet, "/Users/"+id, "")
	}
	for _, one := range []struct {
		code, scimType string
		want           int
	}{
		{"201", "", 1}, {"409", "uniqueness", 1}, {"400", "invalidFilter", 1}, {"404", "", 1}, {"200", "", 2},
	} {
		h.Expect(h.Counter("kubescim_requests_total", "code", one.code, "scim_type", one.scimType)).
			To(BeEquivalentTo(one.want), "%s %s", one.code, one.scimType)
	}
}

func TestLogLines(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	for _, test := range []struct {
		method, path, level, resource, logged string
		status                                int
		also                                  []string
	}{
		{http.MethodGet, "/Users/" + id, "INFO", "Users", "GET", http.StatusOK, []string{"id", "keyID", "source"}},
		{http.MethodGet, "/Users/x", "INFO", "Users", "GET", http.StatusNotFound, []string{"keyID", "source", "detail"}},
		{http.MethodGet, "/nothing", "INFO", "unknown", "GET", http.StatusNotFound, []string{"keyID", "source", "detail"}},
		{"BREW", "/Users", "INFO", "Users", "other", http.StatusMethodNotAllowed, []string{"keyID", "source", "detail"}},
		{http.MethodGet, "/Me", "INFO", "Me", "GET", http.StatusNotImplemented, []string{"keyID", "source", "detail"}},
	} {
		// Twice, since what a line has in common with others is kept.
		for range 2 {
			began := time.Now()
			r := h.Do(test.method, test.path, "")
			line := h.LastLine()
			h.Expect(line).To(And(
				HaveKeyWithValue("msg", "request"), HaveKeyWithValue("level", test.level),
				HaveKeyWithValue("method", test.logged), HaveKeyWithValue("resource", test.resource),
				HaveKeyWithValue("status", BeEquivalentTo(test.status)),
				HaveKeyWithValue("requestID", r.Header.Get("X-Request-Id")),
				HaveKeyWithValue("duration", BeNumerically(">", 0))))
			h.Expect(line).To(HaveLen(8 + len(test.also)))
			for _, field := range test.also {
				h.Expect(line).To(HaveKey(field))
			}
			at, err := time.Parse(time.RFC3339Nano, line["time"].(string))
			h.Expect(err).NotTo(HaveOccurred())
			h.Expect(at).To(BeTemporally("~", began, 10*time.Second))
		}
	}
	h.Expect(h.Do(http.MethodGet, "/Users/"+id, "").StatusCode).To(Equal(http.StatusOK))
	h.Expect(h.LastLine()).To(And(HaveKeyWithValue("id", id), HaveKeyWithValue("keyID", h.Verifier.KeyID)))
}

// Methods that somebody makes up cost no memory and no series.
func TestMadeUpMethods(t *testing.T) {
	h := servertest.New(t, memory.New())
	for i := range 5 {
		h.ExpectError(h.Do(fmt.Sprintf("BREW%d", i), "/Users", ""), http.StatusMethodNotAllowed, "")
	}
	h.Expect(testutil.GatherAndCount(h.Metrics, "kubescim_request_duration_seconds")).To(Equal(1))
	h.Expect(accesslog.Known(h.Shared.Log)).To(Equal(1))
}

func TestLogHasNoPersonalData(t *testing.T) {
	h := servertest.New(t, memory.New())
	id := h.CreateBabs()
	h.Do(http.MethodGet, "/Users?filter="+url.QueryEscape(`userName eq "bjensen@example.com"`), "")
	h.Do(http.MethodGet, "/Users?filter="+url.QueryEscape(`userName broken "bjensen@example.com"`), "")
	h.Do(http.MethodPost, "/Users", servertest.Babs)
	h.Do(http.MethodPut, "/Users/"+id, `{"userName":{"bjensen@example.com":1}}`)
	h.Do(http.MethodGet, "/Users/bjensen@example.com", "")
	h.Do(http.MethodGet, "/bjensen@example.com", "")
	log := h.Log.String()
	h.Expect(log).To(ContainSubstring(id))
	h.Expect(log).To(ContainSubstring(h.Verifier.KeyID))
	h.Expect(log).NotTo(ContainSubstring("bjensen"))
	h.Expect(log).NotTo(ContainSubstring(h.Token))
}
