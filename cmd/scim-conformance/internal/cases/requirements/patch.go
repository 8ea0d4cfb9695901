package requirements

import (
	"net/http"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// patchCases are PATCH as a whole, and add.
func patchCases() []suite.Case {
	return []suite.Case{
		{Name: "all operations or none", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			before := u.Get()
			t.Patch(u.Path, `{"op":"replace","path":"title","value":"Guide"}`, `{"op":"replace","path":"active","value":{"no":"boolean"}}`).Refused(http.StatusBadRequest)
			t.Patch(u.Path, `{"op":"add","path":"nickName","value":"N"}`, `{"op":"remove"}`).Refused(http.StatusBadRequest, "noTarget", "invalidPath", "invalidSyntax")
			u.Get().SameBut(before.Doc)
		}},
		{Name: "operations see what those before them did", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"fax"}]}`,
				`{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":"2"}`,
				`{"op":"add","path":"title","value":"A"}`, `{"op":"replace","path":"title","value":"B"}`).
				Has("phoneNumbers/0/value", "2").Has("title", "B")
			u.Patched(`{"op":"add","path":"title","value":"C"}`, `{"op":"remove","path":"title"}`).Unassigned("title")
		}},
		{Name: "an extension's URN is added to `schemas` with its first attribute", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			a := u.Patched(`{"op":"add","path":"` + suite.URNEnterprise + `:department","value":"Tours"}`)
			a.Has(suite.URNEnterprise+"/department", "Tours").Expect(suite.SameJSON(sorted(a.Doc["schemas"]), sorted([]any{suite.URNUser, suite.URNEnterprise})), "schemas with %s", suite.URNEnterprise)
		}},
		{Name: "a PATCH that changes nothing leaves lastModified and version", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User(`"title":"Guide"`)
			before := u.Get()
			u.Patched(`{"op":"replace","path":"title","value":"Guide"}`).SameBut(before.Doc)
			u.Patched(`{"op":"add","path":"active","value":true}`).SameBut(before.Doc)
			u.Patched(`{"op":"remove","path":"nickName"}`).SameBut(before.Doc)
		}},
		{Name: "PATCH answers 200 with the resource, or 204", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			a := t.Patch(u.Path, `{"op":"replace","path":"title","value":"Guide"}`).OK(http.StatusOK, http.StatusNoContent)
			if a.Status == http.StatusOK {
				u.Get().SameBut(a.Doc)
			}
		}},
		{Name: "an operation that there is not is refused", Source: "RFC 7644 §3.5.2, §3.12", Run: func(t *suite.T) {
			u := t.User()
			for _, operation := range []string{`{"op":"move","path":"title","value":"x"}`, `{"path":"title","value":"x"}`, `{"op":17,"path":"title"}`} {
				t.Patch(u.Path, operation).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			}
		}},
		{Name: "a PATCH without Operations or without `schemas` is refused", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			t.Need(suite.PatchFeature)
			for _, body := range []string{`{"schemas":["` + suite.URNPatch + `"]}`, `{"schemas":["` + suite.URNPatch + `"],"Operations":{}}`, `{"schemas":["` + suite.URNPatch + `"],"Operations":"x"}`} {
				t.Do(http.MethodPatch, u.Path, body).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue", "noTarget")
			}
			if t.Generic() {
				t.Do(http.MethodPatch, u.Path, `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			}
		}},
		{Name: "PATCH of an unknown id is 404", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			t.Patch("/Users/"+t.Random(), `{"op":"replace","path":"title","value":"x"}`).Refused(http.StatusNotFound)
		}},
		{Name: "a PATCH that changes something changes the version", Source: "RFC 7644 §3.14", Needs: suite.Needs(suite.ETagFeature), Run: func(t *suite.T) {
			u := t.User()
			a := u.Patched(`{"op":"replace","path":"title","value":"Guide"}`)
			a.Expect(a.Header.Get("ETag") != u.ETag, "another ETag than %s", u.ETag)
		}},

		{Name: "add without a path takes an object of attributes", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"add","value":{"title":"Guide","phoneNumbers":[{"value":"1"}],"name":{"middleName":"J"}}}`).
				Has("title", "Guide").HasValues("phoneNumbers", "1").Has("name/middleName", "J").Has("name/givenName", "Barbara")
			t.Patch(u.Path, `{"op":"add","value":"Guide"}`).Refused(http.StatusBadRequest)
		}},
		{Name: "add to a multi-valued attribute appends", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			u.Patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"2","type":"home"},{"value":"3","type":"fax"}]}`).HasValues("phoneNumbers", "1", "2", "3")
		}},
		{Name: "add to a complex attribute merges", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"add","path":"name","value":{"middleName":"J"}}`).Has("name/middleName", "J").Has("name/givenName", "Barbara").Has("name/familyName", "Jensen")
		}},
		{Name: "add of what is there succeeds and changes nothing", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			before := g.Get()
			g.Patched(`{"op":"add","path":"members","value":` + suite.MembersOf(u) + `}`).SameBut(before.Doc)
		}},
		{Name: "add to an attribute with a value replaces it", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			t.User(`"title":"A"`).Patched(`{"op":"add","path":"title","value":"B"}`).Has("title", "B")
		}},
		{Name: "add and replace want a value", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User()
			t.Patch(u.Path, `{"op":"add"}`).Refused(http.StatusBadRequest)
			t.Patch(u.Path, `{"op":"replace"}`).Refused(http.StatusBadRequest)
		}},
		{Name: "add of an extension's object merges", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User(`"` + suite.URNEnterprise + `":{"department":"Tours"}`)
			u.Patched(`{"op":"add","value":{"`+suite.URNEnterprise+`":{"division":"Parks"}}}`).Has(suite.URNEnterprise+"/department", "Tours").Has(suite.URNEnterprise+"/division", "Parks")
		}},
	}
}

