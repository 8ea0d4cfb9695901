package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store/memory"
)

const (
	userSchema  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	groupSchema = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
	patchSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
)

// bulkDo sends operations and returns the results.
func (h *harness) bulkDo(operations ...string) []map[string]any {
	r := h.do(http.MethodPost, "/Bulk", bulkBody(operations...))
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.body)
	h.Expect(r.doc["schemas"]).To(Equal([]any{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"}))
	var results []map[string]any
	for _, result := range r.doc["Operations"].([]any) {
		results = append(results, result.(map[string]any))
	}
	return results
}

func bulkBody(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

func TestBulk(t *testing.T) {
	h := newHarness(t, memory.New())
	// RFC 7644 section 3.7.2, with the group first, which refers to what comes later.
	results := h.bulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{`+groupSchema+`,"displayName":"Tour Guides","members":[{"type":"User","value":"bulkId:qwerty"}]}}`,
		`{"method":"POST","path":"/Users","bulkId":"qwerty","data":{`+userSchema+`,"userName":"Alice"}}`,
	)
	h.Expect(results).To(HaveLen(2))
	h.Expect(results[0]).To(And(HaveKeyWithValue("bulkId", "ytrewq"), HaveKeyWithValue("status", "201"), HaveKeyWithValue("method", "POST")))
	user := results[1]["location"].(string)
	h.Expect(results[1]["version"]).To(HavePrefix("W/"))
	group := h.do(http.MethodGet, strings.TrimPrefix(results[0]["location"].(string), h.url+"/scim/v2"), "")
	members := group.doc["members"].([]any)
	h.Expect(members).To(HaveLen(1))
	h.Expect(members[0]).To(HaveKeyWithValue("$ref", user))

	path := strings.TrimPrefix(user, h.url+"/scim/v2")
	results = h.bulkDo(
		`{"method":"PATCH","path":"`+path+`","version":"W/\"other\"","data":{`+patchSchema+`,"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
		`{"method":"PATCH","path":"`+path+`","data":[{"op":"remove","path":"nickName"},{"op":"replace","path":"title","value":"Dave"}]}`,
		`{"method":"PUT","path":"`+path+`","data":{`+userSchema+`,"userName":"Alice","title":"Guide"}}`,
		`{"method":"DELETE","path":"`+path+`"}`,
		`{"method":"DELETE","path":"`+path+`"}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"412", "200", "200", "204", "404"}))
	h.Expect(results[0]["response"]).To(HaveKeyWithValue("status", "412"))
	h.Expect(results[4]["location"]).To(Equal(user))
}

func statuses(results []map[string]any) (all []string) {
	for _, result := range results {
		all = append(all, result["status"].(string))
	}
	return all
}

func TestBulkCircle(t *testing.T) {
	h := newHarness(t, memory.New())
	results := h.bulkDo(
		`{"method":"POST","path":"/Groups","bulkId":"a","data":{`+groupSchema+`,"displayName":"A","members":[{"value":"bulkId:b"}]}}`,
		`{"method":"POST","path":"/Groups","bulkId":"b","data":{`+groupSchema+`,"displayName":"B","members":[{"value":"bulkId:a"}]}}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"201", "201"}))
	for i, other := range []int{1, 0} {
		r := h.do(http.MethodGet, strings.TrimPrefix(results[i]["location"].(string), h.url+"/scim/v2"), "")
		h.Expect(r.doc["members"].([]any)[0]).To(HaveKeyWithValue("$ref", results[other]["location"]))
		h.Expect(r.Header.Get("ETag")).To(Equal(results[i]["version"]))
	}
}

func TestBulkErrors(t *testing.T) {
	h := newHarness(t, memory.New())
	create := func(id, userName string) string {
		return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{`+userSchema+`,"userName":%q}}`, id, userName)
	}
	results := h.bulkDo(
		create("1", "alice"), create("2", "ALICE"),
		`{"method":"PATCH","path":"/Users/bulkId:2","data":{`+patchSchema+`,"Operations":[]}}`,
		`{"method":"PATCH","path":"/Users/bulkId:nobody","data":{`+patchSchema+`,"Operations":[]}}`,
		`{"method":"POST","path":"/Users","data":{`+userSchema+`,"userName":"bob"}}`,
		`{"method":"POST","path":"/Bulk","bulkId":"3","data":{}}`,
		`{"method":"GET","path":"/Users"}`,
		`{"method":"POST","path":"/Users/.search","bulkId":"4","data":{}}`,
		`{"method":"PATCH","path":"/Users/bulkId:1","data":{`+patchSchema+`,"Operations":[{"op":"add","path":"title","value":"x"}]}}`,
	)
	h.Expect(statuses(results)).To(Equal([]string{"201", "409", "409", "409", "400", "400", "400", "400", "200"}))
	h.Expect(results[1]["response"]).To(HaveKeyWithValue("scimType", "uniqueness"))

	r := h.do(http.MethodPost, "/Bulk", strings.Replace(bulkBody(create("5", "alice"), create("6", "carol")), `"Operations"`, `"failOnErrors":1,"Operations"`, 1))
	h.Expect(r.doc["Operations"]).To(HaveLen(1), "nothing is done after the first error")

	many := make([]string, h.tenant.limits.BulkOperations+1)
	for i := range many {
		many[i] = `{}`
	}
	r = h.do(http.MethodPost, "/Bulk", bulkBody(many...))
	h.expectError(r, http.StatusRequestEntityTooLarge, "")
	h.Expect(r.doc["detail"]).To(ContainSubstring("1000"))
	h.expectError(h.do(http.MethodPost, "/Bulk", `{"Operations":[]}`), http.StatusBadRequest, "invalidSyntax")
	h.expectError(h.do(http.MethodPost, "/Bulk", bulkBody()), http.StatusBadRequest, "invalidSyntax")
	h.Expect(statuses(h.bulkDo(create("7", "a"), create("7", "b"), create("8", "c")))).To(Equal([]string{"400", "400", "201"}))
	r = h.do(http.MethodPost, "/Bulk", strings.Replace(bulkBody(create("9", "alice"), create("10", "erin")), `"Operations"`, `"failOnErrors":0,"Operations"`, 1))
	h.Expect(r.doc["Operations"]).To(HaveLen(2), "0 is no limit")
}
