package main

import (
	"net/http"
	"slices"
	"strings"
)

// trapsSchema are traps 9 and 10: groups, and what the schemas say.
func trapsSchema() []testCase {
	return []testCase{
		{"trap-09a", "the value of a member cannot be changed in place", "RFC 7643 §4.2", nil, func(t *T) {
			u, other := t.user(), t.user()
			g := t.group(u)
			t.patch(g.path, `{"op":"replace","path":"members[value eq \"`+u.id+`\"].value","value":"`+other.id+`"}`).refused(http.StatusBadRequest, "mutability")
			g.get().hasMembers(u)
		}},
		{"trap-09b", "a group must have a displayName", "RFC 7643 §4.2", nil, func(t *T) {
			t.post("/Groups", `{"schemas":["`+urnGroup+`"],"members":[]}`).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			g := t.group()
			t.patch(g.path, `{"op":"remove","path":"displayName"}`).refused(http.StatusBadRequest, "mutability", "invalidValue")
		}},
		{"trap-09c", "$ref of a member is the member's URL", "RFC 7643 §4.2", nil, func(t *T) {
			u := t.user()
			a := t.group(u).get().has("members/0/value", u.id)
			if a.at("members/0/$ref") != nil {
				a.has("members/0/$ref", t.target.url+u.path)
			}
			if a.at("members/0/type") != nil {
				a.has("members/0/type", "User")
			}
		}},
		{"trap-09d", "a member is not kept twice", "RFC 7643 §2.4", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			g.patched(`{"op":"add","path":"members","value":`+membersOf(u)+`}`, `{"op":"add","path":"members","value":`+membersOf(u)+`}`).hasMembers(u)
		}},
		{"trap-09e", "a deleted user is in no group", "RFC 7643 §4.2, RFC 7644 §3.6", nil, func(t *T) {
			u, stays := t.user(), t.user()
			g := t.group(u, stays)
			t.delete(u.path).ok(http.StatusNoContent)
			g.get().hasMembers(stays)
		}},

		{"trap-10a", "every attribute in /Schemas says all its characteristics", "RFC 7643 §7", nil, func(t *T) {
			a := t.get("/Schemas")
			for _, schema := range a.list() {
				attributes, _ := schema["attributes"].([]any)
				a.expect(len(attributes) > 0, "attributes in the schema %v", schema["id"])
				checkCharacteristics(a, attributes)
			}
		}},
		{"trap-10b", "the schemas say that userName is required and unique, and password never returned", "RFC 7643 §8.7.1", nil, func(t *T) {
			a := t.get("/Schemas/" + urnUser).ok(http.StatusOK)
			name := attributeOf(a, "userName")
			a.expect(name["required"] == true && name["uniqueness"] != "none" && name["caseExact"] == false, "userName required, unique and not caseExact")
			password := attributeOf(a, "password")
			if password == nil {
				return
			}
			a.expect(password["mutability"] == "writeOnly" && password["returned"] == "never", "password writeOnly and never returned")
		}},
		{"trap-10c", "the schemas say that groups is readOnly", "RFC 7643 §8.7.1", nil, func(t *T) {
			a := t.get("/Schemas/" + urnUser).ok(http.StatusOK)
			if groups := attributeOf(a, "groups"); groups != nil {
				a.expect(groups["mutability"] == "readOnly", "groups to be readOnly")
			}
		}},
		{"trap-10d", "canonical values are suggestions", "RFC 7643 §2.4, §7", nil, func(t *T) {
			a := t.post("/Users", t.userBody(`"phoneNumbers":[{"value":"1","type":"satellite"}]`))
			if a.status != http.StatusCreated {
				a.refused(http.StatusBadRequest, "invalidValue") // RFC 7643 §2.4 lets a server restrict them.
				return
			}
			a.ok(http.StatusCreated).has("phoneNumbers/0/type", "satellite")
		}},
		{"trap-10e", "returned `always` and `never` hold in every answer", "RFC 7643 §7", nil, func(t *T) {
			u := t.user()
			u.get("attributes", "title").has("id", u.id).lacks("userName", "emails")
			u.get("excludedAttributes", "id,schemas").has("id", u.id)
		}},
	}
}

