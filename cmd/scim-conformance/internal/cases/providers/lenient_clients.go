package providers

import (
	"net/http"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// clientCases are requests of identity providers that keep to the RFC, or nearly,
// and break servers all the same.
func clientCases() []suite.Case {
	return []suite.Case{
		{Name: "a request without User-Agent", Source: "Entra ID; authentik#11249, kortix-ai/suna#7297", Run: func(t *suite.T) {
			t.Get("/Users?count=1", "User-Agent", "").OK(http.StatusOK)
			t.Post("/Users", t.UserBody(), "User-Agent", "").OK(http.StatusCreated)
		}},
		{Name: "?aadOptscim062020 after every URL", Source: "Entra ID; ory/polis", Run: func(t *suite.T) {
			a := t.Post("/Users?aadOptscim062020", t.UserBody()).OK(http.StatusCreated)
			path := "/Users/" + a.Text("id")
			t.Do(http.MethodPatch, path+"?aadOptscim062020", suite.PatchOf(`{"op":"replace","path":"active","value":false}`)).OK(http.StatusOK, http.StatusNoContent)
			t.Get(path+"?aadOptscim062020").OK(http.StatusOK).Has("active", false)
			t.Get(suite.Query("/Users", "filter", `id eq "`+a.Text("id")+`"`)+"&aadOptscim062020").Has("totalResults", 1)
			t.Delete(path + "?aadOptscim062020").OK(http.StatusNoContent)
		}},
		{Name: "the connection test: a random userName, and groups", Source: "Entra ID, Okta, OneLogin", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			t.Filter("/Users", `userName eq "131d0f2e-`+t.Random()+`"`).Has("totalResults", 0).List()
			t.Get("/Users?startIndex=1&count=2").List()
			t.Get("/Groups?startIndex=1&count=100").List()
			t.Get("/ServiceProviderConfig").OK(http.StatusOK)
			t.Get("/Schemas").List()
		}},
		{Name: "activation: a test user and a test group are made and deleted", Source: "JumpCloud", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group()
			g.Patched(`{"op":"add","path":"members","value":` + suite.MembersOf(u) + `}`).HasMembers(u)
			t.Delete(u.Path).OK(http.StatusNoContent)
			t.Delete(g.Path).OK(http.StatusNoContent)
		}},
		{Name: "username Eq, as a filter of an administrator", Source: "PingOne", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			t.Filter("/Users", `username Eq `+suite.Quoted(u.Name)).Lists(u)
		}},
		{Name: "emails[type eq \"work\"].value eq, as the matching attribute", Source: "Entra ID", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			a := t.Filter("/Users", `emails[type eq "work"].value eq `+suite.Quoted(u.Name))
			if t.Generic() && a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest, "invalidFilter") // The ABNF of the RFC ends with the bracket.
				return
			}
			a.Lists(u)
		}},
		{Name: "a disabled user keeps groups and is found", Source: "Entra ID", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			u.Patched(`{"op":"replace","path":"active","value":false}`).Has("active", false).HasValues("groups", g.ID)
			g.Get().HasMembers(u)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
			u.Patched(`{"op":"replace","path":"active","value":true}`).Has("active", true).HasValues("groups", g.ID)
		}},
		{Name: "a user can be made disabled", Source: "PingOne", Run: func(t *suite.T) {
			t.User(`"active":false`).Get().Has("active", false)
		}},
		{Name: "members are removed after the user is deleted", Source: "Entra ID; Budibase#17175", Run: func(t *suite.T) {
			u, stays := t.User(), t.User()
			g := t.Group(u, stays)
			t.Delete(u.Path).OK(http.StatusNoContent)
			a := t.Patch(g.Path, `{"op":"remove","path":"members[value eq \"`+u.ID+`\"]"}`)
			if t.Generic() && a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest, "noTarget")
			} else {
				a.OK(http.StatusOK, http.StatusNoContent)
			}
			g.Get().HasMembers(stays)
		}},
		{Name: "a member that there is not is left out or refused, and the answer is no 5xx", Source: "fleet#52600", Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			a := t.Patch(g.Path, `{"op":"add","path":"members","value":`+suite.MembersOf(u, &suite.Resource{ID: t.Random()})+`}`)
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest)
				g.Get().Unassigned("members")
				return
			}
			a.OK(http.StatusOK, http.StatusNoContent)
			g.Get().HasMembers(u)
		}},
		{Name: "PUT of a user without id and meta", Source: "Keycloak's extensions", Run: func(t *suite.T) {
			u := t.User()
			u.Replaced(suite.Parse(`{"schemas":["`+suite.URNUser+`"],"externalId":"kc","userName":`+suite.Quoted(u.Name)+`,"name":{"givenName":"B","familyName":"J"},"emails":[{"value":"a@example.com","primary":true}],"active":true,"roles":[]}`)).
				Has("id", u.ID).Has("externalId", "kc").HasValues("emails", "a@example.com")
		}},
		{Name: "replace members with [] and null", Source: "Okta, Keycloak's extensions; SCIM-SDK#757", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			g.Patched(`{"op":"replace","path":"members","value":[]}`).Unassigned("members")
			g.Patched(`{"op":"add","path":"members","value":` + suite.MembersOf(u) + `}`).HasMembers(u)
			g.Patched(`{"op":"remove","path":"members"}`).Unassigned("members")
			g.Patched(`{"op":"replace","path":"members","value":[]}`).Unassigned("members")
		}},
		{Name: "attributes that are null, in a POST", Source: "Entra ID, templates of OneLogin", Run: func(t *suite.T) {
			t.User(`"id":null,"addresses":null,"roles":[],"displayName":null,"`+suite.URNEnterprise+`":null`).Get().Unassigned("addresses", "roles", "displayName")
		}},
		{Name: "all members, page by page of requests", Source: "authentik", Run: func(t *suite.T) {
			u := t.Users(6)
			g := t.Group()
			for i := 0; i < len(u); i += 2 {
				g.Patched(`{"op":"add","path":"members","value":[{"value":"`+u[i].ID+`"}]}`, `{"op":"add","path":"members","value":[{"value":"`+u[i+1].ID+`"}]}`)
			}
			g.Get().HasMembers(u...)
		}},
		{Name: "a user is found by userName after 409", Source: "authentik, Okta; better-auth#11111", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User(`"active":false`)
			a := t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted(u.Name)))
			a.Expect(a.Status < 500, "no 5xx")
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
		}},
		{Name: "members of a group by `id eq … and members eq …`", Source: "Entra ID", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u, other := t.User(), t.User()
			g := t.Group(u)
			t.Filter("/Groups", `id eq "`+g.ID+`" and members eq "`+u.ID+`"`, "excludedAttributes", "members").Lists(g)
			t.Filter("/Groups", `id eq "`+g.ID+`" and members eq "`+other.ID+`"`, "excludedAttributes", "members").Lists()
		}},
		{Name: "PUT of a group with relative references, as its own location", Source: "Keycloak's extensions", Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			t.Put(g.Path, `{"schemas":["`+suite.URNGroup+`"],"id":"`+g.ID+`","externalId":"9a1e","displayName":`+suite.Quoted(g.Name)+`,"members":[{"value":"`+u.ID+`","type":"User","$ref":"Users/`+u.ID+`"}],"meta":{"location":"Groups/`+g.ID+`"}}`).
				OK(http.StatusOK)
			g.Get().HasMembers(u).Has("externalId", "9a1e").Has("members/0/$ref", t.Target.URL+u.Path).Has("meta/location", t.Target.URL+g.Path)
		}},
		{Name: "a group's members, name and externalId in one PATCH, and then no members", Source: "Keycloak's extensions", Run: func(t *suite.T) {
			u, g, name := t.Users(2), t.Group(), "g-"+t.Random()
			g.Patched(`{"path":"members","op":"replace","value":[{"value":"`+u[0].ID+`","type":"User"},{"value":"`+u[1].ID+`","type":"User"}]}`, `{"path":"displayName","op":"replace","value":"`+name+`"}`, `{"path":"externalId","op":"replace","value":"9a1e"}`).
				HasMembers(u...).Has("displayName", name).Has("externalId", "9a1e")
			g.Patched(`{"path":"members","op":"remove"}`, `{"path":"displayName","op":"replace","value":"`+name+`"}`, `{"path":"externalId","op":"replace","value":"9a1e"}`).Unassigned("members")
		}},
		{Name: "a synchronisation of members, one operation each, and a rename by paths", Source: "authentik", Run: func(t *suite.T) {
			u, g, name := t.Users(3), t.Group(), "g-"+t.Random()
			g.Patched(`{"op":"add","path":"members","value":[{"value":"`+u[0].ID+`"}]}`, `{"op":"add","path":"members","value":[{"value":"`+u[1].ID+`"}]}`).HasMembers(u[0], u[1])
			g.Patched(`{"op":"add","path":"members","value":[{"value":"`+u[2].ID+`"}]}`, `{"op":"remove","path":"members[value eq \"`+u[0].ID+`\"]","value":null}`).HasMembers(u[1], u[2])
			g.Patched(`{"op":"replace","path":"displayName","value":"`+name+`"}`, `{"op":"replace","path":"externalId","value":"5f2b"}`).Has("displayName", name).HasMembers(u[1], u[2])
		}},
		{Name: "a user and a group without `schemas`", Source: "authentik up to 2023.10", Run: func(t *suite.T) {
			user, group := t.UserName(), "g-"+t.Random()
			a := t.Post("/Users", `{"userName":`+suite.Quoted(user)+`,"name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},"active":true,"emails":[{"value":`+suite.Quoted(user)+`,"type":"other","primary":true}],"externalId":"7d5a04b0"}`)
			if withoutSchemas(t, a) {
				t.Get("/Users/"+a.Text("id")).OK(http.StatusOK).Has("userName", user).Has("schemas", []any{suite.URNUser})
			}
			a = t.Post("/Groups", `{"externalId":"5f2b","displayName":`+suite.Quoted(group)+`}`)
			if withoutSchemas(t, a) {
				t.Get("/Groups/"+a.Text("id")).OK(http.StatusOK).Has("displayName", group)
			}
		}},
		{Name: "a group renamed by a PATCH without `schemas`, with its own in the value", Source: "authentik", Needs: suite.Needs(suite.PatchFeature), Run: func(t *suite.T) {
			g, name := t.Group(), "g-"+t.Random()
			a := t.Do(http.MethodPatch, g.Path, `{"Operations":[{"op":"replace","value":{"schemas":["`+suite.URNGroup+`"],"id":"`+g.ID+`","externalId":"5f2b","displayName":"`+name+`"}}]}`)
			if withoutSchemas(t, a) {
				g.Get().Has("displayName", name).Has("externalId", "5f2b").Has("id", g.ID)
				return
			}
			g.Get().SameBut(g.Doc)
		}},
	}
}

// withoutSchemas reports whether a message without `schemas` was taken, which a server for
// a provider that sends such must do, and another one need not.
func withoutSchemas(t *suite.T, a *suite.Answer) bool {
	if !t.Profile("Authentik", "OneLogin") && a.Status == http.StatusBadRequest {
		a.Refused(http.StatusBadRequest, "invalidSyntax")
		return false
	}
	a.OK(http.StatusOK, http.StatusCreated, http.StatusNoContent)
	return true
}
