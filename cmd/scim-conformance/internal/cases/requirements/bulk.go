package requirements

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// bulkCases is section 3.7 of RFC 7644.
func bulkCases() []suite.Case {
	bulk, bulkETag := suite.Needs(suite.BulkFeature), suite.Needs(suite.BulkFeature, suite.ETagFeature)
	return []suite.Case{
		{Name: "each operation answers with location, status as a string, and version", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			u, gone := t.User(), t.User()
			a := t.Bulk("", suite.BulkPost("/Users", "one", t.UserDoc()), suite.BulkOn("PUT", u.Path, t.UserDoc(`"userName":`+suite.Quoted(u.Name), `"title":"Put"`)),
				suite.BulkOn("PATCH", u.Path, suite.Parse(suite.PatchOf(`{"op":"add","path":"nickName","value":"N"}`))), suite.BulkOn("DELETE", gone.Path, nil))
			o := suite.BulkResults(a, 4)
			a.Expect(o[0]["bulkId"] == "one" && o[0]["method"] == "POST", "the bulkId and method of the operation")
			suite.BulkMade(a, o[0], "/Users").Get()
			a.Expect(o[1]["status"] == "200" && (o[2]["status"] == "200" || o[2]["status"] == "204") && o[3]["status"] == "204", "status 200, 200 or 204, and 204")
			u.Get().Has("title", "Put").Has("nickName", "N")
			t.Get(gone.Path).Refused(http.StatusNotFound)
			if t.Suite.Supports(suite.ETagFeature) {
				a.Expect(o[0]["version"] != nil && o[1]["version"] != nil, "the version of POST and PUT")
			}
		}},
		{Name: "a POST must have a bulkId", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			doc := t.UserDoc()
			a := t.Bulk("", suite.BulkOn("POST", "/Users", doc))
			if a.Status == http.StatusOK {
				a.Expect(suite.BulkResults(a, 1)[0]["status"] == "400", "status 400 for the operation")
			} else {
				a.Refused(http.StatusBadRequest)
			}
			t.Filter("/Users", `userName eq `+suite.Quoted(doc["userName"].(string))).Lists()
		}},
		{Name: "failOnErrors stops after that many errors", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			u, last := t.User(), t.UserDoc()
			double := t.UserDoc(`"userName":` + suite.Quoted(u.Name))
			a := t.Bulk(`"failOnErrors":2`, suite.BulkPost("/Users", "a", double), suite.BulkPost("/Users", "b", t.UserDoc()), suite.BulkOn("DELETE", "/Users/"+t.Random(), nil), suite.BulkPost("/Users", "c", last))
			o := suite.BulkResults(a, 3)
			a.Expect(o[0]["status"] == "409" && o[1]["status"] == "201" && o[2]["status"] == "404", "status 409, 201, 404, and no more")
			t.Filter("/Users", `userName eq `+suite.Quoted(last["userName"].(string))).Lists()
		}},
		{Name: "without failOnErrors all are tried", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			u := t.User()
			double := t.UserDoc(`"userName":` + suite.Quoted(u.Name))
			a := t.Bulk("", suite.BulkPost("/Users", "a", double), suite.BulkPost("/Users", "b", double), suite.BulkPost("/Users", "c", t.UserDoc()))
			o := suite.BulkResults(a, 3)
			a.Expect(o[0]["status"] == "409" && o[1]["status"] == "409" && o[2]["status"] == "201", "status 409, 409, 201")
		}},
		{Name: "a bulkId refers to what another operation makes", Source: "RFC 7644 §3.7.2", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkPost("/Users", "u", t.UserDoc()), suite.BulkPost("/Groups", "g", t.GroupDoc(`"members":[{"value":"bulkId:u","type":"User"}]`)))
			o := suite.BulkResults(a, 2)
			suite.BulkMade(a, o[1], "/Groups").Get().HasMembers(suite.BulkMade(a, o[0], "/Users"))
		}},
		{Name: "the reference may come before what it refers to", Source: "RFC 7644 §3.7.2", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkPost("/Groups", "g", t.GroupDoc(`"members":[{"value":"bulkId:u","type":"User"}]`)), suite.BulkPost("/Users", "u", t.UserDoc()))
			byID := map[any]suite.Document{}
			for _, o := range suite.BulkResults(a, 2) {
				byID[o["bulkId"]] = o
			}
			suite.BulkMade(a, byID["g"], "/Groups").Get().HasMembers(suite.BulkMade(a, byID["u"], "/Users"))
		}},
		{Name: "groups that have each other as members are made, or refused with 409", Source: "RFC 7644 §3.7.1", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkPost("/Groups", "a", t.GroupDoc(`"members":[{"type":"Group","value":"bulkId:b"}]`)), suite.BulkPost("/Groups", "b", t.GroupDoc(`"members":[{"type":"Group","value":"bulkId:a"}]`)))
			if a.Status == http.StatusConflict {
				a.Refused(http.StatusConflict)
				return
			}
			o := suite.BulkResults(a, 2)
			if o[0]["status"] == "409" || o[1]["status"] == "409" {
				return
			}
			first, second := suite.BulkMade(a, o[0], "/Groups"), suite.BulkMade(a, o[1], "/Groups")
			first.Get().HasMembers(second)
			second.Get().HasMembers(first)
		}},
		{Name: "a bulkId that no operation has is an error", Source: "RFC 7644 §3.7.2", Needs: bulk, Run: func(t *suite.T) {
			doc := t.GroupDoc(`"members":[{"value":"bulkId:nobody"}]`)
			a := t.Bulk("", suite.BulkPost("/Groups", "g", doc))
			if a.Status != http.StatusOK {
				a.RefusedWith([]int{http.StatusBadRequest, http.StatusConflict})
			} else {
				status := suite.BulkResults(a, 1)[0]["status"]
				a.Expect(status == "400" || status == "409", "status 400 or 409 for the operation")
			}
			t.Filter("/Groups", `displayName eq `+suite.Quoted(doc["displayName"].(string))).Lists()
		}},
		{Name: "more than maxOperations is 413 that names the limit", Source: "RFC 7644 §3.7.4", Needs: bulk, Run: func(t *suite.T) {
			limit, _ := suite.At(t.Suite.Config, "bulk/maxOperations").(float64)
			suite.ServerConfig(t).Expect(limit >= 1, "bulk.maxOperations of at least 1")
			if limit > 50_000 {
				return // To exceed it would be an attack.
			}
			operations := make([]string, int(limit)+1)
			for i := range operations {
				operations[i] = suite.BulkOn("DELETE", "/Users/0", nil)
			}
			a := t.Bulk("", operations...).Refused(http.StatusRequestEntityTooLarge)
			a.Expect(strings.Contains(a.Text("detail"), fmt.Sprint(int(limit))), "a detail that names the limit %d", int(limit))
		}},
		{Name: "more than maxPayloadSize is 413 that names the limit", Source: "RFC 7644 §3.7.4", Needs: bulk, Run: func(t *suite.T) {
			limit, _ := suite.At(t.Suite.Config, "bulk/maxPayloadSize").(float64)
			suite.ServerConfig(t).Expect(limit >= 1, "bulk.maxPayloadSize of at least 1")
			if limit > 64<<20 {
				return
			}
			doc := t.UserDoc(`"title":"` + strings.Repeat("x", int(limit)) + `"`)
			a := patiently(t, suite.Request{Method: http.MethodPost, Path: "/Bulk", Body: `{"schemas":["` + suite.URNBulk + `"],"Operations":[` + suite.BulkPost("/Users", "a", doc) + `]}`})
			a.Refused(http.StatusRequestEntityTooLarge)
			a.Expect(strings.Contains(a.Text("detail"), fmt.Sprint(int(limit))), "a detail that names the limit %d", int(limit))
		}},
		{Name: "a bulk request in a bulk request is refused", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			doc := t.UserDoc()
			a := t.Bulk("", suite.JSON(suite.Document{"method": "POST", "path": "/Bulk", "bulkId": "b", "data": suite.Parse(`{"schemas":["` + suite.URNBulk + `"],"Operations":[` + suite.BulkPost("/Users", "u", doc) + `]}`)}))
			if a.Status == http.StatusOK {
				status, _ := suite.BulkResults(a, 1)[0]["status"].(string)
				a.Expect(status >= "400" && status < "500" || status == "501", "an error for the operation")
			} else {
				a.Refused(http.StatusBadRequest)
			}
			t.Filter("/Users", `userName eq `+suite.Quoted(doc["userName"].(string))).Lists()
		}},
		{Name: "the version of an operation is If-Match", Source: "RFC 7644 §3.7", Needs: bulkETag, Run: func(t *suite.T) {
			u := t.User()
			patch := suite.Parse(suite.PatchOf(`{"op":"add","path":"nickName","value":"N"}`))
			a := t.Bulk("", suite.JSON(suite.Document{"method": "PATCH", "path": u.Path, "version": `W/"other"`, "data": patch}),
				suite.JSON(suite.Document{"method": "PATCH", "path": u.Path, "version": u.ETag, "data": patch}),
				suite.JSON(suite.Document{"method": "DELETE", "path": u.Path, "version": u.ETag}))
			o := suite.BulkResults(a, 3)
			a.Expect(o[0]["status"] == "412" && (o[1]["status"] == "200" || o[1]["status"] == "204") && o[2]["status"] == "412", "status 412, 200 or 204, and 412")
		}},
		{Name: "a malformed bulk request is refused", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			for _, body := range []string{`{"schemas":["` + suite.URNBulk + `"]}`, `{"schemas":["` + suite.URNBulk + `"],"Operations":{}}`, `{"schemas":["` + suite.URNBulk + `"],"Operations":["x"]}`, `{"schemas":["` + suite.URNBulk + `"],"failOnErrors":"x","Operations":[]}`, `[]`} {
				t.Post("/Bulk", body).Refused(http.StatusBadRequest)
			}
		}},
		{Name: "an operation that makes no sense fails and the others do not", Source: "RFC 7644 §3.7.3", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkOn("DELETE", "/Users", nil), suite.BulkOn("GET", "/Users/1", nil), suite.JSON(suite.Document{"method": "POST", "path": "/Schemas", "bulkId": "s", "data": suite.Document{}}),
				suite.BulkOn("PATCH", "/Nothing/1", suite.Document{}), suite.BulkOn("DELETE", "Users", nil), suite.BulkPost("/Users", "u", t.UserDoc()))
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest)
				return
			}
			o := suite.BulkResults(a, 6)
			for _, each := range o[:5] {
				status, _ := each["status"].(string)
				a.Expect(status >= "400" && status < "500" || status == "501", "an error for %s", suite.JSON(each))
			}
			suite.BulkMade(a, o[5], "/Users").Get()
		}},
		{Name: "two operations cannot have one bulkId", Source: "RFC 7644 §3.7.2", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkPost("/Users", "same", t.UserDoc()), suite.BulkPost("/Users", "same", t.UserDoc()), suite.BulkPost("/Groups", "g", t.GroupDoc(`"members":[{"value":"bulkId:same"}]`)))
			if a.Status == http.StatusOK {
				o := suite.BulkResults(a, 3)
				a.Expect(o[0]["status"] == "400" || o[1]["status"] == "400" || o[1]["status"] == "409" || o[2]["status"] != "201", "an error for what is ambiguous")
				return
			}
			a.RefusedWith([]int{http.StatusBadRequest, http.StatusConflict})
		}},
		{Name: "failOnErrors 0 is no limit, or is refused", Source: "RFC 7644 §3.7; as bulk libraries send it", Needs: bulk, Run: func(t *suite.T) {
			u, other := t.User(), t.UserDoc()
			a := t.Bulk(`"failOnErrors":0`, suite.BulkPost("/Users", "a", t.UserDoc(`"userName":`+suite.Quoted(u.Name))), suite.BulkPost("/Users", "b", other))
			if a.Status == http.StatusBadRequest && t.Generic() {
				a.Refused(http.StatusBadRequest)
				return
			}
			o := suite.BulkResults(a, 2)
			a.Expect(o[0]["status"] == "409" && o[1]["status"] == "201", "status 409, 201")
		}},
		{Name: "a bulkId or version of the wrong type fails its operation", Source: "RFC 7644 §3.7.3", Needs: bulk, Run: func(t *suite.T) {
			u := t.User()
			a := t.Bulk("", suite.JSON(suite.Document{"method": "POST", "path": "/Users", "bulkId": 1, "data": t.UserDoc()}),
				suite.JSON(suite.Document{"method": "DELETE", "path": u.Path, "version": 7}), suite.BulkPost("/Users", "b", t.UserDoc()))
			if a.Status == http.StatusBadRequest && t.Generic() {
				a.Refused(http.StatusBadRequest)
				return
			}
			o := suite.BulkResults(a, 3)
			a.Expect(o[0]["status"] == "400" && o[1]["status"] == "400" && o[2]["status"] == "201", "status 400, 400, 201")
			u.Get()
		}},
		{Name: "failOnErrors stops after the first of two that cannot be resolved", Source: "RFC 7644 §3.7", Needs: bulk, Run: func(t *suite.T) {
			u := t.User()
			a := t.Bulk(`"failOnErrors":1`, suite.BulkOn("DELETE", "/Users/bulkId:nobody", nil), suite.BulkOn("PUT", u.Path, t.UserDoc(`"nickName":"bulkId:nothing"`)))
			o := suite.BulkResults(a, 1)[0]
			a.Expect(o["method"] == "DELETE", "the first to have failed: %s", suite.JSON(o))
			u.Get().Unassigned("nickName")
		}},
	}
}

// patiently sends a body that may be refused before it is read, which some servers
// and networks turn into a broken connection at times.
func patiently(t *suite.T, r suite.Request) *suite.Answer {
	for range 4 {
		if a, err := t.Try(r); err == nil {
			return a
		}
	}
	return t.Do(r.Method, r.Path, r.Body, r.Headers...)
}
