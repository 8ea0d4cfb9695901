package main

import (
	"net/http"
	"slices"
	"strings"
)

// lossCases are requests that servers have answered with success although something was
// lost: a value, the members of a group, or that a user is blocked.
func lossCases() []testCase {
	return slices.Concat(names(), emptyElements(), addedElements(), blockedUsers())
}

// emptyElements are lists that name nobody.
func emptyElements() []testCase {
	nobody := []string{`[{"value":null}]`, `[{}]`, `[null]`, `{}`, `[{"value":[]}]`, `[{"value":["a"]}]`, `[{"$ref":null,"value":null}]`, `[{"value":""}]`}
	return []testCase{
		{"loss-elements-a", "members that name nobody do not empty a group, by PATCH", "RFC 7643 §2.5", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			for _, value := range nobody {
				for _, operation := range []string{`{"op":"replace","path":"members","value":` + value + `}`, `{"op":"replace","value":{"members":` + value + `}}`, `{"op":"add","path":"members","value":` + value + `}`} {
					t.patch(g.path, operation).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
					g.get().hasMembers(u...)
				}
			}
		}},
		{"loss-elements-b", "members that name nobody do not empty a group, by PUT", "RFC 7643 §2.5", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			for _, value := range nobody {
				t.put(g.path, jsonOf(t.groupDoc(`"displayName":`+quoted(g.name), `"members":`+value))).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
				g.get().hasMembers(u...)
			}
		}},
		{"loss-elements-c", "one that names nobody among others that do", "RFC 7643 §2.5", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			t.patch(g.path, `{"op":"replace","path":"members","value":[{"value":"`+u[0].id+`"},{"value":null}]}`).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			g.get().hasMembers(u...)
		}},
		{"loss-elements-d", "[], null and absence empty a group", "RFC 7643 §2.5", nil, func(t *T) {
			u := t.user()
			t.group(u).patched(`{"op":"replace","path":"members","value":[]}`).unassigned("members")
			t.group(u).patched(`{"op":"replace","path":"members","value":null}`).unassigned("members")
			g := t.group(u)
			g.replaced(t.groupDoc(`"displayName":` + quoted(g.name))).unassigned("members")
		}},
	}
}

// addedElements are values that say more of one that is there.
func addedElements() []testCase {
	const there = `{"value":"a@example.com","type":"work","display":"head of sales"}`
	add := func(value string) string { return `{"op":"add","path":"emails","value":[` + value + `]}` }
	return []testCase{
		{"loss-added-a", "a display in other letters, of an e-mail address that is there", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user(`"emails":[` + there + `]`)
			u.patched(add(strings.Replace(there, "head", "Head", 1)))
			e := u.get().element("emails", "display", "Head of sales")
			u.get().expect(e["value"] == "a@example.com", "it to be that of a@example.com")
		}},
		{"loss-added-b", "a display that was not there", "RFC 7644 §3.5.2.1", nil, func(t *T) {
			u := t.user(`"emails":[{"value":"a@example.com","type":"work"}]`)
			u.patched(add(there)).element("emails", "display", "head of sales")
		}},
	}
}

// blockedUsers are requests that say nothing of whether a user is active.
func blockedUsers() []testCase {
	silent := []string{`{"op":"remove","path":"active"}`, `{"op":"replace","path":"active","value":null}`, `{"op":"replace","value":{"active":null}}`,
		`{"op":"add","path":"active","value":null}`, `{"op":"replace","path":"active","value":[]}`}
	return []testCase{
		{"loss-active-a", "a PATCH does not make a blocked user one of whom nothing is known", "RFC 7643 §4.1.1", needs(filterFeature), func(t *T) {
			for _, active := range []bool{false, true} {
				u := t.user(`"active":` + jsonOf(active))
				for _, operation := range silent {
					t.patch(u.path, operation) // It may be refused.
					u.get().has("active", active)
					t.filter("/Users", `active eq `+jsonOf(active)+` and userName eq `+quoted(u.name)).lists(u)
				}
			}
		}},
		{"loss-active-b", "a PUT that is silent lets no blocked user in", "RFC 7643 §4.1.1, RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user(`"active":false`)
			doc := t.userDoc(`"userName":` + quoted(u.name))
			delete(doc, "active")
			u.replaced(doc).has("active", false)
			doc["active"] = nil
			u.replaced(doc).has("active", false)
		}},
		{"loss-active-c", "nor does a bulk request", "RFC 7643 §4.1.1, RFC 7644 §3.7", needs(bulkFeature), func(t *T) {
			u := t.user(`"active":false`)
			t.post("/Bulk", `{"schemas":["`+urnBulk+`"],"Operations":[{"method":"PATCH","path":"`+u.path+`","data":`+patchOf(silent[:3]...)+`}]}`).ok(http.StatusOK)
			u.get().has("active", false)
		}},
	}
}
