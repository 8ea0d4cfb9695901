package examples

import (
	"net/http"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// rfcPatchAdd is section 3.5.2.1.
func rfcPatchAdd() []suite.Case {
	return []suite.Case{
		{Name: "the example of adding a member", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group()
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, g.Path, `{ "schemas":
      ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations":[
       {
        "op":"add",
        "path":"members",
        "value":[
         {
           "display": "Babs Jensen",
           "$ref":
   "`+t.Target.URL+u.Path+`",
           "value": "`+u.ID+`"
          }
        ]
       }
     ]
   }`).OK(http.StatusOK, http.StatusNoContent)
			g.Get().HasMembers(u)
		}},
		{Name: "the example of adding e-mail addresses and a nickname", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User()
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, u.Path, `{
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
   }`).OK(http.StatusOK, http.StatusNoContent)
			u.Get().Has("nickName", "Babs").HasValues("emails", "babs@jensen.example.org", u.Name)
		}},
	}
}

// rfcPatchRemove is section 3.5.2.2.
func rfcPatchRemove() []suite.Case {
	return []suite.Case{
		{Name: "the example of removing a member", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, g.Path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations":[{
       "op":"remove",
       "path":"members[value eq \"`+u[0].ID+`\"]"
     }]
   }`).OK(http.StatusOK, http.StatusNoContent)
			g.Get().HasMembers(u[1])
		}},
		{Name: "the example of removing all members", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			g := t.Group(t.Users(2)...)
			g.Patched(`{"op":"remove","path":"members"}`).Unassigned("members")
		}},
		{Name: "the example of removing the addresses that match", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.User(`"emails":[{"type":"work","value":"a@example.com"},{"type":"work","value":"b@example.org"},{"type":"home","value":"c@example.com"}]`)
			u.Patched(`{"op":"remove","path":"emails[type eq \"work\" and value ew \"example.com\"]"}`).HasValues("emails", "b@example.org", "c@example.com")
		}},
		{Name: "the example of removing a member and adding another", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.Users(3)
			g := t.Group(u[0], u[1])
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, g.Path, `{ "schemas":
      ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations": [
       {
         "op":"remove",
         "path":
           "members[value eq \"`+u[0].ID+`\"]"
       },
       {
         "op":"add",
         "path":"members",
         "value": [
           {
             "display": "James Smith",
             "$ref":
   "`+t.Target.URL+u[2].Path+`",
             "value": "`+u[2].ID+`"
           }
         ]
       }
     ]
   }`).OK(http.StatusOK, http.StatusNoContent)
			g.Get().HasMembers(u[1], u[2])
		}},
		{Name: "the example of replacing all members by remove and add", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.Users(4)
			g := t.Group(u[0], u[1])
			g.Patched(`{"op":"remove","path":"members"}`, `{"op":"add","path":"members","value":[{"display":"Babs Jensen","$ref":"`+t.Target.URL+u[2].Path+`","value":"`+u[2].ID+`"},{"display":"James Smith","$ref":"`+t.Target.URL+u[3].Path+`","value":"`+u[3].ID+`"}]}`).
				HasMembers(u[2], u[3])
		}},
	}
}

// rfcPatchReplace is section 3.5.2.3.
func rfcPatchReplace() []suite.Case {
	return []suite.Case{
		{Name: "the example of replacing all members", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.Users(4)
			g := t.Group(u[0], u[1])
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, g.Path, `{
     "schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
     "Operations": [{
       "op":"replace",
       "path":"members",
       "value":[
         {
           "display": "Babs Jensen",
           "$ref":
   "`+t.Target.URL+u[2].Path+`",
           "value": "`+u[2].ID+`"
         },
         {
           "display": "James Smith",
           "$ref":
   "`+t.Target.URL+u[3].Path+`",
           "value": "`+u[3].ID+`"
         }
       ]
     }]
   }`).OK(http.StatusOK, http.StatusNoContent)
			g.Get().HasMembers(u[2], u[3])
		}},
		{Name: "the example of changing the work address", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"addresses":[{"type":"work","locality":"Old"},{"type":"home","locality":"Home"}]`)
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, u.Path, `{
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
   }`).OK(http.StatusOK, http.StatusNoContent)
			a := u.Get()
			work := a.Element("addresses", "type", "work")
			a.Expect(work["locality"] == "Hollywood" && work["streetAddress"] == "911 Universal City Plaza" && work["postalCode"] == "91608", "the new work address")
			a.Expect(a.Element("addresses", "type", "home")["locality"] == "Home", "the home address as it was")
		}},
		{Name: "the example of changing one line of the work address", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"addresses":[{"type":"work","locality":"Hollywood","streetAddress":"100 Universal City Plaza"},{"type":"home","streetAddress":"456 Hollywood Blvd"}]`)
			a := u.Patched(`{"op":"replace","path":"addresses[type eq \"work\"].streetAddress","value":"1010 Broadway Ave"}`)
			work, home := a.Element("addresses", "type", "work"), a.Element("addresses", "type", "home")
			a.Expect(work["streetAddress"] == "1010 Broadway Ave" && work["locality"] == "Hollywood" && home["streetAddress"] == "456 Hollywood Blvd", "one line changed and no other")
		}},
		{Name: "the example of replacing attributes without a path", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"emails":[{"value":"old@example.com","type":"other"}]`)
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, u.Path, `{
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
   }`).OK(http.StatusOK, http.StatusNoContent)
			u.Get().Has("nickName", "Babs").HasValues("emails", "bjensen@example.com", "babs@jensen.example.org")
		}},
		{Name: "the paths that the RFC gives as examples", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			who := u[0]
			who.Patched(`{"op":"replace","path":"name.familyName","value":"Smith"}`,
				`{"op":"add","path":"addresses","value":[{"type":"work","locality":"Hollywood"}]}`,
				`{"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","locality":"Burbank"}}`).
				Has("name/familyName", "Smith").Has("addresses/0/locality", "Burbank")
			// members[value eq "…"].displayName is in the RFC too, though members have no such attribute.
			a := t.Patch(g.Path, `{"op":"replace","path":"members[value eq \"`+who.ID+`\"].displayName","value":"x"}`)
			a.Expect(a.Status < 500, "no 5xx").WellFormed()
			g.Get().HasMembers(u...)
		}},
	}
}
