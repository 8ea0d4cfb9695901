package accesslog_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// What is kept of requests says what each was to do and what came of it, and has nothing that a client
// sent.
func TestRequestsAreKept(t *testing.T) {
	h := servertest.New(t, memory.New())
	log := (&requestlog.Memory{}).New()
	h.Tenant.KeepRequests(log)
	began := time.Now()
	id := h.CreateBabs()
	patch := func(operation string) string {
		return `{` + servertest.PatchSchema + `,"Operations":[` + operation + `]}`
	}
	for _, sent := range []struct {
		method, path, body string
	}{
		{http.MethodPost, "/Users", servertest.Babs},
		{http.MethodGet, "/Users?filter=" + url.QueryEscape(`userName eq "bjensen@example.com"`), ""},
		{http.MethodGet, "/Users?filter=" + url.QueryEscape(`userName broken "bjensen@example.com"`), ""},
		{http.MethodGet, "/Users/bjensen@example.com", ""},
		{http.MethodPut, "/Users/" + id, `{"userName":{"bjensen@example.com":1}}`},
		{http.MethodPatch, "/Users/" + id, patch(`{"op":"replace","path":"active","value":false}`)},
		{http.MethodPost, "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`},
		{http.MethodPost, "/Bulk", servertest.BulkBody(`{"method":"DELETE","path":"/Users/` + id + `"}`)},
		{http.MethodGet, "/Schemas", ""},
		{http.MethodGet, "/bjensen@example.com", ""},
	} {
		h.Do(sent.method, sent.path, sent.body)
	}
	h.Send(http.MethodGet, "/scim/v2/Users", "")

	records := log.Records()
	line := func(operation requestlog.Operation, resource string, status int, scimType string, more ...OmegaMatcher) OmegaMatcher {
		return SatisfyAll(append([]OmegaMatcher{
			HaveField("Operation", operation), HaveField("Resource", resource), HaveField("Status", status), HaveField("ScimType", scimType),
		}, more...)...)
	}
	h.Expect(records).To(ConsistOf(
		line(requestlog.Create, "Users", 201, "", HaveField("ID", id), HaveField("KeyID", h.Verifier.KeyID), HaveField("Detail", "")),
		line(requestlog.Create, "Users", 409, "uniqueness", HaveField("ID", ""), HaveField("Detail", ContainSubstring("userName"))),
		line(requestlog.List, "Users", 200, ""),
		line(requestlog.List, "Users", 400, "invalidFilter"),
		line(requestlog.Get, "Users", 404, "", HaveField("ID", "")),
		line(requestlog.Replace, "Users", 400, "invalidSyntax", HaveField("ID", id)),
		line(requestlog.Modify, "Users", 200, "", HaveField("ID", id)),
		line(requestlog.List, "Users", 200, ""),
		line(requestlog.Delete, "Users", 204, "", HaveField("ID", id), HaveField("RequestID", HaveSuffix(".0"))),
		line(requestlog.Bulk, "Bulk", 200, ""),
		line(requestlog.Discover, "Schemas", 200, ""),
		line("", "unknown", 404, ""),
		line("", "", 401, "", HaveField("Reason", "Missing"), HaveField("KeyID", "")),
	))
	for _, record := range records {
		h.Expect(record.Time).To(BeTemporally("~", began, 10*time.Second))
	}
	text, err := json.Marshal(records)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(string(text)).NotTo(Or(ContainSubstring("bjensen"), ContainSubstring(h.Token), ContainSubstring("127.0.0.1")))
}
