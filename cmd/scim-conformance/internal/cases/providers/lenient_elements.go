package providers

import (
	"net/http"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// lenientElements are departures in what an operation adds to and removes from a
// multi-valued attribute.
func lenientElements() []lenience {
	creating := []string{"Entra", "JumpCloud"}
	all := but("Generic")
	return []lenience{
		{"RemoveValues", "Remove members with a value, and $ref null", "Entra ID; ssoready#182, pingidentity/scim2#174", all, mayUnderstand, nil, func(t *suite.T) attempt {
			u := t.Users(3)
			return patchAttempt(t.Group(u...), func(a *suite.Answer) { a.HasMembers(u[1], u[2]) }, `{"op":"`+op(t, "remove")+`","path":"members","value":[{"$ref":null,"value":"`+u[0].ID+`"}]}`)
		}},
		{"RemoveValues", "remove members with a value", "JumpCloud, authentik; SimpleIdServer#164", all, mayUnderstand, nil, func(t *suite.T) attempt {
			u := t.Users(3)
			return patchAttempt(t.Group(u...), func(a *suite.Answer) { a.HasMembers(u[0], u[2]) }, `{"op":"remove","path":"members","value":[{"value":"`+u[1].ID+`"}]}`)
		}},
		{"RemoveValues", "remove members with several values, one of which is no member", "JumpCloud, authentik", all, mayUnderstand, nil, func(t *suite.T) attempt {
			u := t.Users(3)
			return patchAttempt(t.Group(u...), func(a *suite.Answer) { a.HasMembers(u[2]) }, `{"op":"remove","path":"members","value":`+suite.MembersOf(u[0], u[1], &suite.Resource{ID: t.Random()})+`}`)
		}},
		{"RemoveValues", "remove members with a value that is no member", "Entra ID; SCIMReferenceCode#10", all, mayIgnore, nil, func(t *suite.T) attempt {
			u, other := t.Users(2), t.User()
			return patchAttempt(t.Group(u...), func(a *suite.Answer) { a.HasMembers(u...) }, `{"op":"remove","path":"members","value":[{"value":"`+other.ID+`"}]}`)
		}},
		{"RemoveValues", "remove members with a value without brackets", "as SingleForArray", all, mayUnderstand, nil, func(t *suite.T) attempt {
			u := t.Users(3)
			return patchAttempt(t.Group(u...), func(a *suite.Answer) { a.HasMembers(u[1], u[2]) }, `{"op":"remove","path":"members","value":{"value":"`+u[0].ID+`"}}`)
		}},
		{"RemoveValues", "remove an e-mail address by its value", "Entra ID", all, mayUnderstand, nil, func(t *suite.T) attempt {
			u := t.User(`"emails":[{"value":"a@example.com","type":"work"},{"value":"b@example.com","type":"home"}]`)
			return patchAttempt(u, func(a *suite.Answer) { a.HasValues("emails", "b@example.com") }, `{"op":"remove","path":"emails","value":[{"value":"a@example.com"}]}`)
		}},
		{"EmptyElements", "values of a list that have nothing in them", "Entra ID, templates of OneLogin", []string{"Entra", "JumpCloud", "OneLogin"}, mustRefuse, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"emails":[{"value":`+suite.Quoted(name)+`},{"value":null}]`, `"phoneNumbers":[{"value":null,"type":null}]`, `"addresses":[{}]`),
				func(a *suite.Answer) { a.HasValues("emails", name).Unassigned("phoneNumbers", "addresses") })
		}},
		{"CreateMissing", "replace by a value path that matches nothing makes a value", "Entra ID; scim-patch#176, SCIM-SDK#416", creating, mustRefuse, nil, func(t *suite.T) attempt {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			return patchAttempt(u, func(a *suite.Answer) {
				a.HasValues("phoneNumbers", "1", "2").Expect(a.Element("phoneNumbers", "value", "2")["type"] == "mobile", "the type from the filter")
			}, `{"op":"`+op(t, "replace")+`","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}`)
		}},
		{"CreateMissing", "add by a value path that matches nothing makes a value", "Entra ID; wire-server#5419", creating, mayUnderstand, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) {
				a.Expect(a.Element("addresses", "type", "work")["formatted"] == "1 Road", "a work address")
			}, `{"op":"`+op(t, "add")+`","path":"addresses[type eq \"work\"].formatted","value":"1 Road"}`)
		}},
		{"CreateMissing", "the other values stay", "SCIM-SDK#668", creating, mustRefuse, nil, func(t *suite.T) attempt {
			u := t.User(`"emails":[{"value":"h@example.com","type":"home"},{"value":"o@example.com","type":"other","primary":true}]`)
			return patchAttempt(u, func(a *suite.Answer) { a.HasValues("emails", "h@example.com", "o@example.com", "w@example.com") },
				`{"op":"`+op(t, "replace")+`","path":"emails[type eq \"work\"].value","value":"w@example.com"}`)
		}},
		{"CreateMissing", "roles[primary eq \"True\"] makes a role that is primary", "Entra ID; Metatavu/keycloak-scim-server#40", creating, mayUnderstand, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) {
				a.Expect(a.Element("roles", "primary", true)["display"] == "Admin", "a role that is primary")
			}, `{"op":"`+op(t, "add")+`","path":"roles[primary eq \"True\"].display","value":"Admin"}`)
		}},
		{"CreateMissing", "several parts of one value that is not there", "Entra ID", creating, mustRefuse, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) {
				work := a.Element("addresses", "type", "work")
				a.Expect(work["locality"] == "Oslo" && work["country"] == "NO" && len(a.Values("addresses", "type")) == 1, "one work address with both")
			}, `{"op":"`+op(t, "replace")+`","path":"addresses[type eq \"work\"].locality","value":"Oslo"}`, `{"op":"`+op(t, "replace")+`","path":"addresses[type eq \"work\"].country","value":"NO"}`)
		}},
	}
}

