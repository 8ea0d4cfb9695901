package main

import (
	"net/http"
	"slices"
	"strings"
)

// rfcUser is the body of the example in RFC 7644 section 3.3; the userName must be
// one that nobody has.
func rfcUser(userName string) string {
	return `{
     "schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
     "userName":` + quoted(userName) + `,
     "externalId":"bjensen",
     "name":{
       "formatted":"Ms. Barbara J Jensen III",
       "familyName":"Jensen",
       "givenName":"Barbara"
     }
   }`
}

// rfcCreate is section 3.3.
func rfcCreate() []testCase {
	return []testCase{
		{"rfc7644-3.3", "the example of creating a user", "RFC 7644 §3.3", nil, func(t *T) {
			name := t.userName()
			a := t.post("/Users", rfcUser(name)).ok(http.StatusCreated)
			a.has("userName", name).has("externalId", "bjensen").has("name/formatted", "Ms. Barbara J Jensen III").
				has("name/familyName", "Jensen").has("name/givenName", "Barbara").has("meta/resourceType", "User").has("schemas", []any{urnUser})
			a.has("meta/location", a.header.Get("Location"))
		}},
		{"rfc7644-3.3-again", "the example sent twice is 409 uniqueness", "RFC 7644 §3.3", nil, func(t *T) {
			name := t.userName()
			t.post("/Users", rfcUser(name)).ok(http.StatusCreated)
			t.post("/Users", rfcUser(name)).refused(http.StatusConflict, "uniqueness")
		}},
		{"rfc7643-8.2", "the full user of RFC 7643 comes back as it was sent", "RFC 7643 §8.2", nil, func(t *T) {
			sent := fullUser(t.userName())
			a := t.create("/Users", jsonOf(sent)).get()
			sent["password"] = nil
			for name, want := range sent {
				if want != nil && name != "photos" {
					a.has(name, want)
				}
			}
		}},
		{"rfc7643-8.3", "the enterprise user of RFC 7643 comes back as it was sent", "RFC 7643 §8.3", nil, func(t *T) {
			manager := t.user()
			sent := fullUser(t.userName())
			sent["schemas"] = []any{urnUser, urnEnterprise}
			sent[urnEnterprise] = parsed(`{"employeeNumber":"701984","costCenter":"4130","organization":"Universal Studios","division":"Theme Park","department":"Tour Operations","manager":{"value":"` + manager.id + `"}}`)
			a := t.create("/Users", jsonOf(sent)).get()
			for _, name := range []string{"employeeNumber", "costCenter", "organization", "division", "department", "manager/value"} {
				a.has(urnEnterprise+"/"+name, at(sent, urnEnterprise+"/"+name))
			}
		}},
		{"rfc7643-8.4", "the group of RFC 7643, with members", "RFC 7643 §8.4", nil, func(t *T) {
			u := t.users(2)
			a := t.post("/Groups", `{"schemas":["`+urnGroup+`"],"displayName":"Tour Guides `+t.random()+`","members":[
				{"value":"`+u[0].id+`","$ref":"`+t.target.url+u[0].path+`","display":"Babs Jensen"},{"value":"`+u[1].id+`","$ref":"`+t.target.url+u[1].path+`","display":"Mandy Pepperidge"}]}`)
			a.ok(http.StatusCreated).hasMembers(u...).has("meta/resourceType", "Group")
		}},
	}
}

