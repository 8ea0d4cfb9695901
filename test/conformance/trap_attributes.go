package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

func needs(f ...*feature) []*feature { return f }

// mixed writes a text in letters of changing case.
func mixed(s string) string {
	out := []rune(strings.ToLower(s))
	for i := 0; i < len(out); i += 2 {
		out[i] = []rune(strings.ToUpper(string(out[i])))[0]
	}
	return string(out)
}

var zoned = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

// trapsAttributes are traps 1 to 5: names, null, primary, time and schemas.
func trapsAttributes() []testCase {
	return []testCase{
		{"trap-01a", "attribute names in any case in a document", "RFC 7643 §2.1", nil, func(t *T) {
			name := t.userName()
			a := t.post("/Users", `{"SCHEMAS":["`+urnUser+`"],"USERNAME":"`+name+`","nAme":{"GIVENNAME":"Barbara","familyname":"Jensen"},"Emails":[{"VALUE":"`+name+`","Type":"work","PRIMARY":true}],"displayname":"Babs"}`)
			a.ok(http.StatusCreated).has("userName", name).has("name/givenName", "Barbara").has("emails/0/value", name).has("displayName", "Babs")
		}},
		{"trap-01b", "attribute names in any case in a filter", "RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
			u := t.user()
			t.filter("/Users", `USERNAME eq `+quoted(u.name)).lists(u)
			t.filter("/Users", `emails[TYPE eq "work" and Value eq `+quoted(u.name)+`]`).lists(u)
			t.filter("/Users", mixed(urnUser)+`:userName eq `+quoted(u.name)).lists(u)
		}},
		{"trap-01c", "attribute names in any case in `attributes`", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user()
			u.get("attributes", "DISPLAYNAME,Name.GivenName").has("displayName", "Babs Jensen").has("name/givenName", "Barbara").lacks("emails", "name/familyName")
		}},
		{"trap-01d", "schema URNs in any case", "RFC 7643 §2.1", nil, func(t *T) {
			name := t.userName()
			a := t.post("/Users", jsonOf(document{"schemas": []any{mixed(urnUser), mixed(urnEnterprise)}, "userName": name,
				"name": document{"givenName": "B", "familyName": "J"}, "emails": []any{document{"value": name}}, mixed(urnEnterprise): document{"department": "Tours"}}))
			a.ok(http.StatusCreated).has(urnEnterprise+"/department", "Tours")
		}},
		{"trap-01e", "attribute names and URNs in any case in a path", "RFC 7644 §3.5.2, §3.10", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"replace","path":"NAME.givenname","value":"Babs"}`,
				`{"op":"add","path":"`+mixed(urnEnterprise)+`:Department","value":"Tours"}`,
				`{"op":"replace","path":"EMAILS[Type eq \"work\"].Display","value":"at work"}`).
				has("name/givenName", "Babs").has(urnEnterprise+"/department", "Tours").has("emails/0/display", "at work")
		}},
		{"trap-01f", "member names of a PATCH in any case", "RFC 7643 §2.1", nil, func(t *T) {
			u := t.user()
			t.need(patchFeature)
			t.do(http.MethodPatch, u.path, `{"SCHEMAS":["`+urnPatch+`"],"operations":[{"OP":"replace","Path":"title","VALUE":"Guide"}]}`).
				ok(http.StatusOK, http.StatusNoContent)
			u.get().has("title", "Guide")
		}},

		{"trap-02a", "null and [] in a POST are unassigned, and not returned as null", "RFC 7643 §2.5", nil, func(t *T) {
			a := t.post("/Users", t.userBody(`"title":null,"addresses":null,"phoneNumbers":[],"nickName":"N"`)).ok(http.StatusCreated)
			a.unassigned("title", "addresses", "phoneNumbers").expect(!strings.Contains(string(a.body), "null"), "no null in the body")
		}},
		{"trap-02b", "replace with null or [] unassigns", "RFC 7643 §2.5", nil, func(t *T) {
			u := t.user(`"title":"T","phoneNumbers":[{"value":"1"}],"ims":[{"value":"x"}]`)
			u.patched(`{"op":"replace","path":"title","value":null}`, `{"op":"replace","path":"phoneNumbers","value":[]}`,
				`{"op":"replace","value":{"ims":null}}`).unassigned("title", "phoneNumbers", "ims")
		}},
		{"trap-02c", "null and [] in a PUT unassign", "RFC 7643 §2.5, RFC 7644 §3.5.1", nil, func(t *T) {
			u := t.user(`"title":"T","phoneNumbers":[{"value":"1"}]`)
			doc := t.userDoc(`"userName":`+quoted(u.name), `"title":null,"phoneNumbers":[]`)
			u.replaced(doc).unassigned("title", "phoneNumbers")
		}},
		{"trap-02d", "an attribute set to null is not `pr`", "RFC 7643 §2.5, RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
			u := t.user(`"title":null,"phoneNumbers":[]`)
			t.filter("/Users", `userName eq `+quoted(u.name)+` and title pr`).lists()
			t.filter("/Users", `userName eq `+quoted(u.name)+` and phoneNumbers pr`).lists()
			t.filter("/Users", `userName eq `+quoted(u.name)+` and not (title pr)`).lists(u)
		}},

		{"trap-03a", "at most one value is primary after a POST with two", "RFC 7643 §2.4", nil, func(t *T) {
			a := t.post("/Users", t.userBody(`"phoneNumbers":[{"value":"1","type":"work","primary":true},{"value":"2","type":"home","primary":true}]`))
			if a.status == http.StatusCreated {
				a.ok(http.StatusCreated).expect(primaries(a, "phoneNumbers") == 1, "one phone number that is primary, or status 400")
				return
			}
			a.refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
		}},
		{"trap-03b", "a new primary value takes the place of the old", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"work","primary":true}]`)
			a := u.patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"2","type":"home","primary":true}]}`)
			a.hasValues("phoneNumbers", "1", "2").expect(primaries(a, "phoneNumbers") == 1, "one phone number that is primary")
			a.expect(a.element("phoneNumbers", "value", "2")["primary"] == true, "the new phone number to be primary")
		}},
		{"trap-03c", "replace of `primary` by a value path takes it from the others", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"work","primary":true},{"value":"2","type":"home"}]`)
			a := u.patched(`{"op":"replace","path":"phoneNumbers[type eq \"home\"].primary","value":true}`)
			a.expect(a.element("phoneNumbers", "value", "1")["primary"] != true, "the old one not to be primary any more")
			a.expect(a.element("phoneNumbers", "value", "2")["primary"] == true, "the new one to be primary")
		}},
		{"trap-03d", "the same type and value are not kept twice", "RFC 7643 §2.4", nil, func(t *T) {
			u := t.user(`"phoneNumbers":[{"value":"1","type":"work"}]`)
			u.patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"work"}]}`).hasValues("phoneNumbers", "1")
			u.patched(`{"op":"add","path":"phoneNumbers","value":[{"value":"1","type":"home"}]}`).hasValues("phoneNumbers", "1", "1")
			u.patched(`{"op":"replace","path":"phoneNumbers[type eq \"home\"].type","value":"work"}`).hasValues("phoneNumbers", "1")
			t.user(`"phoneNumbers":[{"value":"1","type":"work","primary":true},{"value":"1","type":"work"}]`).get().hasValues("phoneNumbers", "1")
		}},

		{"trap-04a", "a dateTime has a time zone", "RFC 7643 §2.3.5", nil, func(t *T) {
			u := t.user()
			a := u.get()
			a.expect(zoned.MatchString(a.text("meta/created")), "meta.created with a zone").
				expect(zoned.MatchString(a.text("meta/lastModified")), "meta.lastModified with a zone")
		}},
		{"trap-04b", "dateTimes compare as instants, whatever the zone", "RFC 7643 §2.3.5, RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
			u := t.user()
			created, err := time.Parse(time.RFC3339Nano, u.get().text("meta/created"))
			u.get().expect(err == nil, "meta.created as in RFC 3339")
			for _, offset := range []int{2, -7} {
				there := created.In(time.FixedZone("", offset*3600))
				t.filter("/Users", `userName eq `+quoted(u.name)+` and meta.created gt "`+there.Add(-time.Minute).Format(time.RFC3339)+`"`).lists(u)
				t.filter("/Users", `userName eq `+quoted(u.name)+` and meta.created lt "`+there.Add(-time.Minute).Format(time.RFC3339)+`"`).lists()
				t.filter("/Users", `userName eq `+quoted(u.name)+` and meta.created eq "`+there.Format(time.RFC3339Nano)+`"`).lists(u)
			}
		}},
		{"trap-04c", "a complex value is not taken for a string", "RFC 7643 §2.3.8", nil, func(t *T) {
			t.post("/Users", t.userBody(`"name":{"givenName":{"value":"x"},"familyName":"Jensen"}`)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
		}},
		{"trap-04d", "an array is not taken for a string, nor a number for a boolean", "RFC 7643 §2.3", nil, func(t *T) {
			t.post("/Users", t.userBody(`"title":{"a":"b"}`)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.post("/Users", t.userBody(`"title":["a","b"]`)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.post("/Users", t.userBody(`"active":17`)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
		}},

		{"trap-05a", "a document without `schemas` is refused", "RFC 7643 §3", nil, func(t *T) {
			doc := t.userDoc()
			delete(doc, "schemas")
			a := t.post("/Users", jsonOf(doc))
			if !t.generic() && a.status == http.StatusCreated {
				a.ok(http.StatusCreated).has("schemas/0", urnUser)
				return
			}
			a.refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{"trap-05b", "the answer's `schemas` lists each extension with data", "RFC 7643 §3", nil, func(t *T) {
			u := t.user(`"` + urnEnterprise + `":{"department":"Tours"}`)
			got := u.get().doc["schemas"]
			u.get().expect(equal(sorted(got), sorted([]any{urnUser, urnEnterprise})), "schemas with %s and %s, each once", urnUser, urnEnterprise)
		}},
		{"trap-05c", "a schema listed twice is not returned twice", "RFC 7643 §3", nil, func(t *T) {
			a := t.post("/Users", t.userBody(`"schemas":["`+urnUser+`","`+urnUser+`"]`))
			if a.status == http.StatusCreated {
				a.ok(http.StatusCreated).has("schemas", []any{urnUser})
				return
			}
			a.refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{"trap-05d", "a schema of another resource type is refused or left out", "RFC 7643 §3", nil, func(t *T) {
			a := t.post("/Users", t.userBody(`"schemas":["`+urnUser+`","`+urnGroup+`"]`))
			if a.status == http.StatusCreated {
				a.ok(http.StatusCreated).has("schemas", []any{urnUser})
				return
			}
			a.refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
	}
}

// primaries counts the elements that are primary.
func primaries(a *answer, attribute string) (n int) {
	elements, _ := a.at(attribute).([]any)
	for _, e := range elements {
		if at(e, "primary") == true {
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
