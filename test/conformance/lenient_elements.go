package main

import "net/http"

// lenientElements are departures in what an operation adds to and removes from a
// multi-valued attribute.
func lenientElements() []lenience {
	creating := []string{"Entra", "JumpCloud"}
	all := but("Generic")
	return []lenience{
		{"RemoveValues", "Remove members with a value, and $ref null", "Entra ID; ssoready#182, pingidentity/scim2#174", all, mayUnderstand, nil, func(t *T) attempt {
			u := t.users(3)
			return patchAttempt(t.group(u...), func(a *answer) { a.hasMembers(u[1], u[2]) }, `{"op":"`+t.op("remove")+`","path":"members","value":[{"$ref":null,"value":"`+u[0].id+`"}]}`)
		}},
		{"RemoveValues", "remove members with a value", "JumpCloud, authentik; SimpleIdServer#164", all, mayUnderstand, nil, func(t *T) attempt {
			u := t.users(3)
			return patchAttempt(t.group(u...), func(a *answer) { a.hasMembers(u[0], u[2]) }, `{"op":"remove","path":"members","value":[{"value":"`+u[1].id+`"}]}`)
		}},
		{"RemoveValues", "remove members with several values, one of which is no member", "JumpCloud, authentik", all, mayUnderstand, nil, func(t *T) attempt {
			u := t.users(3)
			return patchAttempt(t.group(u...), func(a *answer) { a.hasMembers(u[2]) }, `{"op":"remove","path":"members","value":`+membersOf(u[0], u[1], &resource{id: t.random()})+`}`)
		}},
		{"RemoveValues", "remove members with a value that is no member", "Entra ID; SCIMReferenceCode#10", all, mayIgnore, nil, func(t *T) attempt {
			u, other := t.users(2), t.user()
			return patchAttempt(t.group(u...), func(a *answer) { a.hasMembers(u...) }, `{"op":"remove","path":"members","value":[{"value":"`+other.id+`"}]}`)
		}},
		{"RemoveValues", "remove members with a value without brackets", "as SingleForArray", all, mayUnderstand, nil, func(t *T) attempt {
			u := t.users(3)
			return patchAttempt(t.group(u...), func(a *answer) { a.hasMembers(u[1], u[2]) }, `{"op":"remove","path":"members","value":{"value":"`+u[0].id+`"}}`)
		}},
		{"RemoveValues", "remove an e-mail address by its value", "Entra ID", all, mayUnderstand, nil, func(t *T) attempt {
			u := t.user(`"emails":[{"value":"a@example.com","type":"work"},{"value":"b@example.com","type":"home"}]`)
			return patchAttempt(u, func(a *answer) { a.hasValues("emails", "b@example.com") }, `{"op":"remove","path":"emails","value":[{"value":"a@example.com"}]}`)
		}},
		{"EmptyElements", "values of a list that have nothing in them", "Entra ID, templates of OneLogin", []string{"Entra", "JumpCloud", "OneLogin"}, mustRefuse, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"emails":[{"value":`+quoted(name)+`},{"value":null}]`, `"phoneNumbers":[{"value":null,"type":null}]`, `"addresses":[{}]`),
				func(a *answer) { a.hasValues("emails", name).unassigned("phoneNumbers", "addresses") })
		}},
		{"CreateMissing", "replace by a value path that matches nothing makes a value", "Entra ID; scim-patch#176, SCIM-SDK#416", creating, mustRefuse, nil, func(t *T) attempt {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			return patchAttempt(u, func(a *answer) {
				a.hasValues("phoneNumbers", "1", "2").expect(a.element("phoneNumbers", "value", "2")["type"] == "mobile", "the type from the filter")
			}, `{"op":"`+t.op("replace")+`","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}`)
		}},
		{"CreateMissing", "add by a value path that matches nothing makes a value", "Entra ID; wire-server#5419", creating, mayUnderstand, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) {
				a.expect(a.element("addresses", "type", "work")["formatted"] == "1 Road", "a work address")
			}, `{"op":"`+t.op("add")+`","path":"addresses[type eq \"work\"].formatted","value":"1 Road"}`)
		}},
		{"CreateMissing", "the other values stay", "SCIM-SDK#668", creating, mustRefuse, nil, func(t *T) attempt {
			u := t.user(`"emails":[{"value":"h@example.com","type":"home"},{"value":"o@example.com","type":"other","primary":true}]`)
			return patchAttempt(u, func(a *answer) { a.hasValues("emails", "h@example.com", "o@example.com", "w@example.com") },
				`{"op":"`+t.op("replace")+`","path":"emails[type eq \"work\"].value","value":"w@example.com"}`)
		}},
		{"CreateMissing", "roles[primary eq \"True\"] makes a role that is primary", "Entra ID; Metatavu/keycloak-scim-server#40", creating, mayUnderstand, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) {
				a.expect(a.element("roles", "primary", true)["display"] == "Admin", "a role that is primary")
			}, `{"op":"`+t.op("add")+`","path":"roles[primary eq \"True\"].display","value":"Admin"}`)
		}},
		{"CreateMissing", "several parts of one value that is not there", "Entra ID", creating, mustRefuse, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) {
				work := a.element("addresses", "type", "work")
				a.expect(work["locality"] == "Oslo" && work["country"] == "NO" && len(a.values("addresses", "type")) == 1, "one work address with both")
			}, `{"op":"`+t.op("replace")+`","path":"addresses[type eq \"work\"].locality","value":"Oslo"}`, `{"op":"`+t.op("replace")+`","path":"addresses[type eq \"work\"].country","value":"NO"}`)
		}},
	}
}

