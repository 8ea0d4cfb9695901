package requirements

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

var zoned = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// attributeCases are names, null, primary values, times and schemas.
func attributeCases() []suite.Case {
	return []suite.Case{
		{Name: "attribute names in any case in a document", Source: "RFC 7643 §2.1", Run: func(t *suite.T) {
			name := t.UserName()
			a := t.Post("/Users", `{"SCHEMAS":["`+suite.URNUser+`"],"USERNAME":"`+name+`","nAme":{"GIVENNAME":"Barbara","familyname":"Jensen"},"Emails":[{"VALUE":"`+name+`","Type":"work","PRIMARY":true}],"displayname":"Babs"}`)
			a.OK(http.StatusCreated).Has("userName", name).Has("name/givenName", "Barbara").Has("emails/0/value", name).Has("displayName", "Babs")
		}},
		{Name: "attribute names in any case in a filter", Source: "RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			t.Filter("/Users", `USERNAME eq `+suite.Quoted(u.Name)).Lists(u)
			t.Filter("/Users", `emails[TYPE eq "work" and Value eq `+suite.Quoted(u.Name)+`]`).Lists(u)
			t.Filter("/Users", suite.Mixed(suite.URNUser)+`:userName eq `+suite.Quoted(u.Name)).Lists(u)
		}},
		{Name: "attribute names in any case in `attributes`", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User()
			u.Get("attributes", "DISPLAYNAME,Name.GivenName").Has("displayName", "Babs Jensen").Has("name/givenName", "Barbara").Lacks("emails", "name/familyName")
		}},
		{Name: "schema URNs in any case", Source: "RFC 7643 §2.1", Run: func(t *suite.T) {
			name := t.UserName()
			a := t.Post("/Users", suite.JSON(suite.Document{"schemas": []any{suite.Mixed(suite.URNUser), suite.Mixed(suite.URNEnterprise)}, "userName": name,
				"name": suite.Document{"givenName": "B", "familyName": "J"}, "emails": []any{suite.Document{"value": name}}, suite.Mixed(suite.URNEnterprise): suite.Document{"department": "Tours"}}))
			a.OK(http.StatusCreated).Has(suite.URNEnterprise+"/department", "Tours")
		}},
		{Name: "attribute names and URNs in any case in a path", Source: "RFC 7644 §3.5.2, §3.10", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"replace","path":"NAME.givenname","value":"Babs"}`,
				`{"op":"add","path":"`+suite.Mixed(suite.URNEnterprise)+`:Department","value":"Tours"}`,
				`{"op":"replace","path":"EMAILS[Type eq \"work\"].Display","value":"at work"}`).
				Has("name/givenName", "Babs").Has(suite.URNEnterprise+"/department", "Tours").Has("emails/0/display", "at work")
		}},
		{Name: "member names of a PATCH in any case", Source: "RFC 7643 §2.1", Run: func(t *suite.T) {
			u := t.User()
			t.Need(suite.PatchFeature)
			t.Do(http.MethodPatch, u.Path, `{"SCHEMAS":["`+suite.URNPatch+`"],"operations":[{"OP":"replace","Path":"title","VALUE":"Guide"}]}`).
				OK(http.StatusOK, http.StatusNoContent)
			u.Get().Has("title", "Guide")
		}},

		{Name: "null and [] in a POST are unassigned, and not returned as null", Source: "RFC 7643 §2.5", Run: func(t *suite.T) {
			a := t.Post("/Users", t.UserBody(`"title":null,"addresses":null,"phoneNumbers":[],"nickName":"N"`)).OK(http.StatusCreated)
			a.Unassigned("title", "addresses", "phoneNumbers").Expect(!strings.Contains(string(a.Body), "null"), "no null in the body")
		}},
		{Name: "replace with null or [] unassigns", Source: "RFC 7643 §2.5", Run: func(t *suite.T) {
			u := t.User(`"title":"T","phoneNumbers":[{"value":"1"}],"ims":[{"value":"x"}]`)
			u.Patched(`{"op":"replace","path":"title","value":null}`, `{"op":"replace","path":"phoneNumbers","value":[]}`,
				`{"op":"replace","value":{"ims":null}}`).Unassigned("title", "phoneNumbers", "ims")
		}},
		{Name: "null and [] in a PUT unassign", Source: "RFC 7643 §2.5, RFC 7644 §3.5.1", Run: func(t *suite.T) {
			u := t.User(`"title":"T","phoneNumbers":[{"value":"1"}]`)
			doc := t.UserDoc(`"userName":`+suite.Quoted(u.Name), `"title":null,"phoneNumbers":[]`)
			u.Replaced(doc).Unassigned("title", "phoneNumbers")
		}},
		{Name: "an attribute set to null is not `pr`", Source: "RFC 7643 §2.5, RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User(`"title":null,"phoneNumbers":[]`)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and title pr`).Lists()
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and phoneNumbers pr`).Lists()
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and not (title pr)`).Lists(u)
		}},

		{Name: "at most one value is primary after a POST with two", Source: "RFC 7643 §2.4", Run: func(t *suite.T) {
			a := t.Post("/Users", t.UserBody(`"phoneNumbers":[{"value":"1","type":"work","primary":true},{"value":"2","type":"home","primary":true}]`))
			if a.Status == http.StatusCreated {
				a.OK(http.StatusCreated).Expect(primaries(a, "phoneNumbers") == 1, "one phone number that is primary, or status 400")
				return
			}
			a.Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
		}},
		{Name: "a new primary value takes the place of the old", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"work","primary":true}]`)
			a := u.Patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"2","type":"home","primary":true}]}`)
			a.HasValues("phoneNumbers", "1", "2").Expect(primaries(a, "phoneNumbers") == 1, "one phone number that is primary")
			a.Expect(a.Element("phoneNumbers", "value", "2")["primary"] == true, "the new phone number to be primary")
		}},
		{Name: "replace of `primary` by a value path takes it from the others", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"work","primary":true},{"value":"2","type":"home"}]`)
			a := u.Patched(`{"op":"replace","path":"phoneNumbers[type eq \"home\"].primary","value":true}`)
			a.Expect(a.Element("phoneNumbers", "value", "1")["primary"] != true, "the old one not to be primary any more")
			a.Expect(a.Element("phoneNumbers", "value", "2")["primary"] == true, "the new one to be primary")
		}},
		{Name: "the same type and value are not kept twice", Source: "RFC 7643 §2.4", Run: func(t *suite.T) {
			u := t.User(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			u.Patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"work"}]}`).HasValues("phoneNumbers", "1")
			u.Patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"home"}]}`).HasValues("phoneNumbers", "1", "1")
			u.Patched(`{"op":"replace","path":"phoneNumbers[type eq \"home\"].type","value":"work"}`).HasValues("phoneNumbers", "1")
			t.User(`"phoneNumbers":[{"value":"1","type":"work","primary":true},{"value":"1","type":"work"}]`).Get().HasValues("phoneNumbers", "1")
		}},

		{Name: "a dateTime has a time zone", Source: "RFC 7643 §2.3.5", Run: func(t *suite.T) {
			u := t.User()
			a := u.Get()
			a.Expect(zoned.MatchString(a.Text("meta/created")), "meta.created with a zone").
				Expect(zoned.MatchString(a.Text("meta/lastModified")), "meta.lastModified with a zone")
		}},
		{Name: "dateTimes compare as instants, whatever the zone", Source: "RFC 7643 §2.3.5, RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			created, err := time.Parse(time.RFC3339Nano, u.Get().Text("meta/created"))
			u.Get().Expect(err == nil, "meta.created as in RFC 3339")
			for _, offset := range []int{2, -7} {
				there := created.In(time.FixedZone("", offset*3600))
				t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and meta.created gt "`+there.Add(-time.Minute).Format(time.RFC3339)+`"`).Lists(u)
				t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and meta.created lt "`+there.Add(-time.Minute).Format(time.RFC3339)+`"`).Lists()
				t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and meta.created eq "`+there.Format(time.RFC3339Nano)+`"`).Lists(u)
			}
		}},
		{Name: "a complex value is not taken for a string", Source: "RFC 7643 §2.3.8", Run: func(t *suite.T) {
			t.Post("/Users", t.UserBody(`"name":{"givenName":{"value":"x"},"familyName":"Jensen"}`)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
		}},
		{Name: "an array is not taken for a string, nor a number for a boolean", Source: "RFC 7643 §2.3", Run: func(t *suite.T) {
			t.Post("/Users", t.UserBody(`"title":{"a":"b"}`)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.Post("/Users", t.UserBody(`"title":["a","b"]`)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.Post("/Users", t.UserBody(`"active":17`)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
		}},

		{Name: "a document without `schemas` is refused", Source: "RFC 7643 §3", Run: func(t *suite.T) {
			doc := t.UserDoc()
			delete(doc, "schemas")
			a := t.Post("/Users", suite.JSON(doc))
			if !t.Generic() && a.Status == http.StatusCreated {
				a.OK(http.StatusCreated).Has("schemas/0", suite.URNUser)
				return
			}
			a.Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{Name: "the answer's `schemas` lists each extension with data", Source: "RFC 7643 §3", Run: func(t *suite.T) {
			u := t.User(`"` + suite.URNEnterprise + `":{"department":"Tours"}`)
			got := u.Get().Doc["schemas"]
			u.Get().Expect(suite.SameJSON(sorted(got), sorted([]any{suite.URNUser, suite.URNEnterprise})), "schemas with %s and %s, each once", suite.URNUser, suite.URNEnterprise)
		}},
		{Name: "a schema listed twice is not returned twice", Source: "RFC 7643 §3", Run: func(t *suite.T) {
			a := t.Post("/Users", t.UserBody(`"schemas":["`+suite.URNUser+`","`+suite.URNUser+`"]`))
			if a.Status == http.StatusCreated {
				a.OK(http.StatusCreated).Has("schemas", []any{suite.URNUser})
				return
			}
			a.Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{Name: "a schema of another resource type is refused or left out", Source: "RFC 7643 §3", Run: func(t *suite.T) {
			a := t.Post("/Users", t.UserBody(`"schemas":["`+suite.URNUser+`","`+suite.URNGroup+`"]`))
			if a.Status == http.StatusCreated {
				a.OK(http.StatusCreated).Has("schemas", []any{suite.URNUser})
				return
			}
			a.Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
	}
}

// primaries counts the elements that are primary.
func primaries(a *suite.Answer, attribute string) (n int) {
	elements, _ := a.At(attribute).([]any)
	for _, e := range elements {
		if suite.At(e, "primary") == true {
			n++
		}
	}
	return n
}

// sorted is an array of strings in order.
func sorted(v any) []string {
	list, _ := v.([]any)
	texts := []string{}
	for _, e := range list {
		s, _ := e.(string)
		texts = append(texts, s)
	}
	slices.Sort(texts)
	return texts
}
