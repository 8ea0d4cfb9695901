package safety

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// names are names that mean an attribute in another spelling, place or form, with values
// that clients want kept. A server that does not understand one refuses it.
func names() []suite.Case {
	kept := func(name, source, path string, send func(t *suite.T, u *suite.Resource) *suite.Answer) suite.Case {
		return suite.Case{Name: name, Source: source, Run: func(t *suite.T) {
			u := t.User()
			a := send(t, u)
			if a.Status < http.StatusBadRequest {
				u.Get().Has(path, "Sales")
				return
			}
			a.Refused(http.StatusBadRequest, "invalidPath", "invalidSyntax", "noTarget")
			u.Get().Unassigned(path)
		}}
	}
	patched := func(operation string) func(*suite.T, *suite.Resource) *suite.Answer {
		return func(t *suite.T, u *suite.Resource) *suite.Answer { return t.Patch(u.Path, operation) }
	}
	const department = suite.URNEnterprise + "/department"
	cases := []suite.Case{
		kept("a dot after the URN, in a path", "Entra ID", department, patched(`{"op":"add","path":"`+suite.URNEnterprise+`.department","value":"Sales"}`)),
		kept("a dot after the URN, as a key", "Entra ID", department, patched(`{"op":"add","value":{"`+suite.URNEnterprise+`.department":"Sales"}}`)),
		kept("an extension's attribute as a core one, by its URN", "RFC 7644 §3.10", department, patched(`{"op":"replace","path":"`+suite.URNUser+`:department","value":"Sales"}`)),
		kept("a core attribute under an extension's URN", "RFC 7644 §3.10", "title", patched(`{"op":"replace","path":"`+suite.URNEnterprise+`:title","value":"Sales"}`)),
		kept("a slash before the sub-attribute, as a key", "clients written by hand", "name/middleName", patched(`{"op":"replace","value":{"name/middleName":"Sales"}}`)),
		kept("a blank before the bracket, as a key", "Entra ID", "emails/0/display", patched(`{"op":"replace","value":{"Emails [type eq \"work\"].display":"Sales"}}`)),
		kept("a draft's URN, in a path", "SCIM 2.0 drafts", department, patched(`{"op":"add","path":"urn:scim:schemas:extension:enterprise:2.0:department","value":"Sales"}`)),
		kept("the object under the URN of the core schema", "clients written by hand", "title", patched(`{"op":"replace","value":{"`+suite.URNUser+`":{"title":"Sales"}}}`)),
		{Name: "schemas inside the value of an extension", Source: "scim2-client", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"add","path":"`+suite.URNEnterprise+`","value":{"schemas":["`+suite.URNEnterprise+`"],"department":"Sales"}}`).Has(department, "Sales")
		}},
		{Name: "a path of another resource type", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			g := t.Group()
			before := g.Get()
			for _, operation := range []string{`{"op":"replace","path":"` + suite.URNUser + `:displayName","value":"x"}`, `{"op":"replace","value":{"` + suite.URNUser + `:displayName":"x"}}`, `{"op":"add","value":{"` + suite.URNUser + `":{"displayName":"x"}}}`} {
				t.Patch(g.Path, operation).Refused(http.StatusBadRequest, "invalidPath", "invalidSyntax")
			}
			g.Get().SameBut(before.Doc)
		}},
		{Name: "a filter on an attribute that has one simple value", Source: "RFC 7644 §3.5.2, figure 7", Run: func(t *suite.T) {
			u := t.User(`"nickName":"x"`)
			for _, operation := range []string{`{"op":"replace","path":"nickName[value eq \"x\"]","value":"y"}`, `{"op":"remove","path":"nickName[value eq \"x\"]"}`} {
				t.Patch(u.Path, operation).Refused(http.StatusBadRequest, "invalidPath", "invalidFilter")
			}
			u.Get().Has("nickName", "x")
		}},
		{Name: "remove of members by a display that is not kept", Source: "RFC 7643 §4.2", Run: func(t *suite.T) {
			u := t.Users(2)
			g := t.Group(u...)
			a := t.Patch(g.Path, `{"op":"remove","path":"members[display eq \"Babs Jensen\"]"}`)
			if a.Status < http.StatusBadRequest {
				g.Get().Unassigned("members") // It is a success if they are removed.
				return
			}
			a.Refused(http.StatusBadRequest, "invalidFilter", "invalidPath", "noTarget")
			g.Get().HasMembers(u...)
		}},
	}
	return append(cases, namesInDocuments()...)
}

// namesInDocuments are the same in the bodies of POST and PUT.
func namesInDocuments() []suite.Case {
	posted := func(name, source, path string, members ...string) suite.Case {
		return suite.Case{Name: name, Source: source, Run: func(t *suite.T) {
			userName := t.UserName()
			a := t.Post("/Users", t.UserBody(append(members, `"userName":`+suite.Quoted(userName))...))
			if a.Status < http.StatusBadRequest {
				t.Get("/Users/"+a.Text("id")).Has(path, "Sales")
				u := t.User()
				t.Put(u.Path, t.UserBody(append(members, `"userName":`+suite.Quoted(u.Name))...)).OK(http.StatusOK)
				u.Get().Has(path, "Sales")
				return
			}
			a.Refused(http.StatusBadRequest, "invalidSyntax", "invalidPath", "noTarget")
			t.Filter("/Users", `userName eq `+suite.Quoted(userName)).Lists()
		}}
	}
	const (
		department = suite.URNEnterprise + "/department"
		draft      = "urn:scim:schemas:core:2.0"
		draftEnt   = "urn:scim:schemas:extension:enterprise:2.0"
	)
	return []suite.Case{
		posted("the schemas of a draft, in a POST", "templates of OneLogin", department, `"schemas":["`+draft+`","`+draftEnt+`"]`, `"`+draftEnt+`":{"department":"Sales"}`),
		posted("an extension's attribute at the top, in a POST", "Entra ID", department, `"Department":"Sales"`),
		posted("an extension's attribute by the URN of the core schema, in a POST", "RFC 7644 §3.10", department, `"`+suite.URNUser+`:department":"Sales"`),
		posted("a core attribute by an extension's URN, in a POST", "RFC 7644 §3.10", "title", `"`+suite.URNEnterprise+`:title":"Sales"`),
		posted("a core attribute in the object of an extension, in a POST", "RFC 7643 §3.3", "title", `"`+suite.URNEnterprise+`":{"title":"Sales"}`),
		posted("a dotted name, in a POST", "Entra ID", "name/middleName", `"name.middleName":"Sales"`),
		posted("the path of a part as its name, in a POST", "clients written by hand", "name/middleName", `"name":{"name.middleName":"Sales"}`),
		{Name: "one attribute by two of its names", Source: "RFC 7643 §2.1", Run: func(t *suite.T) {
			name := t.UserName()
			a := t.Post("/Users", strings.Replace(t.UserBody(`"userName":`+suite.Quoted(name)), `{`, `{"title":"a","`+suite.URNUser+`:title":"b",`, 1))
			a.Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue", "invalidPath")
			t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists()
		}},
	}
}
