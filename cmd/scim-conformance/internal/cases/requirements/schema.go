package requirements

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// schemaCases are groups, and what the schemas say.
func schemaCases() []suite.Case {
	return []suite.Case{
		{Name: "the value of a member cannot be changed in place", Source: "RFC 7643 §4.2", Run: func(t *suite.T) {
			u, other := t.User(), t.User()
			g := t.Group(u)
			t.Patch(g.Path, `{"op":"replace","path":"members[value eq \"`+u.ID+`\"].value","value":"`+other.ID+`"}`).Refused(http.StatusBadRequest, "mutability")
			g.Get().HasMembers(u)
		}},
		{Name: "a group must have a displayName", Source: "RFC 7643 §4.2", Run: func(t *suite.T) {
			t.Post("/Groups", `{"schemas":["`+suite.URNGroup+`"],"members":[]}`).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			g := t.Group()
			t.Patch(g.Path, `{"op":"remove","path":"displayName"}`).Refused(http.StatusBadRequest, "mutability", "invalidValue")
		}},
		{Name: "$ref of a member is the member's URL", Source: "RFC 7643 §4.2", Run: func(t *suite.T) {
			u := t.User()
			a := t.Group(u).Get().Has("members/0/value", u.ID)
			if a.At("members/0/$ref") != nil {
				a.Has("members/0/$ref", t.Target.URL+u.Path)
			}
			if a.At("members/0/type") != nil {
				a.Has("members/0/type", "User")
			}
		}},
		{Name: "a member is not kept twice", Source: "RFC 7643 §2.4", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			g.Patched(`{"op":"add","path":"members","value":`+suite.MembersOf(u)+`}`, `{"op":"add","path":"members","value":`+suite.MembersOf(u)+`}`).HasMembers(u)
		}},
		{Name: "a deleted user is in no group", Source: "RFC 7643 §4.2, RFC 7644 §3.6", Run: func(t *suite.T) {
			u, stays := t.User(), t.User()
			g := t.Group(u, stays)
			t.Delete(u.Path).OK(http.StatusNoContent)
			g.Get().HasMembers(stays)
		}},

		{Name: "every attribute in /Schemas says all its characteristics", Source: "RFC 7643 §7", Run: func(t *suite.T) {
			a := t.Get("/Schemas")
			for _, schema := range a.List() {
				attributes, _ := schema["attributes"].([]any)
				a.Expect(len(attributes) > 0, "attributes in the schema %v", schema["id"])
				checkCharacteristics(a, attributes)
			}
		}},
		{Name: "the schemas say that userName is required and unique, and password never returned", Source: "RFC 7643 §8.7.1", Run: func(t *suite.T) {
			a := t.Get("/Schemas/" + suite.URNUser).OK(http.StatusOK)
			name := attributeOf(a, "userName")
			a.Expect(name["required"] == true && name["uniqueness"] != "none" && name["caseExact"] == false, "userName required, unique and not caseExact")
			password := attributeOf(a, "password")
			if password == nil {
				return
			}
			a.Expect(password["mutability"] == "writeOnly" && password["returned"] == "never", "password writeOnly and never returned")
		}},
		{Name: "the schemas say that groups is readOnly", Source: "RFC 7643 §8.7.1", Run: func(t *suite.T) {
			a := t.Get("/Schemas/" + suite.URNUser).OK(http.StatusOK)
			if groups := attributeOf(a, "groups"); groups != nil {
				a.Expect(groups["mutability"] == "readOnly", "groups to be readOnly")
			}
		}},
		{Name: "canonical values are suggestions", Source: "RFC 7643 §2.4, §7", Run: func(t *suite.T) {
			a := t.Post("/Users", t.UserBody(`"phoneNumbers":[{"value":"1","type":"satellite"}]`))
			if a.Status != http.StatusCreated {
				a.Refused(http.StatusBadRequest, "invalidValue") // RFC 7643 §2.4 lets a server restrict them.
				return
			}
			a.OK(http.StatusCreated).Has("phoneNumbers/0/type", "satellite")
		}},
		{Name: "returned `always` and `never` hold in every answer", Source: "RFC 7643 §7", Run: func(t *suite.T) {
			u := t.User()
			u.Get("attributes", "title").Has("id", u.ID).Lacks("userName", "emails")
			u.Get("excludedAttributes", "id,schemas").Has("id", u.ID)
		}},
	}
}

