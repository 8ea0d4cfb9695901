package main

import (
	"net/http"
	"strings"
)

// trapsPut is trap 20.
func trapsPut() []testCase {
	return []testCase{
		{"trap-20a", "PUT never creates", "RFC 7644 §3.5.1", nil, func(t *T) {
			id := t.random()
			t.put("/Users/"+id, t.userBody(`"id":"`+id+`"`)).refused(http.StatusNotFound)
			t.get("/Users/" + id).refused(http.StatusNotFound)
			t.put("/Groups/"+id, jsonOf(t.groupDoc())).refused(http.StatusNotFound)
		}},
		{"trap-20b", "PUT clears what it leaves out", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user(`"title":"T","nickName":"N","externalId":"x","phoneNumbers":[{"value":"1"}],"` + urnEnterprise + `":{"department":"D"}`)
			a := u.replaced(t.userDoc(`"userName":`+quoted(u.name), `"displayName":"New"`))
			a.has("displayName", "New").has("id", u.id).unassigned("title", "nickName", "externalId", "phoneNumbers", urnEnterprise).has("schemas", []any{urnUser})
		}},
		{"trap-20c", "PUT of what GET gave changes nothing", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user(projected)
			t.group(u)
			before := u.get()
			after := u.replaced(before.doc)
			after.sameBut(before.doc, "meta")
		}},
		{"trap-20d", "PUT ignores read-only attributes and the id in the body", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user()
			a := u.replaced(t.userDoc(`"userName":`+quoted(u.name), `"id":"other","groups":[{"value":"x"}],"meta":{"created":"1999-01-01T00:00:00Z"}`))
			a.has("id", u.id).unassigned("groups").expect(!strings.HasPrefix(a.text("meta/created"), "1999"), "meta.created as it was")
			t.put(u.path, t.userBody(`"userName":`+quoted(u.name))).ok(http.StatusOK)
		}},
		{"trap-20e", "PUT answers with the resource as it is then", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user()
			a := t.put(u.path, t.userBody(`"userName":`+quoted(u.name), projected)).ok(http.StatusOK).has("title", "Guide")
			u.get().sameBut(a.doc)
		}},
		{"trap-20f", "PUT of a group replaces its members", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.users(3)
			g := t.group(u[0], u[1])
			g.replaced(t.groupDoc(`"displayName":`+quoted(g.name), `"members":`+membersOf(u[1], u[2]))).hasMembers(u[1], u[2])
			g.replaced(t.groupDoc(`"displayName":`+quoted(g.name), `"members":[]`)).unassigned("members")
		}},
		{"trap-20g", "PUT without a required attribute is refused and changes nothing", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user()
			before := u.get()
			t.put(u.path, `{"schemas":["`+urnUser+`"],"title":"x"}`).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			u.get().sameBut(before.doc)
		}},
		{"trap-20h", "a PUT without a password may follow one with it", "RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user(`"password":"t1meMa$heen"`)
			u.replaced(t.userDoc(`"userName":` + quoted(u.name))).lacks("password")
		}},
	}
}

// trapsDelete is trap 26.
func trapsDelete() []testCase {
	return []testCase{
		{"trap-26a", "after DELETE everything is 404", "RFC 7644 §3.6", nil, func(t *T) {
			for _, r := range []*resource{t.user(), t.group()} {
				body := jsonOf(r.doc)
				t.delete(r.path).ok(http.StatusNoContent)
				t.get(r.path).refused(http.StatusNotFound)
				t.put(r.path, body).refused(http.StatusNotFound)
				t.patch(r.path, `{"op":"replace","path":"displayName","value":"x"}`).refused(http.StatusNotFound)
				t.delete(r.path).refused(http.StatusNotFound)
			}
		}},
		{"trap-26b", "the deleted are in no list", "RFC 7644 §3.6", nil, func(t *T) {
			filter, u := t.tagged(`"title":"a"`, `"title":"b"`)
			t.delete(u[0].path).ok(http.StatusNoContent)
			t.filter("/Users", filter).lists(u[1])
			t.filter("/Users", `userName eq `+quoted(u[0].name)).lists()
			t.filter("/Users", `id eq "`+u[0].id+`"`).lists()
		}},
		{"trap-26c", "the name of the deleted is free at once", "RFC 7644 §3.6", nil, func(t *T) {
			u, g := t.user(), t.group()
			t.delete(u.path).ok(http.StatusNoContent)
			t.delete(g.path).ok(http.StatusNoContent)
			again := t.user(`"userName":` + quoted(u.name))
			again.get().has("userName", u.name)
			t.create("/Groups", jsonOf(t.groupDoc(`"displayName":`+quoted(g.name))))
		}},
		{"trap-26d", "DELETE of what never was is 404", "RFC 7644 §3.6", nil, func(t *T) {
			t.delete("/Users/" + t.random()).refused(http.StatusNotFound)
			t.delete("/Groups/" + t.random()).refused(http.StatusNotFound)
		}},
		{"trap-26e", "DELETE of a collection is not possible", "RFC 7644 §3.2", nil, func(t *T) {
			u := t.user()
			t.delete("/Users").refusedWith([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusNotImplemented})
			u.get()
		}},
		{"trap-26f", "DELETE of a group leaves its members", "RFC 7644 §3.6", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			t.delete(g.path).ok(http.StatusNoContent)
			u.get().has("active", true)
		}},
	}
}