// lenientNames are departures in the names of operations, attributes and schemas.
func lenientNames() []lenience {
	all := but("Generic")
	bare := []string{"OneLogin", "Authentik"}
	return []lenience{
		{"OperationCase", "Add, Replace and Remove with a capital", "Entra ID without its flag", all, mayUnderstand, nil, func(t *T) attempt {
			return patchAttempt(t.user(`"userType":"x"`), func(a *answer) { a.has("nickName", "Babs").has("title", "T").unassigned("userType") },
				`{"op":"Add","path":"nickName","value":"Babs"}`, `{"op":"Replace","path":"title","value":"T"}`, `{"op":"Remove","path":"userType"}`)
		}},
		{"names", "dotted names and URNs as keys", "Entra ID with aadOptscim062020", all, mayUnderstand, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) {
				a.has("displayName", "Bjfe").has("name/givenName", "Kkom").has("name/familyName", "Unua").has(urnEnterprise+"/employeeNumber", "Aklq").lacks("name.givenName")
			}, `{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}`)
		}},
		{"IgnoreReadOnly", "a group renamed together with its id", "Okta", all, mayUnderstand, nil, func(t *T) attempt {
			g, name := t.group(), "g-"+t.random()
			return patchAttempt(g, func(a *answer) { a.has("displayName", name).has("id", g.id) }, `{"op":"replace","value":{"id":"`+g.id+`","displayName":"`+name+`"}}`)
		}},
		{"IgnoreReadOnly", "a group renamed together with its id and schemas", "authentik", all, mayUnderstand, nil, func(t *T) attempt {
			g, name := t.group(), "g-"+t.random()
			return patchAttempt(g, func(a *answer) { a.has("displayName", name).has("id", g.id) }, `{"op":"replace","value":{"id":"`+g.id+`","displayName":"`+name+`","schemas":["`+urnGroup+`"]}}`)
		}},
		{"IgnoreUnknown", "attributes that no schema has", "attribute mappings of administrators", all, mayUnderstand, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"favouriteColour":"blue"`, `"x":{"y":[1]}`), func(a *answer) { a.has("userName", name) })
		}},
		{"IgnoreUnknown", "a group with a schema of its own", "Entra ID", all, mayUnderstand, nil, func(t *T) attempt {
			name := "g-" + t.random()
			a := t.post("/Groups", `{"schemas":["`+urnGroup+`","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"`+name+`","meta":{"resourceType":"Group"}}`)
			return attempt{a, func() { a.has("displayName", name) }, func() { t.filter("/Groups", `displayName eq "`+name+`"`).lists() }}
		}},
		{"IgnoreUnknown", "parts of values that no schema has, beside one that there is", "attribute mappings of administrators", all, mayUnderstand, needs(patchFeature), func(t *T) attempt {
			u := t.user(`"emails":[{"value":"a@example.com","type":"work"}]`)
			return patchAttempt(u, func(a *answer) { a.has("title", "T").hasValues("emails", "a@example.com") },
				`{"op":"replace","path":"title","value":"T"}`, `{"op":"replace","path":"emails[type eq \"work\"].favouriteColour","value":"blue"}`, `{"op":"replace","path":"name.favouriteColour","value":"blue"}`)
		}},
		{"names", "an e-mail address by a path, in a document", "clients written by hand", but("Generic"), mayUnderstand, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"emails":null`, `"emails[type eq \"work\"].value":"a@example.com"`), func(a *answer) { a.hasValues("emails", "a@example.com").has("emails/0/type", "work") })
		}},
		{"UndeclaredExtensions", "an extension that `schemas` does not list", "clients written by hand", all, mayUnderstand, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"schemas":["`+urnUser+`"]`, `"`+urnEnterprise+`":{"department":"D"}`), func(a *answer) { a.has(urnEnterprise+"/department", "D") })
		}},
		{"MissingSchemas", "a document without `schemas`", "templates of OneLogin", bare, mustRefuse, nil, func(t *T) attempt {
			name := t.userName()
			doc := t.userDoc(`"userName":` + quoted(name))
			delete(doc, "schemas")
			return postAttempt(t, name, jsonOf(doc), func(a *answer) { a.has("userName", name).has("schemas", []any{urnUser}) })
		}},
		{"MissingSchemas", "a PATCH without `schemas`", "templates of OneLogin", bare, mustRefuse, needs(patchFeature), func(t *T) attempt {
			u := t.user()
			a := t.do(http.MethodPatch, u.path, `{"Operations":[{"op":"replace","path":"title","value":"T"}]}`)
			return attempt{a, func() { u.get().has("title", "T") }, func() { u.get().unassigned("title") }}
		}},
		{"MissingSchemas", "a bulk request without `schemas`", "as other messages", bare, mustRefuse, needs(bulkFeature, patchFeature), func(t *T) attempt {
			u := t.user()
			a := t.post("/Bulk", `{"Operations":[`+bulkOn("PATCH", u.path, document{"Operations": []any{document{"op": "replace", "path": "title", "value": "T"}}})+`]}`)
			return attempt{a, func() { u.get().has("title", "T") }, func() { u.get().unassigned("title") }}
		}},
		{"MissingSchemas", "a search without `schemas`", "as other messages", bare, mustRefuse, needs(filterFeature), func(t *T) attempt {
			u := t.user()
			a := t.post("/Users/.search", `{"filter":`+quoted(`userName eq `+quoted(u.name))+`}`)
			return attempt{a, func() { a.lists(u) }, func() {}}
		}},
		{"SingleForArray", "`schemas` without brackets", "clients written by hand", all, mayUnderstand, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"schemas":"`+urnUser+`"`), func(a *answer) { a.has("userName", name) })
		}},
		{"MissingSchemas", "a group renamed without `schemas`, but with them in the value", "authentik", bare, mustRefuse, needs(patchFeature), func(t *T) attempt {
			g, name := t.group(), "g-"+t.random()
			a := t.do(http.MethodPatch, g.path, `{"Operations":[{"op":"replace","value":{"schemas":["`+urnGroup+`"],"id":"`+g.id+`","displayName":"`+name+`"}}]}`)
			return attempt{a, func() { g.get().has("displayName", name).has("id", g.id) }, func() { g.get().has("displayName", g.name) }}
		}},
		{"names", "`id eq … and manager eq …`", "Entra ID", all, mayUnderstand, needs(filterFeature), func(t *T) attempt {
			manager := t.user()
			u := t.user(`"` + urnEnterprise + `":{"manager":{"value":"` + manager.id + `"}}`)
			return filterAttempt(t, "/Users", `id eq "`+u.id+`" and manager eq "`+manager.id+`"`, u)
		}},
		{"names", "an attribute of an extension by its name", "Entra ID", all, mayUnderstand, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) { a.has(urnEnterprise+"/department", "D") }, `{"op":"add","path":"department","value":"D"}`)
		}},
		{"names", "the schema of SCIM 1", "templates of OneLogin", all, mayUnderstand, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"schemas":["urn:scim:schemas:core:1.0"]`), func(a *answer) { a.has("userName", name).has("schemas", []any{urnUser}) })
		}},
		{"names", "…enterprise:2.0User, misspelt", "Entra ID", all, mayUnderstand, nil, func(t *T) attempt {
			u := t.user()
			const misspelt = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
			a := t.put(u.path, t.userBody(`"userName":`+quoted(u.name), `"schemas":["`+urnUser+`","`+misspelt+`"]`, `"`+misspelt+`":{"department":"D"}`))
			return attempt{a, func() { u.get().has(urnEnterprise+"/department", "D") }, func() { u.get().lacks(urnEnterprise) }}
		}},
	}
}
