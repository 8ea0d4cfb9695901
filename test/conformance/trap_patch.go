package main

import (
	"net/http"
)

// trapsPatch are traps 21 and 22: PATCH as a whole, and add.
func trapsPatch() []testCase {
	return []testCase{
		{"trap-21a", "all operations or none", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			before := u.get()
			t.patch(u.path, `{"op":"replace","path":"title","value":"Guide"}`, `{"op":"replace","path":"active","value":{"no":"boolean"}}`).refused(http.StatusBadRequest)
			t.patch(u.path, `{"op":"add","path":"nickName","value":"N"}`, `{"op":"remove"}`).refused(http.StatusBadRequest, "noTarget", "invalidPath", "invalidSyntax")
			u.get().sameBut(before.doc)
		}},
		{"trap-21b", "operations see what those before them did", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"fax"}]}`,
				`{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":"2"}`,
				`{"op":"add","path":"title","value":"A"}`, `{"op":"replace","path":"title","value":"B"}`).
				has("phoneNumbers/0/value", "2").has("title", "B")
			u.patched(`{"op":"add","path":"title","value":"C"}`, `{"op":"remove","path":"title"}`).unassigned("title")
		}},
		{"trap-21c", "an extension's URN is added to `schemas` with its first attribute", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			a := u.patched(`{"op":"add","path":"` + urnEnterprise + `:department","value":"Tours"}`)
			a.has(urnEnterprise+"/department", "Tours").expect(equal(sorted(a.doc["schemas"]), sorted([]any{urnUser, urnEnterprise})), "schemas with %s", urnEnterprise)
		}},
		{"trap-21d", "a PATCH that changes nothing leaves lastModified and version", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user(`"title":"Guide"`)
			before := u.get()
			u.patched(`{"op":"replace","path":"title","value":"Guide"}`).sameBut(before.doc)
			u.patched(`{"op":"add","path":"active","value":true}`).sameBut(before.doc)
			u.patched(`{"op":"remove","path":"nickName"}`).sameBut(before.doc)
		}},
		{"trap-21e", "PATCH answers 200 with the resource, or 204", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			a := t.patch(u.path, `{"op":"replace","path":"title","value":"Guide"}`).ok(http.StatusOK, http.StatusNoContent)
			if a.status == http.StatusOK {
				u.get().sameBut(a.doc)
			}
		}},
		{"trap-21f", "an operation that there is not is refused", "RFC 7644 §3.5.2, §3.12", nil, func(t *T) {
			u := t.user()
			for _, operation := range []string{`{"op":"move","path":"title","value":"x"}`, `{"path":"title","value":"x"}`, `{"op":17,"path":"title"}`} {
				t.patch(u.path, operation).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			}
		}},
		{"trap-21g", "a PATCH without Operations or without `schemas` is refused", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			t.need(patchFeature)
			for _, body := range []string{`{"schemas":["` + urnPatch + `"]}`, `{"schemas":["` + urnPatch + `"],"Operations":{}}`, `{"schemas":["` + urnPatch + `"],"Operations":"x"}`} {
				t.do(http.MethodPatch, u.path, body).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue", "noTarget")
			}
			if t.generic() {
				t.do(http.MethodPatch, u.path, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			}
		}},
		{"trap-21h", "PATCH of an unknown id is 404", "RFC 7644 §3.5.2", nil, func(t *T) {
			t.patch("/Users/"+t.random(), `{"op":"replace","path":"title","value":"x"}`).refused(http.StatusNotFound)
		}},
		{"trap-21i", "a PATCH that changes something changes the version", "RFC 7644 §3.14", needs(etagFeature), func(t *T) {
			u := t.user()
			a := u.patched(`{"op":"replace","path":"title","value":"Guide"}`)
			a.expect(a.header.Get("ETag") != u.etag, "another ETag than %s", u.etag)
		}},

		{"trap-22a", "add without a path takes an object of attributes", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"add","value":{"title":"Guide","phoneNumbers":[{"value":"1"}],"name":{"middleName":"J"}}}`).
				has("title", "Guide").hasValues("phoneNumbers", "1").has("name/middleName", "J").has("name/givenName", "Barbara")
			t.patch(u.path, `{"op":"add","value":"Guide"}`).refused(http.StatusBadRequest)
		}},
		{"trap-22b", "add to a multi-valued attribute appends", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			u.patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"2","type":"home"},{"value":"3","type":"fax"}]}`).hasValues("phoneNumbers", "1", "2", "3")
		}},
		{"trap-22c", "add to a complex attribute merges", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"add","path":"name","value":{"middleName":"J"}}`).has("name/middleName", "J").has("name/givenName", "Barbara").has("name/familyName", "Jensen")
		}},
		{"trap-22d", "add of what is there succeeds and changes nothing", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			before := g.get()
			g.patched(`{"op":"add","path":"members","value":` + membersOf(u) + `}`).sameBut(before.doc)
		}},
		{"trap-22e", "add to an attribute with a value replaces it", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			t.user(`"title":"A"`).patched(`{"op":"add","path":"title","value":"B"}`).has("title", "B")
		}},
		{"trap-22f", "add and replace want a value", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user()
			t.patch(u.path, `{"op":"add"}`).refused(http.StatusBadRequest)
			t.patch(u.path, `{"op":"replace"}`).refused(http.StatusBadRequest)
		}},
		{"trap-22g", "add of an extension's object merges", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user(`"` + urnEnterprise + `":{"department":"Tours"}`)
			u.patched(`{"op":"add","value":{"`+urnEnterprise+`":{"division":"Parks"}}}`).has(urnEnterprise+"/department", "Tours").has(urnEnterprise+"/division", "Parks")
		}},
	}
}

// trapsRemoveAndReplace are traps 23 to 25.
func trapsRemoveAndReplace() []testCase {
	return []testCase{
		{"trap-23a", "remove without a path is noTarget", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			t.patch(t.user().path, `{"op":"remove"}`).refused(http.StatusBadRequest, "noTarget")
		}},
		{"trap-23b", "remove of what is required or readOnly is refused", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.user()
			for _, path := range []string{"userName", "id", "meta", "meta.created", "groups"} {
				t.patch(u.path, `{"op":"remove","path":"`+path+`"}`).refused(http.StatusBadRequest, "mutability")
			}
			u.get().has("userName", u.name).has("id", u.id)
		}},
		{"trap-23c", "remove of the last value that matches unassigns the attribute", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"fax"},{"value":"2","type":"work"}]`)
			u.patched(`{"op":"remove","path":"phoneNumbers[type eq \"fax\"]"}`).hasValues("phoneNumbers", "2")
			u.patched(`{"op":"remove","path":"phoneNumbers[value sw \"2\"]"}`).unassigned("phoneNumbers")
		}},
		{"trap-23d", "remove of what is absent succeeds", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u, stranger := t.user(), t.user()
			before := u.get()
			u.patched(`{"op":"remove","path":"title"}`, `{"op":"remove","path":"phoneNumbers"}`).sameBut(before.doc)
			g := t.group(u)
			a := t.patch(g.path, `{"op":"remove","path":"members[value eq \"`+stranger.id+`\"]"}`)
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest, "noTarget")
			} else {
				a.ok(http.StatusOK, http.StatusNoContent)
			}
			g.get().hasMembers(u)
		}},
		{"trap-23e", "remove of a sub-attribute leaves the others", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"fax","display":"d"}]`)
			u.patched(`{"op":"remove","path":"name.familyName"}`, `{"op":"remove","path":"phoneNumbers[type eq \"fax\"].display"}`).
				has("name/givenName", "Barbara").lacks("name/familyName", "phoneNumbers/0/display").hasValues("phoneNumbers", "1")
		}},
		{"trap-23f", "remove with a value never removes more than the value", "RFC 7644 §3.5.2.2; ssoready#182, SCIMReferenceCode#10", nil, func(t *T) {
			u := t.users(3)
			g := t.group(u...)
			a := t.patch(g.path, `{"op":"remove","path":"members","value":[{"value":"`+u[0].id+`"}]}`)
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest)
				g.get().hasMembers(u...)
				return
			}
			a.ok(http.StatusOK, http.StatusNoContent)
			g.get().hasMembers(u[1], u[2])
		}},
		{"trap-23g", "remove with a value that is not there removes nobody", "RFC 7644 §3.5.2.2", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			for _, value := range []string{`[{"value":"` + t.random() + `"}]`, `[]`, `[{}]`, `[{"value":""}]`, `{"value":null}`, `[null]`, `""`, `"` + t.random() + `"`} {
				a := t.patch(g.path, `{"op":"remove","path":"members","value":`+value+`}`)
				a.expect(a.status < 500, "no 5xx")
				g.get().hasMembers(u...)
			}
		}},

		{"trap-24a", "replace by a value path that matches nothing is noTarget", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			a := t.patch(u.path, `{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":"2"}`)
			if t.profile("Entra", "JumpCloud") && a.status < 300 {
				u.get().hasValues("phoneNumbers", "1", "2") // Entra ID wants the value to be made.
				return
			}
			a.refused(http.StatusBadRequest, "noTarget")
			u.get().hasValues("phoneNumbers", "1")
		}},
		{"trap-24b", "replace of an absent attribute adds it", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			t.user().patched(`{"op":"replace","path":"title","value":"Guide"}`, `{"op":"replace","path":"phoneNumbers","value":[{"value":"1"}]}`).
				has("title", "Guide").hasValues("phoneNumbers", "1")
		}},
		{"trap-24c", "replace of a complex attribute changes what is given", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			t.user().patched(`{"op":"replace","path":"name","value":{"familyName":"Smith"}}`).has("name/familyName", "Smith").has("name/givenName", "Barbara")
		}},
		{"trap-24d", "replace of a multi-valued attribute replaces all of it", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"fax"},{"value":"2","type":"work"}]`)
			u.patched(`{"op":"replace","path":"phoneNumbers","value":[{"value":"3","type":"home"}]}`).hasValues("phoneNumbers", "3")
		}},
		{"trap-24e", "replace without a path leaves what it does not name", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"title":"A","` + urnEnterprise + `":{"department":"Tours","division":"Parks"}`)
			u.patched(`{"op":"replace","value":{"title":"B","`+urnEnterprise+`":{"division":"Rides"}}}`).
				has("title", "B").has("userName", u.name).has(urnEnterprise+"/division", "Rides").has(urnEnterprise+"/department", "Tours")
		}},
		{"trap-24f", "replace by a value path changes all values that match, and no others", "RFC 7644 §3.5.2.3", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"fax"},{"value":"2","type":"work"}]`)
			a := u.patched(`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"3"}`).hasValues("phoneNumbers", "1", "3")
			a.expect(a.element("phoneNumbers", "value", "3")["type"] == "work", "the other sub-attributes to stay")
		}},
		{"trap-24g", "replace of readOnly attributes by path is refused", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			for _, path := range []string{"id", "meta.created", "groups"} {
				t.patch(u.path, `{"op":"replace","path":"`+path+`","value":"x"}`).refused(http.StatusBadRequest, "mutability")
			}
		}},

		{"trap-25a", "a path that is malformed is invalidPath", "RFC 7644 §3.5.2, §3.12", nil, func(t *T) {
			u := t.user()
			for _, path := range []string{`emails[type eq \"work\"]value`, `name..givenName`, `.title`, ` `, `emails[type eq \"work\"].value.x`, `name.`} {
				t.patch(u.path, `{"op":"replace","path":"`+path+`","value":"x"}`).refused(http.StatusBadRequest, "invalidPath")
			}
			for _, path := range []string{`emails[type eq \"work\"`, `emails[type eq \"work].value`, `emails[type eq`, `title[`} { // Table 9 can be read both ways.
				t.patch(u.path, `{"op":"replace","path":"`+path+`","value":"x"}`).refused(http.StatusBadRequest, "invalidPath", "invalidFilter")
			}
		}},
		{"trap-25b", "a path to what no schema has is invalidPath or noTarget", "RFC 7644 §3.5.2, §3.12", nil, func(t *T) {
			u := t.user()
			for _, path := range []string{"nope", "name.nope", "urn:example:none:2.0:User:x", urnEnterprise + ":nope"} {
				a := t.patch(u.path, `{"op":"replace","path":"`+path+`","value":"x"}`)
				if !t.generic() && a.status < http.StatusBadRequest {
					continue // Providers send attributes that a server does not have; leaving them out loses nothing else.
				}
				a.refused(http.StatusBadRequest, "invalidPath", "noTarget")
			}
		}},
		{"trap-25c", "a value that does not fit is invalidValue", "RFC 7644 §3.5.2, §3.12", nil, func(t *T) {
			u := t.user()
			for _, operation := range []string{`{"op":"replace","path":"active","value":"perhaps"}`, `{"op":"replace","path":"title","value":{"x":1}}`, `{"op":"replace","path":"name.givenName","value":17}`, `{"op":"replace","path":"active","value":[1,2]}`} {
				t.patch(u.path, operation).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			}
		}},
		{"trap-25d", "a path that is no string is refused", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			t.patch(u.path, `{"op":"replace","path":17,"value":"x"}`).refused(http.StatusBadRequest)
			t.patch(u.path, `{"op":"replace","path":["title"],"value":"x"}`).refused(http.StatusBadRequest)
			u.get().unassigned("title")
		}},
	}
}