func checkCharacteristics(a *answer, attributes []any) {
	types := []string{"string", "boolean", "decimal", "integer", "dateTime", "reference", "binary", "complex"}
	for _, each := range attributes {
		attribute, _ := each.(document)
		name, _ := attribute["name"].(string)
		kind, _ := attribute["type"].(string)
		a.expect(name != "" && slices.Contains(types, kind), "an attribute with a name and one of the types %s: %s", strings.Join(types, ", "), jsonOf(attribute))
		_, multi := attribute["multiValued"].(bool)
		a.expect(multi, "multiValued of %q", name)
		for characteristic, values := range map[string][]string{
			"mutability": {"readOnly", "readWrite", "immutable", "writeOnly"},
			"returned":   {"always", "never", "default", "request"},
			"uniqueness": {"none", "server", "global"},
		} {
			value, given := attribute[characteristic].(string)
			a.expect(!given || slices.Contains(values, value), "%s of %q to be one of %s", characteristic, name, strings.Join(values, ", "))
		}
		subs, _ := attribute["subAttributes"].([]any)
		a.expect(kind != "complex" || len(subs) > 0, "sub-attributes of %q", name)
		checkCharacteristics(a, subs)
	}
}

// attributeOf finds an attribute in a schema.
func attributeOf(a *answer, name string) document {
	attributes, _ := a.at("attributes").([]any)
	for _, each := range attributes {
		if attribute, _ := each.(document); attribute["name"] == name {
			return attribute
		}
	}
	return nil
}

// trapsMessages are traps 11 and 12: media types and POST.
func trapsMessages() []testCase {
	return []testCase{
		{"trap-11a", "bodies may be application/scim+json and application/json, with a charset", "RFC 7644 §3.1, §3.8", nil, func(t *T) {
			for _, media := range []string{mediaSCIM, mediaJSON, mediaSCIM + "; charset=utf-8", "Application/JSON;charset=UTF-8"} {
				t.post("/Users", t.userBody(), "Content-Type", media).ok(http.StatusCreated)
			}
		}},
		{"trap-11b", "answers are application/scim+json when that is asked for", "RFC 7644 §3.8", nil, func(t *T) {
			t.get("/ServiceProviderConfig", "Accept", mediaSCIM).ok(http.StatusOK)
			t.get("/Users?count=1", "Accept", mediaSCIM).ok(http.StatusOK)
			t.get("/Users/"+t.random(), "Accept", mediaSCIM).refused(http.StatusNotFound)
		}},
		{"trap-11c", "Accept may be application/json, anything, or absent", "RFC 7644 §3.8", nil, func(t *T) {
			for _, accept := range []string{mediaJSON, "*/*", "", "text/html, application/json;q=0.9, */*;q=0.8"} {
				t.get("/Users?count=1", "Accept", accept).ok(http.StatusOK)
			}
		}},
		{"trap-11d", "a body of another media type is refused", "RFC 7644 §3.1", nil, func(t *T) {
			t.post("/Users", t.userBody(), "Content-Type", "text/xml").refusedWith([]int{http.StatusUnsupportedMediaType, http.StatusBadRequest})
		}},
		{"trap-11e", "text is UTF-8 both ways", "RFC 7644 §3.1", nil, func(t *T) {
			text := "Ünï¢ødé 名前 🙂"
			u := t.user(`"displayName":` + quoted(text))
			u.get().has("displayName", text)
		}},
		{"trap-12a", "POST answers 201 with the resource, its meta and its Location", "RFC 7644 §3.3", nil, func(t *T) {
			a := t.post("/Users", t.userBody()).ok(http.StatusCreated)
			a.has("meta/resourceType", "User").text("meta/created")
			a.expect(a.header.Get("Location") == t.target.url+"/Users/"+a.text("id"), "Location %s/Users/%s", t.target.url, a.text("id"))
			a.has("meta/location", a.header.Get("Location"))
		}},
		{"trap-12b", "GET after POST gives what the POST answered", "RFC 7644 §3.3", nil, func(t *T) {
			u := t.user(`"nickName":"Babs","phoneNumbers":[{"value":"1","type":"work"}]`)
			u.get().sameBut(u.doc)
		}},
		{"trap-12c", "read-only attributes in a POST are ignored", "RFC 7644 §3.3", nil, func(t *T) {
			t.user(`"id":"x","groups":[],"meta":{"created":"1999-01-01T00:00:00Z"}`).get().unassigned("groups")
		}},
		{"trap-12d", "the same userName again is 409 uniqueness", "RFC 7644 §3.3", nil, func(t *T) {
			u := t.user()
			t.post("/Users", t.userBody(`"userName":`+quoted(u.name))).refused(http.StatusConflict, "uniqueness")
		}},
		{"trap-12e", "the endpoint says the resource type", "RFC 7644 §3.3.1", nil, func(t *T) {
			t.post("/Users", jsonOf(t.groupDoc())).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			t.post("/Groups", t.userBody(`"schemas":["`+urnUser+`"]`)).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{"trap-12f", "a body that is no JSON object is invalidSyntax", "RFC 7644 §3.12", nil, func(t *T) {
			for _, body := range []string{`{"userName":`, `[]`, `"x"`, `null`, `17`, `<user/>`, "\x00"} {
				t.post("/Users", body).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			}
		}},
	}
}