// fullUser is that of RFC 7643 section 8.2 without what only a server sets.
func fullUser(name string) document {
	doc := parsed(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"701984",
		"name":{"formatted":"Ms. Barbara J Jensen, III","familyName":"Jensen","givenName":"Barbara","middleName":"Jane","honorificPrefix":"Ms.","honorificSuffix":"III"},
		"displayName":"Babs Jensen","nickName":"Babs","profileUrl":"https://login.example.com/bjensen",
		"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.example.org","type":"home"}],
		"addresses":[{"type":"work","streetAddress":"100 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"USA","formatted":"100 Universal City Plaza\nHollywood, CA 91608 USA"},
			{"type":"home","streetAddress":"456 Hollywood Blvd","locality":"Hollywood","region":"CA","postalCode":"91608","country":"USA","formatted":"456 Hollywood Blvd\nHollywood, CA 91608 USA"}],
		"phoneNumbers":[{"value":"555-555-5555","type":"work"},{"value":"555-555-4444","type":"mobile"}],
		"ims":[{"value":"someaimhandle","type":"aim"}],
		"photos":[{"value":"https://photos.example.com/profilephoto/72930000000Ccne/F","type":"photo"},{"value":"https://photos.example.com/profilephoto/72930000000Ccne/T","type":"thumbnail"}],
		"userType":"Employee","title":"Tour Guide","preferredLanguage":"en-US","locale":"en-US","timezone":"America/Los_Angeles","active":true,"password":"t1meMa$heen",
		"x509Certificates":[{"value":"MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVM="}]}`)
	doc["userName"] = name
	return doc
}

// rfcRetrieve is section 3.4.1.
func rfcRetrieve() []testCase {
	return []testCase{
		{"rfc7644-3.4.1", "the example of reading a user", "RFC 7644 §3.4.1", nil, func(t *T) {
			name := t.userName()
			u := t.create("/Users", rfcUser(name))
			a := u.get().has("schemas", []any{urnUser}).has("id", u.id).has("meta/resourceType", "User").has("userName", name).
				has("externalId", "bjensen").has("name/formatted", "Ms. Barbara J Jensen III").has("meta/location", t.target.url+u.path)
			if t.suite.supports(etagFeature) {
				a.has("meta/version", a.header.Get("ETag"))
			}
		}},
		{"rfc7644-3.4.1-head", "HEAD is GET without a body, where it is answered", "RFC 9110 §9.3.2", nil, func(t *T) {
			u := t.user()
			a := t.do(http.MethodHead, u.path, "")
			a.expect((a.status == http.StatusOK || a.status == http.StatusMethodNotAllowed || a.status == http.StatusNotImplemented) && len(a.body) == 0, "status 200, 405 or 501, and no body")
		}},
		{"rfc7644-3.9", "the example of asking for one attribute", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user()
			a := u.get("attributes", "userName")
			for name := range a.doc {
				a.expect(slices.Contains([]string{"schemas", "id", "userName", "meta"}, name), "nothing but id and userName, and perhaps schemas and meta: not %q", name)
			}
			a.has("id", u.id).has("userName", u.name)
		}},
	}
}

// rfcReplace is section 3.5.1.
func rfcReplace() []testCase {
	return []testCase{
		{"rfc7644-3.5.1", "the example of replacing a user", "RFC 7644 §3.5.1", nil, func(t *T) {
			name := t.userName()
			u := t.create("/Users", rfcUser(name))
			a := t.put(u.path, `{
     "schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
     "id":"`+u.id+`",
     "userName":`+quoted(name)+`,
     "externalId":"bjensen",
     "name":{
       "formatted":"Ms. Barbara J Jensen III",
       "familyName":"Jensen",
       "givenName":"Barbara",
       "middleName":"Jane"
     },
     "roles":[],
     "emails":[
       {
           "value":"bjensen@example.com"
       },
       {
           "value":"babs@jensen.example.org"
       }
     ]
   }`).ok(http.StatusOK)
			a.has("id", u.id).has("name/middleName", "Jane").hasValues("emails", "bjensen@example.com", "babs@jensen.example.org").unassigned("roles")
			u.get().sameBut(a.doc)
		}},
		{"rfc7644-3.6", "the example of deleting a user", "RFC 7644 §3.6", nil, func(t *T) {
			u := t.user()
			t.delete(u.path).ok(http.StatusNoContent)
			t.get(u.path).refused(http.StatusNotFound)
		}},
		{"rfc7644-3.6-etag", "the example of deleting a user with If-Match", "RFC 7644 §3.6", needs(etagFeature), func(t *T) {
			u := t.user()
			t.delete(u.path, "If-Match", `W/"c310cd84f0281b7"`).refused(http.StatusPreconditionFailed)
			t.delete(u.path, "If-Match", u.etag).ok(http.StatusNoContent)
		}},
	}
}

// rfcErrors are sections 3.10 to 3.12.
func rfcErrors() []testCase {
	return []testCase{
		{"rfc7644-3.11", "/Me", "RFC 7644 §3.11", nil, func(t *T) {
			for _, r := range []request{{method: http.MethodGet, path: "/Me"}, {method: http.MethodPatch, path: "/Me", body: patchOf()}, {method: http.MethodDelete, path: "/Me"}} {
				if r.method != http.MethodGet && t.get("/Me").status == http.StatusOK {
					return // The token is somebody's: to change them is not ours.
				}
				a := t.do(r.method, r.path, r.body)
				a.expect(declined(a.status) || a.status == http.StatusOK || a.status == http.StatusPermanentRedirect, "the user, a redirect, or 501").wellFormed()
			}
		}},
		{"rfc7644-3.12a", "the example of an error: 404", "RFC 7644 §3.12", nil, func(t *T) {
			a := t.get("/Users/2819c223-7f76-453a-919d-" + t.suite.mark + "0000").refused(http.StatusNotFound)
			a.has("schemas", []any{urnError}).has("status", "404").text("detail")
		}},
		{"rfc7644-3.12b", "the example of an error: 400 mutability", "RFC 7644 §3.12", nil, func(t *T) {
			t.patch(t.user().path, `{"op":"replace","path":"id","value":"x"}`).refused(http.StatusBadRequest, "mutability").has("status", "400")
		}},
	}
}

// rfcVersions is section 3.14.
func rfcVersions() []testCase {
	etag := needs(etagFeature)
	return []testCase{
		{"rfc7644-3.14a", "the example: the version in ETag and meta", "RFC 7644 §3.14", etag, func(t *T) {
			a := t.post("/Users", rfcUser(t.userName())).ok(http.StatusCreated)
			a.has("meta/version", a.header.Get("ETag"))
			a.expect(strings.HasPrefix(a.header.Get("ETag"), `W/"`) || strings.HasPrefix(a.header.Get("ETag"), `"`), "an ETag as RFC 9110 §8.8.3 has it")
		}},
		{"rfc7644-3.14b", "the example: reading what has not changed", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			t.get(query(u.path, "attributes", "displayName"), "If-None-Match", u.etag).ok(http.StatusNotModified)
		}},
		{"rfc7644-3.14c", "the example: a change on the condition of the version", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			body := t.userBody(`"userName":`+quoted(u.name), `"title":"x"`)
			t.put(u.path, body, "If-Match", u.etag).ok(http.StatusOK)
			t.put(u.path, body, "If-Match", u.etag).refused(http.StatusPreconditionFailed)
		}},
	}
}