// removeAndReplaceCases are the other operations of PATCH, and its errors.
func removeAndReplaceCases() []suite.Case {
	return []suite.Case{
		{Name: "remove without a path is noTarget", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			t.Patch(t.User().Path, `{"op":"remove"}`).Refused(http.StatusBadRequest, "noTarget")
		}},
		{Name: "remove of what is required or readOnly is refused", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.User()
			for _, path := range []string{"userName", "id", "meta", "meta.created", "groups"} {
				t.Patch(u.Path, `{"op":"remove","path":"`+path+`"}`).Refused(http.StatusBadRequest, "mutability")
			}
			u.Get().Has("userName", u.Name).Has("id", u.ID)
		}},
		{Name: "remove of the last value that matches unassigns the attribute", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"fax"},{"value":"2","type":"work"}]`)
			u.Patched(`{"op":"remove","path":"phoneNumbers[type eq \"fax\"]"}`).HasValues("phoneNumbers", "2")
			u.Patched(`{"op":"remove","path":"phoneNumbers[value sw \"2\"]"}`).Unassigned("phoneNumbers")
		}},
		{Name: "remove of what is absent succeeds", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u, outsider := t.User(), t.User()
			before := u.Get()
			u.Patched(`{"op":"remove","path":"title"}`, `{"op":"remove","path":"phoneNumbers"}`).SameBut(before.Doc)
			g := t.Group(u)
			a := t.Patch(g.Path, `{"op":"remove","path":"members[value eq \"`+outsider.ID+`\"]"}`)
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest, "noTarget")
			} else {
				a.OK(http.StatusOK, http.StatusNoContent)
			}
			g.Get().HasMembers(u)
		}},
		{Name: "remove of a sub-attribute leaves the others", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"fax","display":"d"}]`)
			u.Patched(`{"op":"remove","path":"name.familyName"}`, `{"op":"remove","path":"phoneNumbers[type eq \"fax\"].display"}`).
				Has("name/givenName", "Barbara").Lacks("name/familyName", "phoneNumbers/0/display").HasValues("phoneNumbers", "1")
		}},
		{Name: "remove with a value never removes more than the value", Source: "RFC 7644 §3.5.2.2; ssoready#182, SCIMReferenceCode#10", Run: func(t *suite.T) {
			u := t.Users(3)
			g := t.Group(u...)
			a := t.Patch(g.Path, `{"op":"remove","path":"members","value":[{"value":"`+u[0].ID+`"}]}`)
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest)
				g.Get().HasMembers(u...)
				return
			}
			a.OK(http.StatusOK, http.StatusNoContent)
			g.Get().HasMembers(u[1], u[2])
		}},
		{Name: "remove with a value that is not there removes nobody", Source: "RFC 7644 §3.5.2.2", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			for _, value := range []string{`[{"value":"` + t.Random() + `"}]`, `[]`, `[{}]`, `[{"value":""}]`, `{"value":null}`, `[null]`, `""`, `"` + t.Random() + `"`} {
				a := t.Patch(g.Path, `{"op":"remove","path":"members","value":`+value+`}`)
				a.Expect(a.Status < 500, "no 5xx")
				g.Get().HasMembers(u...)
			}
		}},

		{Name: "replace by a value path that matches nothing is noTarget", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			a := t.Patch(u.Path, `{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":"2"}`)
			if t.Profile("Entra", "JumpCloud") && a.Status < 300 {
				u.Get().HasValues("phoneNumbers", "1", "2") // Entra ID wants the value to be made.
				return
			}
			a.Refused(http.StatusBadRequest, "noTarget")
			u.Get().HasValues("phoneNumbers", "1")
		}},
		{Name: "replace of an absent attribute adds it", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			t.User().Patched(`{"op":"replace","path":"title","value":"Guide"}`, `{"op":"replace","path":"phoneNumbers","value":[{"value":"1"}]}`).
				Has("title", "Guide").HasValues("phoneNumbers", "1")
		}},
		{Name: "replace of a complex attribute changes what is given", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			t.User().Patched(`{"op":"replace","path":"name","value":{"familyName":"Smith"}}`).Has("name/familyName", "Smith").Has("name/givenName", "Barbara")
		}},
		{Name: "replace of a multi-valued attribute replaces all of it", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"fax"},{"value":"2","type":"work"}]`)
			u.Patched(`{"op":"replace","path":"phoneNumbers","value":[{"value":"3","type":"home"}]}`).HasValues("phoneNumbers", "3")
		}},
		{Name: "replace without a path leaves what it does not name", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"title":"A","` + suite.URNEnterprise + `":{"department":"Tours","division":"Parks"}`)
			u.Patched(`{"op":"replace","value":{"title":"B","`+suite.URNEnterprise+`":{"division":"Rides"}}}`).
				Has("title", "B").Has("userName", u.Name).Has(suite.URNEnterprise+"/division", "Rides").Has(suite.URNEnterprise+"/department", "Tours")
		}},
		{Name: "replace by a value path changes all values that match, and no others", Source: "RFC 7644 §3.5.2.3", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"fax"},{"value":"2","type":"work"}]`)
			a := u.Patched(`{"op":"replace","path":"phoneNumbers[type eq \"work\"].value","value":"3"}`).HasValues("phoneNumbers", "1", "3")
			a.Expect(a.Element("phoneNumbers", "value", "3")["type"] == "work", "the other sub-attributes to stay")
		}},
		{Name: "replace of readOnly attributes by path is refused", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			for _, path := range []string{"id", "meta.created", "groups"} {
				t.Patch(u.Path, `{"op":"replace","path":"`+path+`","value":"x"}`).Refused(http.StatusBadRequest, "mutability")
			}
		}},

		{Name: "a path that is malformed is invalidPath", Source: "RFC 7644 §3.5.2, §3.12", Run: func(t *suite.T) {
			u := t.User()
			for _, path := range []string{`emails[type eq \"work\"]value`, `name..givenName`, `.title`, ` `, `emails[type eq \"work\"].value.x`, `name.`} {
				t.Patch(u.Path, `{"op":"replace","path":"`+path+`","value":"x"}`).Refused(http.StatusBadRequest, "invalidPath")
			}
			for _, path := range []string{`emails[type eq \"work\"`, `emails[type eq \"work].value`, `emails[type eq`, `title[`} { // Table 9 can be read both ways.
				t.Patch(u.Path, `{"op":"replace","path":"`+path+`","value":"x"}`).Refused(http.StatusBadRequest, "invalidPath", "invalidFilter")
			}
		}},
		{Name: "a path to what no schema has is invalidPath or noTarget", Source: "RFC 7644 §3.5.2, §3.12", Run: func(t *suite.T) {
			u := t.User()
			for _, path := range []string{"nope", "name.nope", "urn:example:none:2.0:User:x", suite.URNEnterprise + ":nope"} {
				a := t.Patch(u.Path, `{"op":"replace","path":"`+path+`","value":"x"}`)
				if !t.Generic() && a.Status < http.StatusBadRequest {
					continue // Providers send attributes that a server does not have; leaving them out loses nothing else.
				}
				a.Refused(http.StatusBadRequest, "invalidPath", "noTarget")
			}
		}},
		{Name: "a value that does not fit is invalidValue", Source: "RFC 7644 §3.5.2, §3.12", Run: func(t *suite.T) {
			u := t.User()
			for _, operation := range []string{`{"op":"replace","path":"active","value":"perhaps"}`, `{"op":"replace","path":"title","value":{"x":1}}`, `{"op":"replace","path":"name.givenName","value":17}`, `{"op":"replace","path":"active","value":[1,2]}`} {
				t.Patch(u.Path, operation).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			}
		}},
		{Name: "a path that is no string is refused", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			t.Patch(u.Path, `{"op":"replace","path":17,"value":"x"}`).Refused(http.StatusBadRequest)
			t.Patch(u.Path, `{"op":"replace","path":["title"],"value":"x"}`).Refused(http.StatusBadRequest)
			u.Get().Unassigned("title")
		}},
	}
}
