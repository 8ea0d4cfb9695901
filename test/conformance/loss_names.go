package main

import (
	"net/http"
	"strings"
)

// names are names that mean an attribute in another spelling, place or form, with values
// that clients want kept. A server that does not understand one refuses it.
func names() []testCase {
	kept := func(id, name, source, path string, send func(t *T, u *resource) *answer) testCase {
		return testCase{id, name, source, nil, func(t *T) {
			u := t.user()
			a := send(t, u)
			if a.status < http.StatusBadRequest {
				u.get().has(path, "Sales")
				return
			}
			a.refused(http.StatusBadRequest, "invalidPath", "invalidSyntax", "noTarget")
			u.get().unassigned(path)
		}}
	}
	patched := func(operation string) func(*T, *resource) *answer {
		return func(t *T, u *resource) *answer { return t.patch(u.path, operation) }
	}
	const department = urnEnterprise + "/department"
	cases := []testCase{
		kept("loss-names-a", "a dot after the URN, in a path", "Entra ID", department, patched(`{"op":"add","path":"`+urnEnterprise+`.department","value":"Sales"}`)),
		kept("loss-names-b", "a dot after the URN, as a key", "Entra ID", department, patched(`{"op":"add","value":{"`+urnEnterprise+`.department":"Sales"}}`)),
		kept("loss-names-c", "an extension's attribute as a core one, by its URN", "RFC 7644 §3.10", department, patched(`{"op":"replace","path":"`+urnUser+`:department","value":"Sales"}`)),
		kept("loss-names-d", "a core attribute under an extension's URN", "RFC 7644 §3.10", "title", patched(`{"op":"replace","path":"`+urnEnterprise+`:title","value":"Sales"}`)),
		kept("loss-names-e", "a slash before the sub-attribute, as a key", "clients written by hand", "name/middleName", patched(`{"op":"replace","value":{"name/middleName":"Sales"}}`)),
		kept("loss-names-f", "a blank before the bracket, as a key", "Entra ID", "emails/0/display", patched(`{"op":"replace","value":{"Emails [type eq \"work\"].display":"Sales"}}`)),
		kept("loss-names-g", "a draft's URN, in a path", "SCIM 2.0 drafts", department, patched(`{"op":"add","path":"urn:scim:schemas:extension:enterprise:2.0:department","value":"Sales"}`)),
		kept("loss-names-h", "the object under the URN of the core schema", "clients written by hand", "title", patched(`{"op":"replace","value":{"`+urnUser+`":{"title":"Sales"}}}`)),
		{"loss-names-i", "schemas inside the value of an extension", "scim2-client", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"add","path":"`+urnEnterprise+`","value":{"schemas":["`+urnEnterprise+`"],"department":"Sales"}}`).has(department, "Sales")
		}},
		{"loss-names-j", "a path of another resource type", "RFC 7644 §3.5.2", nil, func(t *T) {
			g := t.group()
			before := g.get()
			for _, operation := range []string{`{"op":"replace","path":"` + urnUser + `:displayName","value":"x"}`, `{"op":"replace","value":{"` + urnUser + `:displayName":"x"}}`, `{"op":"add","value":{"` + urnUser + `":{"displayName":"x"}}}`} {
				t.patch(g.path, operation).refused(http.StatusBadRequest, "invalidPath", "invalidSyntax")
			}
			g.get().sameBut(before.doc)
		}},
		{"loss-names-k", "a filter on an attribute that has one simple value", "RFC 7644 §3.5.2, figure 7", nil, func(t *T) {
			u := t.user(`"nickName":"x"`)
			for _, operation := range []string{`{"op":"replace","path":"nickName[value eq \"x\"]","value":"y"}`, `{"op":"remove","path":"nickName[value eq \"x\"]"}`} {
				t.patch(u.path, operation).refused(http.StatusBadRequest, "invalidPath", "invalidFilter")
			}
			u.get().has("nickName", "x")
		}},
		{"loss-names-l", "remove of members by a display that is not kept", "RFC 7643 §4.2", nil, func(t *T) {
			u := t.users(2)
			g := t.group(u...)
			a := t.patch(g.path, `{"op":"remove","path":"members[display eq \"Babs Jensen\"]"}`)
			if a.status < http.StatusBadRequest {
				g.get().unassigned("members") // It is a success if they are removed.
				return
			}
			a.refused(http.StatusBadRequest, "invalidFilter", "invalidPath", "noTarget")
			g.get().hasMembers(u...)
		}},
	}
	return append(cases, namesInDocuments()...)
}

// namesInDocuments are the same in the bodies of POST and PUT.
func namesInDocuments() []testCase {
	posted := func(id, name, source, path string, members ...string) testCase {
		return testCase{id, name, source, nil, func(t *T) {
			userName := t.userName()
			a := t.post("/Users", t.userBody(append(members, `"userName":`+quoted(userName))...))
			if a.status < http.StatusBadRequest {
				t.get("/Users/"+a.text("id")).has(path, "Sales")
				u := t.user()
				t.put(u.path, t.userBody(append(members, `"userName":`+quoted(u.name))...)).ok(http.StatusOK)
				u.get().has(path, "Sales")
				return
			}
			a.refused(http.StatusBadRequest, "invalidSyntax", "invalidPath", "noTarget")
			t.filter("/Users", `userName eq `+quoted(userName)).lists()
		}}
	}
	const (
		department = urnEnterprise + "/department"
		draft      = "urn:scim:schemas:core:2.0"
		draftEnt   = "urn:scim:schemas:extension:enterprise:2.0"
	)
	return []testCase{
		posted("loss-names-m", "the schemas of a draft, in a POST", "templates of OneLogin", department, `"schemas":["`+draft+`","`+draftEnt+`"]`, `"`+draftEnt+`":{"department":"Sales"}`),
		posted("loss-names-n", "an extension's attribute at the top, in a POST", "Entra ID", department, `"Department":"Sales"`),
		posted("loss-names-o", "an extension's attribute by the URN of the core schema, in a POST", "RFC 7644 §3.10", department, `"`+urnUser+`:department":"Sales"`),
		posted("loss-names-p", "a core attribute by an extension's URN, in a POST", "RFC 7644 §3.10", "title", `"`+urnEnterprise+`:title":"Sales"`),
		posted("loss-names-q", "a core attribute in the object of an extension, in a POST", "RFC 7643 §3.3", "title", `"`+urnEnterprise+`":{"title":"Sales"}`),
		posted("loss-names-r", "a dotted name, in a POST", "Entra ID", "name/middleName", `"name.middleName":"Sales"`),
		posted("loss-names-t", "the path of a part as its name, in a POST", "clients written by hand", "name/middleName", `"name":{"name.middleName":"Sales"}`),
		{"loss-names-s", "one attribute by two of its names", "RFC 7643 §2.1", nil, func(t *T) {
			name := t.userName()
			a := t.post("/Users", strings.Replace(t.userBody(`"userName":`+quoted(name)), `{`, `{"title":"a","`+urnUser+`:title":"b",`, 1))
			a.refused(http.StatusBadRequest, "invalidSyntax", "invalidValue", "invalidPath")
			t.filter("/Users", `userName eq `+quoted(name)).lists()
		}},
	}
}
