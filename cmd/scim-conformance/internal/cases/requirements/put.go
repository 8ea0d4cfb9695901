package requirements

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// putCases are section 3.5.1 of RFC 7644.
func putCases() []suite.Case {
	return []suite.Case{
		{Name: "PUT never creates", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			id := t.Random()
			t.Put("/Users/"+id, t.UserBody(`"id":"`+id+`"`)).Refused(http.StatusNotFound)
			t.Get("/Users/" + id).Refused(http.StatusNotFound)
			t.Put("/Groups/"+id, suite.JSON(t.GroupDoc())).Refused(http.StatusNotFound)
		}},
		{Name: "PUT clears what it leaves out", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User(`"title":"T","nickName":"N","externalId":"x","phoneNumbers":[{"value":"1"}],"` + suite.URNEnterprise + `":{"department":"D"}`)
			a := u.Replaced(t.UserDoc(`"userName":`+suite.Quoted(u.Name), `"displayName":"New"`))
			a.Has("displayName", "New").Has("id", u.ID).Unassigned("title", "nickName", "externalId", "phoneNumbers", suite.URNEnterprise).Has("schemas", []any{suite.URNUser})
		}},
		{Name: "PUT of what GET gave changes nothing", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			t.Group(u)
			before := u.Get()
			after := u.Replaced(before.Doc)
			after.SameBut(before.Doc, "meta")
		}},
		{Name: "PUT ignores read-only attributes and the id in the body", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User()
			a := u.Replaced(t.UserDoc(`"userName":`+suite.Quoted(u.Name), `"id":"other","groups":[{"value":"x"}],"meta":{"created":"1999-01-01T00:00:00Z"}`))
			a.Has("id", u.ID).Unassigned("groups").Expect(!strings.HasPrefix(a.Text("meta/created"), "1999"), "meta.created as it was")
			t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name))).OK(http.StatusOK)
		}},
		{Name: "PUT answers with the resource as it is then", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User()
			a := t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name), suite.TourGuide)).OK(http.StatusOK).Has("title", "Guide")
			u.Get().SameBut(a.Doc)
		}},
		{Name: "PUT of a group replaces its members", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.Users(3)
			g := t.Group(u[0], u[1])
			g.Replaced(t.GroupDoc(`"displayName":`+suite.Quoted(g.Name), `"members":`+suite.MembersOf(u[1], u[2]))).HasMembers(u[1], u[2])
			g.Replaced(t.GroupDoc(`"displayName":`+suite.Quoted(g.Name), `"members":[]`)).Unassigned("members")
		}},
		{Name: "PUT without a required attribute is refused and changes nothing", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User()
			before := u.Get()
			t.Put(u.Path, `{"schemas":["`+suite.URNUser+`"],"title":"x"}`).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			u.Get().SameBut(before.Doc)
		}},
		{Name: "a PUT without a password may follow one with it", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User(`"password":"t1meMa$heen"`)
			u.Replaced(t.UserDoc(`"userName":` + suite.Quoted(u.Name))).Lacks("password")
		}},
	}
}

// deleteCases are section 3.6 of RFC 7644.
func deleteCases() []suite.Case {
	return []suite.Case{
		{Name: "after DELETE everything is 404", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			for _, r := range []*suite.Resource{t.User(), t.Group()} {
				body := suite.JSON(r.Doc)
				t.Delete(r.Path).OK(http.StatusNoContent)
				t.Get(r.Path).Refused(http.StatusNotFound)
				t.Put(r.Path, body).Refused(http.StatusNotFound)
				t.Patch(r.Path, `{"op":"replace","path":"displayName","value":"x"}`).Refused(http.StatusNotFound)
				t.Delete(r.Path).Refused(http.StatusNotFound)
			}
		}},
		{Name: "the deleted are in no list", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"a"`, `"title":"b"`)
			t.Delete(u[0].Path).OK(http.StatusNoContent)
			t.Filter("/Users", filter).Lists(u[1])
			t.Filter("/Users", `userName eq `+suite.Quoted(u[0].Name)).Lists()
			t.Filter("/Users", `id eq "`+u[0].ID+`"`).Lists()
		}},
		{Name: "the name of the deleted is free at once", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			t.Delete(u.Path).OK(http.StatusNoContent)
			t.Delete(g.Path).OK(http.StatusNoContent)
			again := t.User(`"userName":` + suite.Quoted(u.Name))
			again.Get().Has("userName", u.Name)
			t.Create("/Groups", suite.JSON(t.GroupDoc(`"displayName":`+suite.Quoted(g.Name))))
		}},
		{Name: "DELETE of what never was is 404", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			t.Delete("/Users/" + t.Random()).Refused(http.StatusNotFound)
			t.Delete("/Groups/" + t.Random()).Refused(http.StatusNotFound)
		}},
		{Name: "DELETE of a collection is not possible", Source: "RFC 7644 §3.2", Run: func(t *suite.T) {
			u := t.User()
			t.Delete("/Users").RefusedWith([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusNotImplemented})
			u.Get()
		}},
		{Name: "DELETE of a group leaves its members", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			t.Delete(g.Path).OK(http.StatusNoContent)
			u.Get().Has("active", true)
		}},
	}
}
