package auditlog_test

import (
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// Values that must be in no line.
const (
	givenName  = "Planted-Barbara"
	department = "Planted-Sales"
	otherName  = "planted-other@example.com"
)

const urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// whole is a user with an extension.
const whole = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + urnEnterprise + `"],"userName":"` + otherName + `","externalId":"Planted-1",` +
	`"name":{"givenName":"` + givenName + `"},"password":"Planted-Secret","` + urnEnterprise + `":{"department":"` + department + `"}}`

func patch(operations ...string) string {
	return `{` + servertest.PatchSchema + `,"Operations":[` + strings.Join(operations, ",") + `]}`
}

func replace(path, value string) string {
	return patch(`{"op":"replace","path":"` + path + `","value":` + value + `}`)
}

// session sends a request of each kind, and returns the id of the user who is left.
func session(h *servertest.Harness) (user string) {
	user = h.CreateBabs()
	other := h.Do(http.MethodPost, "/Users", whole).Doc["id"].(string)
	group := h.Do(http.MethodPost, "/Groups", `{`+servertest.GroupSchema+`,"displayName":"Planted Group","members":[{"value":"`+user+`"}]}`).Doc["id"].(string)
	for _, request := range [][3]string{
		{http.MethodPatch, "/Users/" + user, replace("name.givenName", `"`+givenName+`"`)},
		{http.MethodPatch, "/Users/" + user, replace("name.givenName", `"`+givenName+`"`)},
		{http.MethodPatch, "/Users/" + user, replace(urnEnterprise+":department", `"`+department+`"`)},
		{http.MethodPatch, "/Users/" + user, replace("active", `"`+givenName+`"`)},
		{http.MethodPatch, "/Users/" + user, replace("password", `"Planted-Secret"`)},
		{http.MethodPatch, "/Users/" + givenName, replace("active", "false")},
		{http.MethodPost, "/Users", whole},
		{http.MethodPut, "/Users/" + user, servertest.Babs},
		{http.MethodPatch, "/Groups/" + group, patch(`{"op":"add","path":"members","value":[{"value":"` + user + `"}]}`)},
		{http.MethodPatch, "/Groups/" + group, patch(`{"op":"add","path":"members","value":[{"value":"` + other + `"}]}`)},
		{http.MethodDelete, "/Users/" + other, ""},
		{http.MethodDelete, "/Users/" + other, ""},
		{http.MethodPut, "/Users", whole},
		{http.MethodPost, "/Bulk", servertest.BulkBody(
			`{"method":"POST","path":"/Users","bulkId":"q","data":`+whole+`}`,
			`{"method":"PATCH","path":"/Users/`+user+`","data":`+replace("title", `"`+givenName+`"`)+`}`)},
		{http.MethodPost, "/Bulk", `{"Planted":true}`},
		{http.MethodGet, "/Users/" + user, ""},
		{http.MethodPost, "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName pr"}`},
	} {
		h.Do(request[0], request[1], request[2])
	}
	return user
}

// Each request to change something has one line, which says by whom and what, and no line has a value.
func TestLines(t *testing.T) {
	h := servertest.New(t, memory.New())
	user := session(h)
	type line = map[string]any
	want := []line{
		{"operation": "Create", "resource": "Users", "result": "Succeeded", "status": 201, "changed": []any{"active", "name.givenName", "userName"}},
		{"operation": "Create", "resource": "Users", "result": "Succeeded", "status": 201,
			"changed": []any{"active", "externalId", "name.givenName", urnEnterprise + ":department", "userName"}},
		{"operation": "Create", "resource": "Groups", "result": "Succeeded", "status": 201, "changed": []any{"displayName", "members"}},
		{"operation": "Modify", "resource": "Users", "id": user, "result": "Succeeded", "status": 200, "changed": []any{"name.givenName"}},
		{"operation": "Modify", "resource": "Users", "id": user, "result": "Unchanged", "status": 200},
		{"operation": "Modify", "resource": "Users", "id": user, "result": "Succeeded", "status": 200, "changed": []any{urnEnterprise + ":department"}},
		{"operation": "Modify", "resource": "Users", "id": user, "result": "Refused", "status": 400, "scimType": "invalidValue"},
		{"operation": "Modify", "resource": "Users", "id": user, "result": "Unchanged", "status": 200},
		{"operation": "Modify", "resource": "Users", "result": "Refused", "status": 404},
		{"operation": "Create", "resource": "Users", "result": "Refused", "status": 409, "scimType": "uniqueness"},
		{"operation": "Replace", "resource": "Users", "id": user, "result": "Succeeded", "status": 200, "changed": []any{"name.givenName", urnEnterprise + ":department"}},
		{"operation": "Modify", "resource": "Groups", "result": "Unchanged", "status": 200},
		{"operation": "Modify", "resource": "Groups", "result": "Succeeded", "status": 200, "changed": []any{"members"}},
		{"operation": "Delete", "resource": "Users", "result": "Succeeded", "status": 204},
		{"operation": "Delete", "resource": "Users", "result": "Refused", "status": 404},
		{"operation": "Replace", "resource": "Users", "result": "Refused", "status": 405},
		{"operation": "Create", "resource": "Users", "result": "Succeeded", "status": 201, "inBulk": true,
			"changed": []any{"active", "externalId", "name.givenName", urnEnterprise + ":department", "userName"}},
		{"operation": "Modify", "resource": "Users", "id": user, "result": "Succeeded", "status": 200, "inBulk": true, "changed": []any{"title"}},
		{"operation": "Bulk", "resource": "Bulk", "result": "Refused", "status": 400, "scimType": "invalidSyntax"},
	}
	audited := h.Audited()
	inBulk := func(l line) bool { return l["inBulk"] == true }
	byOperation := func(a, b line) int { return strings.Compare(a["operation"].(string), b["operation"].(string)) }
	first := slices.IndexFunc(audited, inBulk) // They are made side by side.
	slices.SortFunc(audited[first:first+2], byOperation)
	h.Expect(audited).To(HaveLen(len(want)))
	for i, line := range audited {
		h.Expect(line).To(And(
			HaveKeyWithValue("level", "INFO"), HaveKeyWithValue("msg", "change"), HaveKeyWithValue("namespace", "acme"), HaveKeyWithValue("tenant", "acme"),
			HaveKeyWithValue("key", "entra"), HaveKeyWithValue("keyID", h.Verifier.KeyID), HaveKeyWithValue("source", "127.0.0.1"),
		), "%v", line)
		for field, value := range want[i] {
			h.Expect(line).To(HaveKeyWithValue(field, BeEquivalentTo(value)), "%v", line)
		}
		for _, optional := range []string{"changed", "scimType", "inBulk"} {
			if want[i][optional] == nil {
				h.Expect(line).NotTo(HaveKey(optional), "%v", line)
			}
		}
	}
	h.Expect(h.Log.String()).NotTo(MatchRegexp(`(?i)planted|bjensen|Barbara`))
}

// A line leads to the one of its request in the log, and a request that changes nothing has none.
func TestLinesAndRequests(t *testing.T) {
	h := servertest.New(t, memory.New())
	answer := h.Do(http.MethodPost, "/Users", servertest.Babs)
	h.Expect(h.LastLine()["msg"]).To(Equal("request"))
	h.Expect(h.Audited()).To(HaveExactElements(HaveKeyWithValue("requestID", answer.Header.Get("X-Request-Id"))))

	h.Do(http.MethodGet, "/Users", "")
	h.Send(http.MethodPost, "/scim/v2/Users", servertest.UserNamed(1))
	h.Expect(h.Audited()).To(HaveLen(1), "a read, and one without a token")

	h.Grant(apikey.Grant{ReadOnly: true})
	h.ExpectError(h.Do(http.MethodPost, "/Users", servertest.UserNamed(1)), http.StatusForbidden, "")
	h.Expect(h.Audited()[1]).To(And(HaveKeyWithValue("result", "Refused"), HaveKeyWithValue("status", BeEquivalentTo(403))))
}

// The schema is the one of the document: what is in a line is there, and what is there is in some line.
func TestFieldsAreDocumented(t *testing.T) {
	g := NewWithT(t)
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "audit.md"))
	g.Expect(err).NotTo(HaveOccurred())
	_, section, found := strings.Cut(string(document), "\n## What a line has\n")
	g.Expect(found).To(BeTrue())
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|(.*)$").FindAllStringSubmatch(section, -1) {
		documented[row[1]] = row[2]
	}
	h := servertest.New(t, memory.New())
	session(h)
	h.Configure("Okta", func(*exchange.Settings) {})
	h.Do(http.MethodPost, "/Groups", `{`+servertest.GroupSchema+`,"displayName":"x","members":[{"value":"nobody"}]}`)
	auditlog.New(slog.New(slog.NewJSONHandler(h.Log, nil)), "acme", "acme").WriteExpiry("Users", uuid.NewString(), uuid.NewString())
	seen := map[string]bool{}
	for _, line := range h.Audited() {
		for field, value := range line {
			g.Expect(documented).To(HaveKey(field), "%v", line)
			seen[field] = true
			if field == "operation" || field == "result" {
				g.Expect(documented[field]).To(ContainSubstring("`" + value.(string) + "`"))
			}
		}
	}
	g.Expect(slices.Sorted(maps.Keys(documented))).To(Equal(slices.Sorted(maps.Keys(seen))))
}
