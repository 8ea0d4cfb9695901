package examples

import (
	"net/http"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// rfcBulk is section 3.7.
func rfcBulk() []suite.Case {
	bulk := suite.Needs(suite.BulkFeature)
	return []suite.Case{
		{Name: "the example of circular references", Source: "RFC 7644 §3.7.1", Needs: bulk, Run: func(t *suite.T) {
			first, second := "Group A "+t.Random(), "Group B "+t.Random()
			a := t.Post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "Operations":[
       {"method":"POST","path":"/Groups","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+first+`","members":[{"type":"Group","value":"bulkId:ytrewq"}]}},
       {"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+second+`","members":[{"type":"Group","value":"bulkId:qwerty"}]}}
     ]
   }`)
			if a.Status == http.StatusConflict {
				a.Refused(http.StatusConflict)
				return
			}
			for _, o := range suite.BulkResults(a, 2) {
				a.Expect(o["status"] == "201" || o["status"] == "409", "status 201 or 409 for each operation")
			}
		}},
		{Name: "a circle of which one part fails: no result is a lie", Source: "RFC 7644 §3.7.1", Needs: suite.Needs(suite.BulkFeature, suite.FilterFeature), Run: func(t *suite.T) {
			taken, name := t.User(), t.UserName()
			circular := func(bulkID, userName, manager string) string {
				return suite.BulkPost("/Users", bulkID, t.UserDoc(`"schemas":["`+suite.URNUser+`","`+suite.URNEnterprise+`"]`, `"userName":`+suite.Quoted(userName), `"`+suite.URNEnterprise+`":{"manager":{"value":"bulkId:`+manager+`"}}`))
			}
			a := t.Bulk(`"failOnErrors":1`, circular("qwerty", name, "ytrewq"), circular("ytrewq", taken.Name, "qwerty"))
			if a.Status == http.StatusConflict {
				a.Refused(http.StatusConflict)
			} else {
				for _, o := range suite.BulkResults(a, 2) {
					a.Expect(o["status"] == "409", "status 409 for each operation")
				}
			}
			t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists()
		}},
		{Name: "a bulkId in the filter of a path is resolved, or the operation fails", Source: "RFC 7644 §3.7.2", Needs: suite.Needs(suite.BulkFeature, suite.PatchFeature), Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkPost("/Users", "qwerty", t.UserDoc()), suite.BulkPost("/Groups", "ytrewq", t.GroupDoc(`"members":[{"value":"bulkId:qwerty"}]`)),
				suite.BulkOn("PATCH", "/Groups/bulkId:ytrewq", suite.Parse(suite.PatchOf(`{"op":"remove","path":"members[value eq \"bulkId:qwerty\"]"}`))))
			o := suite.BulkResults(a, 3)
			group := suite.BulkMade(a, o[1], "/Groups")
			if status, _ := o[2]["status"].(string); status < "300" {
				group.Get().Unassigned("members")
				return
			}
			a.Expect(o[2]["status"] == "400" || o[2]["status"] == "404" || o[2]["status"] == "409", "status 200, 204, 400, 404 or 409")
			group.Get().HasMembers(suite.BulkMade(a, o[0], "/Users"))
		}},
		{Name: "the example of a user and a group that has the user", Source: "RFC 7644 §3.7.2", Needs: bulk, Run: func(t *suite.T) {
			a := t.Post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "Operations":[
       {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+suite.Quoted(t.UserName())+`}},
       {"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Tour Guides `+t.Random()+`","members":[{"type":"User","value":"bulkId:qwerty"}]}}
     ]
   }`)
			o := suite.BulkResults(a, 2)
			a.Expect(o[0]["bulkId"] == "qwerty" && o[1]["bulkId"] == "ytrewq", "the bulkIds in order")
			suite.BulkMade(a, o[1], "/Groups").Get().HasMembers(suite.BulkMade(a, o[0], "/Users"))
		}},
		{Name: "the example of a user and a manager", Source: "RFC 7644 §3.7.2", Needs: bulk, Run: func(t *suite.T) {
			a := t.Post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "Operations":[
       {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+suite.Quoted(t.UserName())+`}},
       {"method":"POST","path":"/Users","bulkId":"ytrewq","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":`+suite.Quoted(t.UserName())+`,
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"11250","manager":{"value":"bulkId:qwerty"}}}}
     ]
   }`)
			o := suite.BulkResults(a, 2)
			suite.BulkMade(a, o[1], "/Users").Get().Has(suite.URNEnterprise+"/manager/value", suite.BulkMade(a, o[0], "/Users").ID)
		}},
		{Name: "a bulkId in a path is resolved, or the operation fails", Source: "RFC 7644 §3.7.2; GluuFederation/scim", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk("", suite.BulkPost("/Users", "qwerty", t.UserDoc()), suite.BulkOn("PATCH", "/Users/bulkId:qwerty", suite.Parse(suite.PatchOf(`{"op":"add","path":"nickName","value":"N"}`))))
			o := suite.BulkResults(a, 2)
			made := suite.BulkMade(a, o[0], "/Users")
			if status, _ := o[1]["status"].(string); status < "300" {
				made.Get().Has("nickName", "N")
				return
			}
			a.Expect(o[1]["status"] == "400" || o[1]["status"] == "404" || o[1]["status"] == "409", "status 200, 204, 400, 404 or 409")
			made.Get().Unassigned("nickName")
		}},
		{Name: "the example of four operations", Source: "RFC 7644 §3.7.3", Needs: bulk, Run: func(t *suite.T) {
			a := fourOperations(t, suite.PatchOf(`{"op":"remove","path":"nickName"}`, `{"op":"replace","path":"title","value":"Dave"}`))
			o := suite.BulkResults(a, 4)
			a.Expect(o[0]["status"] == "201" && o[1]["status"] == "200" && (o[2]["status"] == "200" || o[2]["status"] == "204") && o[3]["status"] == "204", "status 201, 200, 200 or 204, and 204")
		}},
		{Name: "the operations of a PATCH as an array, as the RFC's example has them", Source: "RFC 7644 §3.7.3", Needs: bulk, Run: func(t *suite.T) {
			a := fourOperations(t, `[{"op":"remove","path":"nickName"},{"op":"replace","path":"title","value":"Dave"}]`)
			o := suite.BulkResults(a, 4)
			status := o[2]["status"]
			a.Expect(status == "200" || status == "204" || status == "400", "status 200, 204 or, since only the example has it so, 400")
			a.Expect(o[0]["status"] == "201" && o[1]["status"] == "200" && o[3]["status"] == "204", "status 201, 200 and 204 for the others")
		}},
		{Name: "the example of a failure: a userName that is taken", Source: "RFC 7644 §3.7.3", Needs: bulk, Run: func(t *suite.T) {
			u := t.User()
			a := t.Post("/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[
				{"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+suite.Quoted(u.Name)+`}}]}`)
			o := suite.BulkResults(a, 1)
			a.Expect(o[0]["status"] == "409" && o[0]["bulkId"] == "qwerty" && suite.At(o[0], "response/scimType") == "uniqueness" && o[0]["location"] == nil, "status 409, scimType uniqueness and no location")
		}},
		{Name: "the example of a failure: a PATCH of what there is not", Source: "RFC 7644 §3.7.3", Needs: bulk, Run: func(t *suite.T) {
			a := t.Bulk(`"failOnErrors":1`, suite.BulkOn("PATCH", "/Users/"+t.Random(), suite.Parse(suite.PatchOf(`{"op":"remove","path":"nickName"}`))))
			a.Expect(suite.BulkResults(a, 1)[0]["status"] == "404", "status 404")
		}},
	}
}

// fourOperations is the example with POST, PUT, PATCH and DELETE.
func fourOperations(t *suite.T, patch string) *suite.Answer {
	put, patched, deleted := t.User(), t.User(`"nickName":"N"`), t.User()
	return t.Post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "failOnErrors":1,
     "Operations":[
       {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+suite.Quoted(t.UserName())+`}},
       {"method":"PUT","path":"`+put.Path+`","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"`+put.ID+`","userName":`+suite.Quoted(put.Name)+`}},
       {"method":"PATCH","path":"`+patched.Path+`","data":`+patch+`},
       {"method":"DELETE","path":"`+deleted.Path+`"}
     ]
   }`)
}
