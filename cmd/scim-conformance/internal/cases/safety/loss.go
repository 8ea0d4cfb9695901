package safety

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// lossCases are requests that servers have answered with success although something was
// lost: a value, the members of a group, or that a user is blocked.
func lossCases() []suite.Case {
	return slices.Concat(names(), emptyElements(), addedElements(), blockedUsers())
}

// emptyElements are lists that name nobody.
func emptyElements() []suite.Case {
	nobody := []string{`[{"value":null}]`, `[{}]`, `[null]`, `{}`, `[{"value":[]}]`, `[{"value":["a"]}]`, `[{"$ref":null,"value":null}]`, `[{"value":""}]`}
	return []suite.Case{
		{Name: "members that name nobody do not empty a group, by PATCH", Source: "RFC 7643 §2.5", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			for _, value := range nobody {
				for _, operation := range []string{`{"op":"replace","path":"members","value":` + value + `}`, `{"op":"replace","value":{"members":` + value + `}}`, `{"op":"add","path":"members","value":` + value + `}`} {
					t.Patch(g.Path, operation).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
					g.Get().HasMembers(u...)
				}
			}
		}},
		{Name: "members that name nobody do not empty a group, by PUT", Source: "RFC 7643 §2.5", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			for _, value := range nobody {
				t.Put(g.Path, suite.JSON(t.GroupDoc(`"displayName":`+suite.Quoted(g.Name), `"members":`+value))).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
				g.Get().HasMembers(u...)
			}
		}},
		{Name: "one that names nobody among others that do", Source: "RFC 7643 §2.5", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			t.Patch(g.Path, `{"op":"replace","path":"members","value":[{"value":"`+u[0].ID+`"},{"value":null}]}`).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			g.Get().HasMembers(u...)
		}},
		{Name: "[], null and absence empty a group", Source: "RFC 7643 §2.5", Run: func(t *suite.T) {
			u := t.User()
			t.Group(u).Patched(`{"op":"replace","path":"members","value":[]}`).Unassigned("members")
			t.Group(u).Patched(`{"op":"replace","path":"members","value":null}`).Unassigned("members")
			g := t.Group(u)
			g.Replaced(t.GroupDoc(`"displayName":` + suite.Quoted(g.Name))).Unassigned("members")
		}},
	}
}

// addedElements are values that say more of one that is there.
func addedElements() []suite.Case {
	const there = `{"value":"a@example.com","type":"work","display":"head of sales"}`
	add := func(value string) string { return `{"op":"add","path":"emails","value":[` + value + `]}` }
	return []suite.Case{
		{Name: "a display in other letters, of an e-mail address that is there", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User(`"emails":[` + there + `]`)
			u.Patched(add(strings.Replace(there, "head", "Head", 1)))
			e := u.Get().Element("emails", "display", "Head of sales")
			u.Get().Expect(e["value"] == "a@example.com", "it to be that of a@example.com")
		}},
		{Name: "a display that was not there", Source: "RFC 7644 §3.5.2.1", Run: func(t *suite.T) {
			u := t.User(`"emails":[{"value":"a@example.com","type":"work"}]`)
			u.Patched(add(there)).Element("emails", "display", "head of sales")
		}},
	}
}

// blockedUsers are requests that say nothing of whether a user is active.
func blockedUsers() []suite.Case {
	silent := []string{`{"op":"remove","path":"active"}`, `{"op":"replace","path":"active","value":null}`, `{"op":"replace","value":{"active":null}}`,
		`{"op":"add","path":"active","value":null}`, `{"op":"replace","path":"active","value":[]}`}
	return []suite.Case{
		{Name: "a PATCH does not make a blocked user one of whom nothing is known", Source: "RFC 7643 §4.1.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			for _, active := range []bool{false, true} {
				u := t.User(`"active":` + suite.JSON(active))
				for _, operation := range silent {
					t.Patch(u.Path, operation) // It may be refused.
					u.Get().Has("active", active)
					t.Filter("/Users", `active eq `+suite.JSON(active)+` and userName eq `+suite.Quoted(u.Name)).Lists(u)
				}
			}
		}},
		{Name: "a PUT that is silent lets no blocked user in", Source: "RFC 7643 §4.1.1, RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User(`"active":false`)
			doc := t.UserDoc(`"userName":` + suite.Quoted(u.Name))
			delete(doc, "active")
			u.Replaced(doc).Has("active", false)
			doc["active"] = nil
			u.Replaced(doc).Has("active", false)
		}},
		{Name: "nor does a bulk request", Source: "RFC 7643 §4.1.1, RFC 7644 §3.7", Needs: suite.Needs(suite.BulkFeature), Run: func(t *suite.T) {
			u := t.User(`"active":false`)
			t.Post("/Bulk", `{"schemas":["`+suite.URNBulk+`"],"Operations":[{"method":"PATCH","path":"`+u.Path+`","data":`+suite.PatchOf(silent[:3]...)+`}]}`).OK(http.StatusOK)
			u.Get().Has("active", false)
		}},
	}
}
