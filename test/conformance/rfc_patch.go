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
