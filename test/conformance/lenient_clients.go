package main

import (
	"net/http"
)

// clientCases are requests of identity providers that keep to the RFC, or nearly,
// and break servers all the same.
func clientCases() []testCase {
	return []testCase{
		{"client-01", "a request without User-Agent", "Entra ID; authentik#11249, kortix-ai/suna#7297", nil, func(t *T) {
			t.get("/Users?count=1", "User-Agent", "").ok(http.StatusOK)
			t.post("/Users", t.userBody(), "User-Agent", "").ok(http.StatusCreated)
		}},
		{"client-02", "?aadOptscim062020 after every URL", "Entra ID; ory/polis", nil, func(t *T) {
			a := t.post("/Users?aadOptscim062020", t.userBody()).ok(http.StatusCreated)
			path := "/Users/" + a.text("id")
			t.do(http.MethodPatch, path+"?aadOptscim062020", patchOf(`{"op":"replace","path":"active","value":false}`)).ok(http.StatusOK, http.StatusNoContent)
			t.get(path+"?aadOptscim062020").ok(http.StatusOK).has("active", false)
			t.get(query("/Users", "filter", `id eq "`+a.text("id")+`"`)+"&aadOptscim062020").has("totalResults", 1)
			t.delete(path + "?aadOptscim062020").ok(http.StatusNoContent)
		}},
		{"client-03", "the connection test: a random userName, and groups", "Entra ID, Okta, OneLogin", needs(filterFeature), func(t *T) {
			t.filter("/Users", `userName eq "131d0f2e-`+t.random()+`"`).has("totalResults", 0).list()
			t.get("/Users?startIndex=1&count=2").list()
			t.get("/Groups?startIndex=1&count=100").list()
			t.get("/ServiceProviderConfig").ok(http.StatusOK)
			t.get("/Schemas").list()
		}},
		{"client-04", "activation: a test user and a test group are made and deleted", "JumpCloud", nil, func(t *T) {
			u := t.user()
			g := t.group()
			g.patched(`{"op":"add","path":"members","value":` + membersOf(u) + `}`).hasMembers(u)
			t.delete(u.path).ok(http.StatusNoContent)
			t.delete(g.path).ok(http.StatusNoContent)
		}},
		{"client-05", "username Eq, as a filter of an administrator", "PingOne", needs(filterFeature), func(t *T) {
			u := t.user()
			t.filter("/Users", `username Eq `+quoted(u.name)).lists(u)
		}},
		{"client-06", "emails[type eq \"work\"].value eq, as the matching attribute", "Entra ID", needs(filterFeature), func(t *T) {
			u := t.user()
			a := t.filter("/Users", `emails[type eq "work"].value eq `+quoted(u.name))
			if t.generic() && a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest, "invalidFilter") // The ABNF of the RFC ends with the bracket.
				return
			}
			a.lists(u)
		}},
		{"client-07", "a disabled user keeps groups and is found", "Entra ID", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			u.patched(`{"op":"replace","path":"active","value":false}`).has("active", false).hasValues("groups", g.id)
			g.get().hasMembers(u)
			t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
			u.patched(`{"op":"replace","path":"active","value":true}`).has("active", true).hasValues("groups", g.id)
		}},
		{"client-08", "a user can be made disabled", "PingOne", nil, func(t *T) {
			t.user(`"active":false`).get().has("active", false)
		}},
		{"client-09", "members are removed after the user is deleted", "Entra ID; Budibase#17175", nil, func(t *T) {
			u, stays := t.user(), t.user()
			g := t.group(u, stays)
			t.delete(u.path).ok(http.StatusNoContent)
			a := t.patch(g.path, `{"op":"remove","path":"members[value eq \"`+u.id+`\"]"}`)
			if t.generic() && a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest, "noTarget")
			} else {
				a.ok(http.StatusOK, http.StatusNoContent)
			}
			g.get().hasMembers(stays)
		}},
		{"client-10", "a member that there is not is left out or refused, and the answer is no 5xx", "fleet#52600", nil, func(t *T) {
			u, g := t.user(), t.group()
			a := t.patch(g.path, `{"op":"add","path":"members","value":`+membersOf(u, &resource{id: t.random()})+`}`)
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest)
				g.get().unassigned("members")
				return
			}
			a.ok(http.StatusOK, http.StatusNoContent)
			g.get().hasMembers(u)
		}},
		{"client-11", "PUT of a user without id and meta", "Keycloak's extensions", nil, func(t *T) {
			u := t.user()
			u.replaced(parsed(`{"schemas":["`+urnUser+`"],"externalId":"kc","userName":`+quoted(u.name)+`,"name":{"givenName":"B","familyName":"J"},"emails":[{"value":"a@example.com","primary":true}],"active":true,"roles":[]}`)).
				has("id", u.id).has("externalId", "kc").hasValues("emails", "a@example.com")
		}},
		{"client-12", "replace members with [] and null", "Okta, Keycloak's extensions; SCIM-SDK#757", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			g.patched(`{"op":"replace","path":"members","value":[]}`).unassigned("members")
			g.patched(`{"op":"add","path":"members","value":` + membersOf(u) + `}`).hasMembers(u)
			g.patched(`{"op":"remove","path":"members"}`).unassigned("members")
			g.patched(`{"op":"replace","path":"members","value":[]}`).unassigned("members")
		}},
		{"client-13", "attributes that are null, in a POST", "Entra ID, templates of OneLogin", nil, func(t *T) {
			t.user(`"id":null,"addresses":null,"roles":[],"displayName":null,"`+urnEnterprise+`":null`).get().unassigned("addresses", "roles", "displayName")
		}},
		{"client-14", "all members, page by page of requests", "authentik", nil, func(t *T) {
			u := t.users(6)
			g := t.group()
			for i := 0; i < len(u); i += 2 {
				g.patched(`{"op":"add","path":"members","value":[{"value":"`+u[i].id+`"}]}`, `{"op":"add","path":"members","value":[{"value":"`+u[i+1].id+`"}]}`)
			}
			g.get().hasMembers(u...)
		}},
		{"client-15", "a user is found by userName after 409", "authentik, Okta; better-auth#11111", needs(filterFeature), func(t *T) {
			u := t.user(`"active":false`)
			a := t.post("/Users", t.userBody(`"userName":`+quoted(u.name)))
			a.expect(a.status < 500, "no 5xx")
			t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
		}},
		{"client-16", "members of a group by `id eq … and members eq …`", "Entra ID", needs(filterFeature), func(t *T) {
			u, other := t.user(), t.user()
			g := t.group(u)
			t.filter("/Groups", `id eq "`+g.id+`" and members eq "`+u.id+`"`, "excludedAttributes", "members").lists(g)
			t.filter("/Groups", `id eq "`+g.id+`" and members eq "`+other.id+`"`, "excludedAttributes", "members").lists()
		}},
		{"client-17", "PUT of a group with relative references, as its own location", "Keycloak's extensions", nil, func(t *T) {
			u, g := t.user(), t.group()
			t.put(g.path, `{"schemas":["`+urnGroup+`"],"id":"`+g.id+`","externalId":"9a1e","displayName":`+quoted(g.name)+`,"members":[{"value":"`+u.id+`","type":"User","$ref":"Users/`+u.id+`"}],"meta":{"location":"Groups/`+g.id+`"}}`).
				ok(http.StatusOK)
			g.get().hasMembers(u).has("externalId", "9a1e").has("members/0/$ref", t.target.url+u.path).has("meta/location", t.target.url+g.path)
		}},
		{"client-18", "a group's members, name and externalId in one PATCH, and then no members", "Keycloak's extensions", nil, func(t *T) {
			u, g, name := t.users(2), t.group(), "g-"+t.random()
			g.patched(`{"path":"members","op":"replace","value":[{"value":"`+u[0].id+`","type":"User"},{"value":"`+u[1].id+`","type":"User"}]}`, `{"path":"displayName","op":"replace","value":"`+name+`"}`, `{"path":"externalId","op":"replace","value":"9a1e"}`).
				hasMembers(u...).has("displayName", name).has("externalId", "9a1e")
			g.patched(`{"path":"members","op":"remove"}`, `{"path":"displayName","op":"replace","value":"`+name+`"}`, `{"path":"externalId","op":"replace","value":"9a1e"}`).unassigned("members")
		}},
		{"client-19", "a synchronisation of members, one operation each, and a rename by paths", "authentik", nil, func(t *T) {
			u, g, name := t.users(3), t.group(), "g-"+t.random()
			g.patched(`{"op":"add","path":"members","value":[{"value":"`+u[0].id+`"}]}`, `{"op":"add","path":"members","value":[{"value":"`+u[1].id+`"}]}`).hasMembers(u[0], u[1])
			g.patched(`{"op":"add","path":"members","value":[{"value":"`+u[2].id+`"}]}`, `{"op":"remove","path":"members[value eq \"`+u[0].id+`\"]","value":null}`).hasMembers(u[1], u[2])
			g.patched(`{"op":"replace","path":"displayName","value":"`+name+`"}`, `{"op":"replace","path":"externalId","value":"5f2b"}`).has("displayName", name).hasMembers(u[1], u[2])
		}},
		{"client-20", "a user and a group without `schemas`", "authentik up to 2023.10", nil, func(t *T) {
			user, group := t.userName(), "g-"+t.random()
			a := t.post("/Users", `{"userName":`+quoted(user)+`,"name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},"active":true,"emails":[{"value":`+quoted(user)+`,"type":"other","primary":true}],"externalId":"7d5a04b0"}`)
			if t.withoutSchemas(a) {
				t.get("/Users/"+a.text("id")).ok(http.StatusOK).has("userName", user).has("schemas", []any{urnUser})
			}
			a = t.post("/Groups", `{"externalId":"5f2b","displayName":`+quoted(group)+`}`)
			if t.withoutSchemas(a) {
				t.get("/Groups/"+a.text("id")).ok(http.StatusOK).has("displayName", group)
			}
		}},
		{"client-21", "a group renamed by a PATCH without `schemas`, with its own in the value", "authentik", needs(patchFeature), func(t *T) {
			g, name := t.group(), "g-"+t.random()
			a := t.do(http.MethodPatch, g.path, `{"Operations":[{"op":"replace","value":{"schemas":["`+urnGroup+`"],"id":"`+g.id+`","externalId":"5f2b","displayName":"`+name+`"}}]}`)
			if t.withoutSchemas(a) {
				g.get().has("displayName", name).has("externalId", "5f2b").has("id", g.id)
				return
			}
			g.get().sameBut(g.doc)
		}},
	}
}

// withoutSchemas reports whether a message without `schemas` was taken, which a server for
// a provider that sends such must do, and another one need not.
func (t *T) withoutSchemas(a *answer) bool {
	if !t.profile("Authentik", "OneLogin") && a.status == http.StatusBadRequest {
		a.refused(http.StatusBadRequest, "invalidSyntax")
		return false
	}
	a.ok(http.StatusOK, http.StatusCreated, http.StatusNoContent)
	return true
}