// lenientNames are departures in the names of operations, attributes and schemas.
func lenientNames() []lenience {
	all := but("Generic")
	bare := []string{"OneLogin", "Authentik"}
	return []lenience{
		{"OperationCase", "Add, Replace and Remove with a capital", "Entra ID without its flag", all, mayUnderstand, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(`"userType":"x"`), func(a *suite.Answer) { a.Has("nickName", "Babs").Has("title", "T").Unassigned("userType") },
				`{"op":"Add","path":"nickName","value":"Babs"}`, `{"op":"Replace","path":"title","value":"T"}`, `{"op":"Remove","path":"userType"}`)
		}},
		{"names", "dotted names and URNs as keys", "Entra ID with aadOptscim062020", all, mayUnderstand, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) {
				a.Has("displayName", "Bjfe").Has("name/givenName", "Kkom").Has("name/familyName", "Unua").Has(suite.URNEnterprise+"/employeeNumber", "Aklq").Lacks("name.givenName")
			}, `{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}`)
		}},
		{"IgnoreReadOnly", "a group renamed together with its id", "Okta", all, mayUnderstand, nil, func(t *suite.T) attempt {
			g, name := t.Group(), "g-"+t.Random()
			return patchAttempt(g, func(a *suite.Answer) { a.Has("displayName", name).Has("id", g.ID) }, `{"op":"replace","value":{"id":"`+g.ID+`","displayName":"`+name+`"}}`)
		}},
		{"IgnoreReadOnly", "a group renamed together with its id and schemas", "authentik", all, mayUnderstand, nil, func(t *suite.T) attempt {
			g, name := t.Group(), "g-"+t.Random()
			return patchAttempt(g, func(a *suite.Answer) { a.Has("displayName", name).Has("id", g.ID) }, `{"op":"replace","value":{"id":"`+g.ID+`","displayName":"`+name+`","schemas":["`+suite.URNGroup+`"]}}`)
		}},
		{"IgnoreUnknown", "attributes that no schema has", "attribute mappings of administrators", all, mayUnderstand, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"favouriteColour":"blue"`, `"x":{"y":[1]}`), func(a *suite.Answer) { a.Has("userName", name) })
		}},
		{"IgnoreUnknown", "a group with a schema of its own", "Entra ID", all, mayUnderstand, nil, func(t *suite.T) attempt {
			name := "g-" + t.Random()
			a := t.Post("/Groups", `{"schemas":["`+suite.URNGroup+`","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"`+name+`","meta":{"resourceType":"Group"}}`)
			return attempt{a, func() { a.Has("displayName", name) }, func() { t.Filter("/Groups", `displayName eq "`+name+`"`).Lists() }}
		}},
		{"IgnoreUnknown", "parts of values that no schema has, beside one that there is", "attribute mappings of administrators", all, mayUnderstand, suite.Needs(suite.PatchFeature), func(t *suite.T) attempt {
			u := t.User(`"emails":[{"value":"a@example.com","type":"work"}]`)
			return patchAttempt(u, func(a *suite.Answer) { a.Has("title", "T").HasValues("emails", "a@example.com") },
				`{"op":"replace","path":"title","value":"T"}`, `{"op":"replace","path":"emails[type eq \"work\"].favouriteColour","value":"blue"}`, `{"op":"replace","path":"name.favouriteColour","value":"blue"}`)
		}},
		{"names", "an e-mail address by a path, in a document", "clients written by hand", but("Generic"), mayUnderstand, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"emails":null`, `"emails[type eq \"work\"].value":"a@example.com"`), func(a *suite.Answer) { a.HasValues("emails", "a@example.com").Has("emails/0/type", "work") })
		}},
		{"UndeclaredExtensions", "an extension that `schemas` does not list", "clients written by hand", all, mayUnderstand, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"schemas":["`+suite.URNUser+`"]`, `"`+suite.URNEnterprise+`":{"department":"D"}`), func(a *suite.Answer) { a.Has(suite.URNEnterprise+"/department", "D") })
		}},
		{"MissingSchemas", "a document without `schemas`", "templates of OneLogin", bare, mustRefuse, nil, func(t *suite.T) attempt {
			name := t.UserName()
			doc := t.UserDoc(`"userName":` + suite.Quoted(name))
			delete(doc, "schemas")
			return postAttempt(t, name, suite.JSON(doc), func(a *suite.Answer) { a.Has("userName", name).Has("schemas", []any{suite.URNUser}) })
		}},
		{"MissingSchemas", "a PATCH without `schemas`", "templates of OneLogin", bare, mustRefuse, suite.Needs(suite.PatchFeature), func(t *suite.T) attempt {
			u := t.User()
			a := t.Do(http.MethodPatch, u.Path, `{"Operations":[{"op":"replace","path":"title","value":"T"}]}`)
			return attempt{a, func() { u.Get().Has("title", "T") }, func() { u.Get().Unassigned("title") }}
		}},
		{"MissingSchemas", "a bulk request without `schemas`", "as other messages", bare, mustRefuse, suite.Needs(suite.BulkFeature, suite.PatchFeature), func(t *suite.T) attempt {
			u := t.User()
			a := t.Post("/Bulk", `{"Operations":[`+suite.BulkOn("PATCH", u.Path, suite.Document{"Operations": []any{suite.Document{"op": "replace", "path": "title", "value": "T"}}})+`]}`)
			return attempt{a, func() { u.Get().Has("title", "T") }, func() { u.Get().Unassigned("title") }}
		}},
		{"MissingSchemas", "a search without `schemas`", "as other messages", bare, mustRefuse, suite.Needs(suite.FilterFeature), func(t *suite.T) attempt {
			u := t.User()
			a := t.Post("/Users/.search", `{"filter":`+suite.Quoted(`userName eq `+suite.Quoted(u.Name))+`}`)
			return attempt{a, func() { a.Lists(u) }, func() {}}
		}},
		{"SingleForArray", "`schemas` without brackets", "clients written by hand", all, mayUnderstand, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"schemas":"`+suite.URNUser+`"`), func(a *suite.Answer) { a.Has("userName", name) })
		}},
		{"MissingSchemas", "a group renamed without `schemas`, but with them in the value", "authentik", bare, mustRefuse, suite.Needs(suite.PatchFeature), func(t *suite.T) attempt {
			g, name := t.Group(), "g-"+t.Random()
			a := t.Do(http.MethodPatch, g.Path, `{"Operations":[{"op":"replace","value":{"schemas":["`+suite.URNGroup+`"],"id":"`+g.ID+`","displayName":"`+name+`"}}]}`)
			return attempt{a, func() { g.Get().Has("displayName", name).Has("id", g.ID) }, func() { g.Get().Has("displayName", g.Name) }}
		}},
		{"names", "`id eq … and manager eq …`", "Entra ID", all, mayUnderstand, suite.Needs(suite.FilterFeature), func(t *suite.T) attempt {
			manager := t.User()
			u := t.User(`"` + suite.URNEnterprise + `":{"manager":{"value":"` + manager.ID + `"}}`)
			return filterAttempt(t, "/Users", `id eq "`+u.ID+`" and manager eq "`+manager.ID+`"`, u)
		}},
		{"names", "an attribute of an extension by its name", "Entra ID", all, mayUnderstand, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) { a.Has(suite.URNEnterprise+"/department", "D") }, `{"op":"add","path":"department","value":"D"}`)
		}},
		{"names", "the schema of SCIM 1", "templates of OneLogin", all, mayUnderstand, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"schemas":["urn:scim:schemas:core:1.0"]`), func(a *suite.Answer) { a.Has("userName", name).Has("schemas", []any{suite.URNUser}) })
		}},
		{"names", "…enterprise:2.0User, misspelt", "Entra ID", all, mayUnderstand, nil, func(t *suite.T) attempt {
			u := t.User()
			const misspelt = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
			a := t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name), `"schemas":["`+suite.URNUser+`","`+misspelt+`"]`, `"`+misspelt+`":{"department":"D"}`))
			return attempt{a, func() { u.Get().Has(suite.URNEnterprise+"/department", "D") }, func() { u.Get().Lacks(suite.URNEnterprise) }}
		}},
	}
}
