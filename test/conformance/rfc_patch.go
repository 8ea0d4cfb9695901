package main

import (
	"net/http"
)

// rfcPatchAdd is section 3.5.2.1.
func rfcPatchAdd() []testCase {
	return []testCase{
		{"rfc7644-3.5.2.1a", "the example of adding a member", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user()
			g := t.group()
			t.need(patchFeature)
			t.do(http.MethodPatch, g.path, `{ "schemas":
      ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations":[
       {
        "op":"add",
        "path":"members",
        "value":[
         {
           "display": "Babs Jensen",
           "$ref":
   "`+t.target.url+u.path+`",
           "value": "`+u.id+`"
          }
        ]
       }
     ]
   }`).ok(http.StatusOK, http.StatusNoContent)
			g.get().hasMembers(u)
		}},
		{"rfc7644-3.5.2.1b", "the example of adding e-mail addresses and a nickname", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user()
			t.need(patchFeature)
			t.do(http.MethodPatch, u.path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations":[{
       "op":"add",
       "value":{
         "emails":[
           {
             "value":"babs@jensen.example.org",
             "type":"home"
           }
         ],
         "nickname":"Babs"
     }
     }]
   }`).ok(http.StatusOK, http.StatusNoContent)
			u.get().has("nickName", "Babs").hasValues("emails", "babs@jensen.example.org", u.name)
		}},
	}
}

// rfcPatchRemove is section 3.5.2.2.
func rfcPatchRemove() []testCase {
	return []testCase{
		{"rfc7644-3.5.2.2a", "the example of removing a member", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			t.need(patchFeature)
			t.do(http.MethodPatch, g.path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations":[{
       "op":"remove",
       "path":"members[value eq \"`+u[0].id+`\"]"
     }]
   }`).ok(http.StatusOK, http.StatusNoContent)
			g.get().hasMembers(u[1])
		}},
		{"rfc7644-3.5.2.2b", "the example of removing all members", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			g := t.group(t.users(2)...)
			g.patched(`{"op":"remove","path":"members"}`).unassigned("members")
		}},
		{"rfc7644-3.5.2.2c", "the example of removing the addresses that match", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.user(`"emails":[{"type":"work","value":"a@example.com"},{"type":"work","value":"b@example.org"},{"type":"home","value":"c@example.com"}]`)
			u.patched(`{"op":"remove","path":"emails[type eq \"work\" and value ew \"example.com\"]"}`).hasValues("emails", "b@example.org", "c@example.com")
		}},
		{"rfc7644-3.5.2.2d", "the example of removing a member and adding another", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.users(3)
			g := t.group(u[0], u[1])
			t.need(patchFeature)
			t.do(http.MethodPatch, g.path, `{ "schemas":
      ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations": [
       {
         "op":"remove",
         "path":
           "members[value eq \"`+u[0].id+`\"]"
       },
       {
         "op":"add",
         "path":"members",
         "value": [
           {
             "display": "James Smith",
             "$ref":
   "`+t.target.url+u[2].path+`",
             "value": "`+u[2].id+`"
           }
         ]
       }
     ]
   }`).ok(http.StatusOK, http.StatusNoContent)
			g.get().hasMembers(u[1], u[2])
		}},
		{"rfc7644-3.5.2.2e", "the example of replacing all members by remove and add", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.users(4)
			g := t.group(u[0], u[1])
			g.patched(`{"op":"remove","path":"members"}`, `{"op":"add","path":"members","value":[{"display":"Babs Jensen","$ref":"`+t.target.url+u[2].path+`","value":"`+u[2].id+`"},{"display":"James Smith","$ref":"`+t.target.url+u[3].path+`","value":"`+u[3].id+`"}]}`).
				hasMembers(u[2], u[3])
		}},
	}
}

