package main

import (
	"net/http"
)

// rfcBulk is section 3.7.
func rfcBulk() []testCase {
	bulk := needs(bulkFeature)
	return []testCase{
		{"rfc7644-3.7.1", "the example of circular references", "RFC 7644 §3.7.1", bulk, func(t *T) {
			first, second := "Group A "+t.random(), "Group B "+t.random()
			a := t.post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "Operations":[
       {"method":"POST","path":"/Groups","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+first+`","members":[{"type":"Group","value":"bulkId:ytrewq"}]}},
       {"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+second+`","members":[{"type":"Group","value":"bulkId:qwerty"}]}}
     ]
   }`)
			if a.status == http.StatusConflict {
				a.refused(http.StatusConflict)
				return
			}
			for _, o := range a.operations(2) {
				a.expect(o["status"] == "201" || o["status"] == "409", "status 201 or 409 for each operation")
			}
		}},
		{"rfc7644-3.7.1b", "a circle of which one part fails: no result is a lie", "RFC 7644 §3.7.1", needs(bulkFeature, filterFeature), func(t *T) {
			taken, name := t.user(), t.userName()
			circular := func(bulkID, userName, manager string) string {
				return bulkPost("/Users", bulkID, t.userDoc(`"schemas":["`+urnUser+`","`+urnEnterprise+`"]`, `"userName":`+quoted(userName), `"`+urnEnterprise+`":{"manager":{"value":"bulkId:`+manager+`"}}`))
			}
			a := t.bulk(`"failOnErrors":1`, circular("qwerty", name, "ytrewq"), circular("ytrewq", taken.name, "qwerty"))
			if a.status == http.StatusConflict {
				a.refused(http.StatusConflict)
			} else {
				for _, o := range a.operations(2) {
					a.expect(o["status"] == "409", "status 409 for each operation")
				}
			}
			t.filter("/Users", `userName eq `+quoted(name)).lists()
		}},
		{"rfc7644-3.7.2d", "a bulkId in the filter of a path is resolved, or the operation fails", "RFC 7644 §3.7.2", needs(bulkFeature, patchFeature), func(t *T) {
			a := t.bulk("", bulkPost("/Users", "qwerty", t.userDoc()), bulkPost("/Groups", "ytrewq", t.groupDoc(`"members":[{"value":"bulkId:qwerty"}]`)),
				bulkOn("PATCH", "/Groups/bulkId:ytrewq", parsed(patchOf(`{"op":"remove","path":"members[value eq \"bulkId:qwerty\"]"}`))))
			o := a.operations(3)
			group := a.made(o[1], "/Groups")
			if status, _ := o[2]["status"].(string); status < "300" {
				group.get().unassigned("members")
				return
			}
			a.expect(o[2]["status"] == "400" || o[2]["status"] == "404" || o[2]["status"] == "409", "status 200, 204, 400, 404 or 409")
			group.get().hasMembers(a.made(o[0], "/Users"))
		}},
		{"rfc7644-3.7.2a", "the example of a user and a group that has the user", "RFC 7644 §3.7.2", bulk, func(t *T) {
			a := t.post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "Operations":[
       {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+quoted(t.userName())+`}},
       {"method":"POST","path":"/Groups","bulkId":"ytrewq","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Tour Guides `+t.random()+`","members":[{"type":"User","value":"bulkId:qwerty"}]}}
     ]
   }`)
			o := a.operations(2)
			a.expect(o[0]["bulkId"] == "qwerty" && o[1]["bulkId"] == "ytrewq", "the bulkIds in order")
			a.made(o[1], "/Groups").get().hasMembers(a.made(o[0], "/Users"))
		}},
		{"rfc7644-3.7.2b", "the example of a user and a manager", "RFC 7644 §3.7.2", bulk, func(t *T) {
			a := t.post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "Operations":[
       {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+quoted(t.userName())+`}},
       {"method":"POST","path":"/Users","bulkId":"ytrewq","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"userName":`+quoted(t.userName())+`,
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"11250","manager":{"value":"bulkId:qwerty"}}}}
     ]
   }`)
			o := a.operations(2)
			a.made(o[1], "/Users").get().has(urnEnterprise+"/manager/value", a.made(o[0], "/Users").id)
		}},
		{"rfc7644-3.7.2c", "a bulkId in a path is resolved, or the operation fails", "RFC 7644 §3.7.2; GluuFederation/scim", bulk, func(t *T) {
			a := t.bulk("", bulkPost("/Users", "qwerty", t.userDoc()), bulkOn("PATCH", "/Users/bulkId:qwerty", parsed(patchOf(`{"op":"add","path":"nickName","value":"N"}`))))
			o := a.operations(2)
			made := a.made(o[0], "/Users")
			if status, _ := o[1]["status"].(string); status < "300" {
				made.get().has("nickName", "N")
				return
			}
			a.expect(o[1]["status"] == "400" || o[1]["status"] == "404" || o[1]["status"] == "409", "status 200, 204, 400, 404 or 409")
			made.get().unassigned("nickName")
		}},
		{"rfc7644-3.7.3a", "the example of four operations", "RFC 7644 §3.7.3", bulk, func(t *T) {
			a := t.fourOperations(patchOf(`{"op":"remove","path":"nickName"}`, `{"op":"replace","path":"title","value":"Dave"}`))
			o := a.operations(4)
			a.expect(o[0]["status"] == "201" && o[1]["status"] == "200" && (o[2]["status"] == "200" || o[2]["status"] == "204") && o[3]["status"] == "204", "status 201, 200, 200 or 204, and 204")
		}},
		{"rfc7644-3.7.3b", "the operations of a PATCH as an array, as the RFC's example has them", "RFC 7644 §3.7.3", bulk, func(t *T) {
			a := t.fourOperations(`[{"op":"remove","path":"nickName"},{"op":"replace","path":"title","value":"Dave"}]`)
			o := a.operations(4)
			status := o[2]["status"]
			a.expect(status == "200" || status == "204" || status == "400", "status 200, 204 or, since only the example has it so, 400")
			a.expect(o[0]["status"] == "201" && o[1]["status"] == "200" && o[3]["status"] == "204", "status 201, 200 and 204 for the others")
		}},
		{"rfc7644-3.7.3c", "the example of a failure: a userName that is taken", "RFC 7644 §3.7.3", bulk, func(t *T) {
			u := t.user()
			a := t.post("/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[
				{"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+quoted(u.name)+`}}]}`)
			o := a.operations(1)
			a.expect(o[0]["status"] == "409" && o[0]["bulkId"] == "qwerty" && at(o[0], "response/scimType") == "uniqueness" && o[0]["location"] == nil, "status 409, scimType uniqueness and no location")
		}},
		{"rfc7644-3.7.3d", "the example of a failure: a PATCH of what there is not", "RFC 7644 §3.7.3", bulk, func(t *T) {
			a := t.bulk(`"failOnErrors":1`, bulkOn("PATCH", "/Users/"+t.random(), parsed(patchOf(`{"op":"remove","path":"nickName"}`))))
			a.expect(a.operations(1)[0]["status"] == "404", "status 404")
		}},
	}
}

// fourOperations is the example with POST, PUT, PATCH and DELETE.
func (t *T) fourOperations(patch string) *answer {
	put, patched, deleted := t.user(), t.user(`"nickName":"N"`), t.user()
	return t.post("/Bulk", `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
     "failOnErrors":1,
     "Operations":[
       {"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":`+quoted(t.userName())+`}},
       {"method":"PUT","path":"`+put.path+`","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"`+put.id+`","userName":`+quoted(put.name)+`}},
       {"method":"PATCH","path":"`+patched.path+`","data":`+patch+`},
       {"method":"DELETE","path":"`+deleted.path+`"}
     ]
   }`)
}