func checkCharacteristics(a *suite.Answer, attributes []any) {
	types := []string{"string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"}
	for _, each := range attributes {
		attribute, _ := each.(suite.Document)
		name, _ := attribute["name"].(string)
		kind, _ := attribute["type"].(string)
		a.Expect(name != "" && slices.Contains(types, kind), "an attribute with a name and one of the types %s: %s", strings.Join(types, ", "), suite.JSON(attribute))
		_, multi := attribute["multiValued"].(bool)
		a.Expect(multi, "multiValued of %q", name)
		for characteristic, values := range map[string][]string{
			"mutability": {"readOnly", "readWrite", "immutable", "writeOnly"},
			"returned":   {"always", "never", "default", "request"},
			"uniqueness": {"none", "server", "global"},
		} {
			value, given := attribute[characteristic].(string)
			a.Expect(!given || slices.Contains(values, value), "%s of %q to be one of %s", characteristic, name, strings.Join(values, ", "))
		}
		subs, _ := attribute["subAttributes"].([]any)
		a.Expect(kind != "complex" || len(subs) > 0, "sub-attributes of %q", name)
		checkCharacteristics(a, subs)
	}
}

// attributeOf finds an attribute in a schema.
func attributeOf(a *suite.Answer, name string) suite.Document {
	attributes, _ := a.At("attributes").([]any)
	for _, each := range attributes {
		if attribute, _ := each.(suite.Document); attribute["name"] == name {
			return attribute
		}
	}
	return nil
}

// messageCases are media types, and POST.
func messageCases() []suite.Case {
	return []suite.Case{
		{Name: "bodies may be application/scim+json and application/json, with a charset", Source: "RFC 7644 §3.1, §3.8", Run: func(t *suite.T) {
			for _, media := range []string{suite.MediaSCIM, suite.MediaJSON, suite.MediaSCIM + "; charset=utf-8", "Application/JSON;charset=UTF-8"} {
				t.Post("/Users", t.UserBody(), "Content-Type", media).OK(http.StatusCreated)
			}
		}},
		{Name: "answers are application/scim+json when that is asked for", Source: "RFC 7644 §3.8", Run: func(t *suite.T) {
			t.Get("/ServiceProviderConfig", "Accept", suite.MediaSCIM).OK(http.StatusOK)
			t.Get("/Users?count=1", "Accept", suite.MediaSCIM).OK(http.StatusOK)
			t.Get("/Users/"+t.Random(), "Accept", suite.MediaSCIM).Refused(http.StatusNotFound)
		}},
		{Name: "Accept may be application/json, anything, or absent", Source: "RFC 7644 §3.8", Run: func(t *suite.T) {
			for _, accept := range []string{suite.MediaJSON, "*/*", "", "text/html, application/json;q=0.9, */*;q=0.8"} {
				t.Get("/Users?count=1", "Accept", accept).OK(http.StatusOK)
			}
		}},
		{Name: "a body of another media type is refused", Source: "RFC 7644 §3.1", Run: func(t *suite.T) {
			t.Post("/Users", t.UserBody(), "Content-Type", "text/xml").RefusedWith([]int{http.StatusUnsupportedMediaType, http.StatusBadRequest})
		}},
		{Name: "text is UTF-8 both ways", Source: "RFC 7644 §3.1", Run: func(t *suite.T) {
			text := "Ünï¢ødé 名前 🙂"
			u := t.User(`"displayName":` + suite.Quoted(text))
			u.Get().Has("displayName", text)
		}},
		{Name: "POST answers 201 with the resource, its meta and its Location", Source: "RFC 7644 §3.3", Run: func(t *suite.T) {
			a := t.Post("/Users", t.UserBody()).OK(http.StatusCreated)
			a.Has("meta/resourceType", "User").Text("meta/created")
			a.Expect(a.Header.Get("Location") == t.Target.URL+"/Users/"+a.Text("id"), "Location %s/Users/%s", t.Target.URL, a.Text("id"))
			a.Has("meta/location", a.Header.Get("Location"))
		}},
		{Name: "GET after POST gives what the POST answered", Source: "RFC 7644 §3.3", Run: func(t *suite.T) {
			u := t.User(`"nickName":"Babs","phoneNumbers":[{"value":"1","type":"work"}]`)
			u.Get().SameBut(u.Doc)
		}},
		{Name: "read-only attributes in a POST are ignored", Source: "RFC 7644 §3.3", Run: func(t *suite.T) {
			t.User(`"id":"x","groups":[],"meta":{"created":"1999-01-01T00:00:00Z"}`).Get().Unassigned("groups")
		}},
		{Name: "the same userName again is 409 uniqueness", Source: "RFC 7644 §3.3", Run: func(t *suite.T) {
			u := t.User()
			t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted(u.Name))).Refused(http.StatusConflict, "uniqueness")
		}},
		{Name: "the endpoint says the resource type", Source: "RFC 7644 §3.3.1", Run: func(t *suite.T) {
			t.Post("/Users", suite.JSON(t.GroupDoc())).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			t.Post("/Groups", t.UserBody(`"schemas":["`+suite.URNUser+`"]`)).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{Name: "a body that is no JSON object is invalidSyntax", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			for _, body := range []string{`{"userName":`, `[]`, `"x"`, `null`, `17`, `<user/>`, "\x00"} {
				t.Post("/Users", body).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			}
		}},
	}
}