// rfcPatchReplace is section 3.5.2.3.
func rfcPatchReplace() []testCase {
	return []testCase{
		{"rfc7644-3.5.2.3a", "the example of replacing all members", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.users(4)
			g := t.group(u[0], u[1])
			t.need(patchFeature)
			t.do(http.MethodPatch, g.path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations": [{
       "op":"replace",
       "path":"members",
       "value":[
         {
           "display": "Babs Jensen",
           "$ref":
   "`+t.target.url+u[2].path+`",
           "value": "`+u[2].id+`"
         },
         {
           "display": "James Smith",
           "$ref":
   "`+t.target.url+u[3].path+`",
           "value": "`+u[3].id+`"
         }
       ]
     }]
   }`).ok(http.StatusOK, http.StatusNoContent)
			g.get().hasMembers(u[2], u[3])
		}},
		{"rfc7644-3.5.2.3b", "the example of changing the work address", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"addresses":[{"type":"work","locality":"Old"},{"type":"home","locality":"Home"}]`)
			t.need(patchFeature)
			t.do(http.MethodPatch, u.path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations": [{
       "op":"replace",
       "path":"addresses[type eq \"work\"]",
       "value":
       {
         "type": "work",
         "streetAddress": "911 Universal City Plaza",
         "locality": "Hollywood",
         "region": "CA",
         "postalCode": "91608",
         "country": "US",
         "formatted":
           "911 Universal City Plaza\nHollywood, CA 91608 US",
         "primary": true
       }
     }]
   }`).ok(http.StatusOK, http.StatusNoContent)
			a := u.get()
			work := a.element("addresses", "type", "work")
			a.expect(work["locality"] == "Hollywood" && work["streetAddress"] == "911 Universal City Plaza" && work["postalCode"] == "91608", "the new work address")
			a.expect(a.element("addresses", "type", "home")["locality"] == "Home", "the home address as it was")
		}},
		{"rfc7644-3.5.2.3c", "the example of changing one line of the work address", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"addresses":[{"type":"work","locality":"Hollywood","streetAddress":"100 Universal City Plaza"},{"type":"home","streetAddress":"456 Hollywood Blvd"}]`)
			a := u.patched(`{"op":"replace","path":"addresses[type eq \"work\"].streetAddress","value":"1010 Broadway Ave"}`)
			work, home := a.element("addresses", "type", "work"), a.element("addresses", "type", "home")
			a.expect(work["streetAddress"] == "1010 Broadway Ave" && work["locality"] == "Hollywood" && home["streetAddress"] == "456 Hollywood Blvd", "one line changed and no other")
		}},
		{"rfc7644-3.5.2.3d", "the example of replacing attributes without a path", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"emails":[{"value":"old@example.com","type":"other"}]`)
			t.need(patchFeature)
			t.do(http.MethodPatch, u.path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations": [{
       "op":"replace",
       "value":{
         "emails":[
           {
             "value":"bjensen@example.com",
             "type":"work",
             "primary":true
           },
           {
             "value":"babs@jensen.example.org",
             "type":"home"
           }
         ],
         "nickname":"Babs"
       }
     }]
   }`).ok(http.StatusOK, http.StatusNoContent)
			u.get().has("nickName", "Babs").hasValues("emails", "bjensen@example.com", "babs@jensen.example.org")
		}},
		{"rfc7644-3.5.2", "the paths that the RFC gives as examples", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			who := u[0]
			who.patched(`{"op":"replace","path":"name.familyName","value":"Smith"}`,
				`{"op":"add","path":"addresses","value":[{"type":"work","locality":"Hollywood"}]}`,
				`{"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","locality":"Burbank"}}`).
				has("name/familyName", "Smith").has("addresses/0/locality", "Burbank")
			// members[value eq "…"].displayName is in the RFC too, though members have no such attribute.
			a := t.patch(g.path, `{"op":"replace","path":"members[value eq \"`+who.id+`\"].displayName","value":"x"}`)
			a.expect(a.status < 500, "no 5xx").wellFormed()
			g.get().hasMembers(u...)
		}},
	}
}

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
