package main

import (
	"net/http"
	"slices"
)

// projected is a user for traps 18.
const projected = `"title":"Guide","nickName":"Babs","` + urnEnterprise + `":{"department":"Tours","employeeNumber":"7"}`

// trapsProjection are traps 18 and 19: attributes, excludedAttributes, and .search.
func trapsProjection() []testCase {
	return slices.Concat([]testCase{
		{"trap-18a", "attributes and excludedAttributes exclude each other", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user(projected)
			a := t.get(query(u.path, "attributes", "title", "excludedAttributes", "nickName"))
			if a.status == http.StatusOK {
				a.ok(http.StatusOK).has("id", u.id).lacks("nickName")
				return
			}
			a.refused(http.StatusBadRequest)
		}},
		{"trap-18b", "`attributes` of one resource", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user(projected)
			u.get("attributes", "title,emails.value").has("title", "Guide").has("id", u.id).has("emails/0/value", u.name).
				lacks("nickName", "name", "active", "emails/0/type", urnEnterprise)
		}},
		{"trap-18c", "`excludedAttributes` of one resource", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user(projected)
			u.get("excludedAttributes", "title,name.familyName").has("id", u.id).has("nickName", "Babs").has("name/givenName", "Barbara").
				lacks("title", "name/familyName")
		}},
		{"trap-18d", "attributes of an extension by URN", "RFC 7644 §3.9, §3.10", nil, func(t *T) {
			u := t.user(projected)
			u.get("attributes", urnEnterprise+":department").has(urnEnterprise+"/department", "Tours").lacks(urnEnterprise+"/employeeNumber", "title")
			u.get("excludedAttributes", urnEnterprise+":department").has(urnEnterprise+"/employeeNumber", "7").lacks(urnEnterprise + "/department")
		}},
		{"trap-18e", "attributes of a list", "RFC 7644 §3.9", nil, func(t *T) {
			filter, u := t.tagged(`"title":"Guide"`)
			a := t.filter("/Users", filter, "attributes", "title").lists(u...)
			a.has("Resources/0/title", "Guide").lacks("Resources/0/userName", "Resources/0/emails")
			a = t.filter("/Users", filter, "excludedAttributes", "title,id").lists(u...)
			a.has("Resources/0/userName", u[0].name).lacks("Resources/0/title")
		}},
		{"trap-18f", "attributes of the answer to a POST", "RFC 7644 §3.9", nil, func(t *T) {
			a := t.post("/Users?attributes=title", t.userBody(projected)).ok(http.StatusCreated)
			a.has("title", "Guide").lacks("nickName", "emails").text("id")
		}},
		{"trap-18g", "attributes of the answer to a PUT", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user()
			a := t.put(u.path+"?attributes=title", t.userBody(projected, `"userName":`+quoted(u.name))).ok(http.StatusOK)
			a.has("title", "Guide").has("id", u.id).lacks("nickName", "emails")
			a = t.put(u.path+"?excludedAttributes=title", t.userBody(projected, `"userName":`+quoted(u.name))).ok(http.StatusOK)
			a.has("nickName", "Babs").lacks("title")
		}},
		{"trap-18h", "a PATCH with `attributes` answers 200 with them", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user(projected)
			a := t.patch(u.path+"?attributes=title", `{"op":"replace","path":"title","value":"Driver"}`).ok(http.StatusOK)
			a.has("title", "Driver").has("id", u.id).lacks("nickName", "emails")
		}},
		{"trap-18i", "names that no schema has are ignored in `attributes`, or refused", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user(projected)
			a := t.get(query(u.path, "attributes", "title,nope,urn:example:none:x"))
			if a.status != http.StatusOK {
				a.refused(http.StatusBadRequest)
				return
			}
			a.ok(http.StatusOK).has("title", "Guide").lacks("nickName")
		}},
		{"trap-18j", "members can be left out of a group and asked for", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			g.get("excludedAttributes", "members").has("displayName", g.name).lacks("members")
			g.get("attributes", "members").hasMembers(u).lacks("displayName")
		}},
		{"trap-18k", "spaces around the names in the lists do no harm", "RFC 7644 §3.9", nil, func(t *T) {
			u := t.user(projected)
			u.get("attributes", "title, nickName").has("title", "Guide").has("nickName", "Babs")
		}},
	}, trapsSearch())
}

// search is the body of a SearchRequest.
func search(members string) string {
	return `{"schemas":["` + urnSearch + `"],` + members + `}`
}

func trapsSearch() []testCase {
	return []testCase{
		{"trap-19a", "POST to .search of a type asks what a query asks", "RFC 7644 §3.4.3", needs(filterFeature), func(t *T) {
			filter, u := t.tagged(`"title":"a"`, `"title":"b"`, `"title":"c"`)
			t.post("/Users/.search", search(`"filter":`+quoted(filter))).lists(u...)
			a := t.post("/Users/.search", search(`"filter":`+quoted(filter)+`,"startIndex":1,"count":2,"attributes":["title"]`))
			a.expect(len(a.list()) == 2, "two resources").has("totalResults", 3).lacks("Resources/0/userName")
			t.post("/Groups/.search", search(`"filter":`+quoted(`displayName eq "`+t.random()+`"`))).lists()
		}},
		{"trap-19b", ".search sorts and leaves attributes out", "RFC 7644 §3.4.3", needs(filterFeature, sortFeature), func(t *T) {
			filter, u := t.tagged(`"title":"b"`, `"title":"a"`)
			a := t.post("/Users/.search", search(`"filter":`+quoted(filter)+`,"sortBy":"title","sortOrder":"descending","excludedAttributes":["title"]`))
			a.listsInOrder(u[0], u[1]).lacks("Resources/0/title").has("Resources/0/userName", u[0].name)
		}},
		{"trap-19c", ".search at the root finds all types, or is refused as the RFC says", "RFC 7644 §3.4.3", needs(filterFeature), func(t *T) {
			u, g := t.user(), t.group()
			a := t.post("/.search", search(`"filter":`+quoted(`id eq "`+u.id+`" or id eq "`+g.id+`"`)))
			if a.status == http.StatusOK {
				a.lists(u, g)
				return
			}
			a.refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{"trap-19d", ".search refuses what a query refuses", "RFC 7644 §3.4.3", needs(filterFeature), func(t *T) {
			t.post("/Users/.search", search(`"filter":"userName xx \"a\""`)).refused(http.StatusBadRequest, "invalidFilter")
			t.post("/Users/.search", `{"filter":`).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			t.post("/Users/.search", search(`"filter":"password eq \"x\""`)).refusedWith([]int{http.StatusForbidden, http.StatusBadRequest})
		}},
		{"trap-19e", ".search makes nothing, whatever it is sent", "RFC 7644 §3.4.3", nil, func(t *T) {
			name := t.userName()
			a := t.post("/Users/.search", t.userBody(`"userName":`+quoted(name)))
			a.expect(a.status < 500 && a.status != http.StatusCreated, "a list or an error").wellFormed()
			t.filter("/Users", `userName eq `+quoted(name)).lists()
		}},
	}
}
