package main

import (
	"net/http"
	"strings"
	"time"
)

// trapsIdentity is trap 6: id, externalId and meta.
func trapsIdentity() []testCase {
	return []testCase{
		{"trap-06a", "the server issues the id, whatever the client sends", "RFC 7643 §3.1", nil, func(t *T) {
			mine := "mine-" + t.random()
			u := t.user(`"id":"` + mine + `"`)
			u.get().expect(u.id != mine && u.id != "bulkId" && !strings.HasPrefix(u.id, "bulkId:"), "an id of the server's own")
			t.get("/Users/" + mine).refused(http.StatusNotFound)
		}},
		{"trap-06b", "an id is not used again", "RFC 7643 §3.1", nil, func(t *T) {
			u := t.user()
			t.delete(u.path).ok(http.StatusNoContent)
			other := t.user()
			other.get().expect(other.id != u.id, "another id than that of the deleted user")
			t.get(u.path).refused(http.StatusNotFound)
		}},
		{"trap-06c", "an id is unique over all resource types", "RFC 7643 §3.1", nil, func(t *T) {
			u, g := t.user(), t.group()
			t.get("/Groups/" + u.id).refused(http.StatusNotFound)
			t.get("/Users/" + g.id).refused(http.StatusNotFound)
		}},
		{"trap-06d", "an id does not change", "RFC 7643 §3.1", nil, func(t *T) {
			u := t.user()
			name := t.userName()
			u.replaced(t.userDoc(`"userName":`+quoted(name), `"id":"other"`)).has("id", u.id).has("userName", name)
		}},
		{"trap-06e", "externalId is compared case exactly", "RFC 7643 §3.1", needs(filterFeature), func(t *T) {
			word := "Ext-" + t.random() + "-AbC"
			u := t.user(`"externalId":` + quoted(word))
			t.filter("/Users", `externalId eq `+quoted(word)).lists(u)
			t.filter("/Users", `externalId eq `+quoted(strings.ToLower(word))).lists()
		}},
		{"trap-06f", "two users may have one externalId", "RFC 7643 §3.1", needs(filterFeature), func(t *T) {
			word := quoted("ext-" + t.random())
			u, other := t.user(`"externalId":`+word), t.user(`"externalId":`+word)
			t.filter("/Users", `externalId eq `+word).lists(u, other)
		}},
		{"trap-06g", "the client's meta is ignored", "RFC 7643 §3.1", nil, func(t *T) {
			u := t.user(`"meta":{"resourceType":"Group","created":"1999-01-01T00:00:00Z","lastModified":"1999-01-01T00:00:00Z","version":"W/\"mine\"","location":"https://example.com/mine"}`)
			a := u.get().has("meta/resourceType", "User")
			for _, name := range []string{"created", "lastModified", "version", "location"} {
				text, _ := a.at("meta/" + name).(string)
				a.expect(!strings.Contains(text, "1999-") && !strings.Contains(text, "mine"), "meta.%s of the server's own", name)
			}
		}},
		{"trap-06h", "created and lastModified are the same at first", "RFC 7643 §3.1", nil, func(t *T) {
			u := t.user()
			a := u.get()
			a.has("meta/lastModified", a.text("meta/created"))
		}},
		{"trap-06i", "lastModified follows a change and created does not", "RFC 7643 §3.1", nil, func(t *T) {
			u := t.user()
			before := u.get()
			time.Sleep(1100 * time.Millisecond) // Some servers keep whole seconds.
			after := u.patched(`{"op":"replace","path":"title","value":"Guide"}`).has("meta/created", before.text("meta/created"))
			was, wasErr := time.Parse(time.RFC3339Nano, before.text("meta/lastModified"))
			is, isErr := time.Parse(time.RFC3339Nano, after.text("meta/lastModified"))
			after.expect(wasErr == nil && isErr == nil && is.After(was), "meta.lastModified later than %s", before.text("meta/lastModified"))
		}},
		{"trap-06j", "meta.version is the ETag", "RFC 7643 §3.1, RFC 7644 §3.14", needs(etagFeature), func(t *T) {
			u := t.user()
			u.get().expect(u.etag != "" && equal(u.doc["meta"].(document)["version"], u.etag), "an ETag, and the same meta.version, with the POST")
			a := u.get()
			a.has("meta/version", a.header.Get("ETag"))
		}},
		{"trap-06k", "meta.location is the URL of the resource, and the Content-Location if there is one", "RFC 7643 §3.1", nil, func(t *T) {
			u := t.user()
			a := u.get()
			a.has("meta/location", t.target.url+u.path)
			if location := a.header.Get("Content-Location"); location != "" {
				a.has("meta/location", location)
			}
			t.group().get().has("meta/resourceType", "Group")
		}},
	}
}

// trapsUser are traps 7 and 8: userName, password and groups of a user.
func trapsUser() []testCase {
	return append([]testCase{
		{"trap-07a", "userName is unique without regard to case", "RFC 7643 §4.1.1", nil, func(t *T) {
			u := t.user()
			t.post("/Users", t.userBody(`"userName":`+quoted(strings.ToUpper(u.name)))).refused(http.StatusConflict, "uniqueness")
		}},
		{"trap-07b", "userName is unique without regard to case beyond ASCII", "RFC 7644 §5", nil, func(t *T) {
			mark := t.random()
			t.user(`"userName":` + quoted("jürgen-"+mark+"@example.com"))
			t.post("/Users", t.userBody(`"userName":`+quoted("JÜRGEN-"+mark+"@example.com"))).refused(http.StatusConflict, "uniqueness")
		}},
		{"trap-07c", "userName is unique in composed and decomposed form", "RFC 7644 §5", nil, func(t *T) {
			mark := t.random()
			t.user(`"userName":` + quoted("j\u00fcrgen-"+mark+"@example.com"))
			t.post("/Users", t.userBody(`"userName":`+quoted("ju\u0308rgen-"+mark+"@example.com"))).
				refusedWith([]int{http.StatusConflict, http.StatusBadRequest})
		}},
		{"trap-07d", "a filter finds a userName beyond ASCII in another case", "RFC 7644 §5, §3.4.2.2", needs(filterFeature), func(t *T) {
			mark := t.random()
			u := t.user(`"userName":` + quoted("jürgen-"+mark+"@example.com"))
			t.filter("/Users", `userName eq `+quoted("JÜRGEN-"+mark+"@example.com")).lists(u)
		}},
		{"trap-07e", "a taken userName cannot be had by PUT or PATCH", "RFC 7643 §4.1.1, RFC 7644 §3.3", nil, func(t *T) {
			u, other := t.user(), t.user()
			t.put(u.path, t.userBody(`"userName":`+quoted(strings.ToUpper(other.name)))).refused(http.StatusConflict, "uniqueness")
			t.patch(u.path, `{"op":"replace","path":"userName","value":`+quoted(other.name)+`}`).refused(http.StatusConflict, "uniqueness")
			u.get().has("userName", u.name)
		}},
		{"trap-07f", "a user's own userName may change in case", "RFC 7643 §4.1.1", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"replace","path":"userName","value":`+quoted(strings.ToUpper(u.name))+`}`).has("userName", strings.ToUpper(u.name))
		}},
		{"trap-07g", "userName is required and not empty", "RFC 7643 §4.1.1", nil, func(t *T) {
			doc := t.userDoc()
			delete(doc, "userName")
			t.post("/Users", jsonOf(doc)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.post("/Users", t.userBody(`"userName":""`)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			u := t.user()
			t.put(u.path, jsonOf(doc)).refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.patch(u.path, `{"op":"remove","path":"userName"}`).refused(http.StatusBadRequest, "mutability", "invalidValue")
		}},
		{"trap-07h", "a password is never returned", "RFC 7643 §4.1.1, §7", nil, func(t *T) {
			secret := "S3cret-" + t.random()
			password := `"password":"` + secret + `"`
			created := t.post("/Users", t.userBody(password)).ok(http.StatusCreated)
			u := created.resource("/Users")
			for _, a := range []*answer{
				created, u.get(), u.get("attributes", "password,userName"), u.get("excludedAttributes", "title"),
				t.put(u.path, t.userBody(`"userName":`+quoted(u.name), password)).ok(http.StatusOK),
				t.get(query("/Users", "startIndex", "1", "count", "5", "attributes", "password")).ok(http.StatusOK),
			} {
				a.expect(!strings.Contains(string(a.body), secret), "no password anywhere in the body")
				a.lacks("password", "Resources/0/password")
			}
			a := t.patch(u.path, `{"op":"replace","path":"password","value":"`+secret+`2"}`, `{"op":"add","value":{`+password+`}}`)
			a.expect(a.status < 500 && !strings.Contains(string(a.body), secret), "no password in the body")
		}},
		{"trap-07i", "a password is not in an error", "RFC 7643 §7, RFC 7644 §7.5", nil, func(t *T) {
			secret := "S3cret-" + t.random()
			for _, body := range []string{t.userBody(`"password":"`+secret+`"`, `"active":"nonsense"`), t.userBody(`"password":{"value":"` + secret + `"}`), `{"password":"` + secret} {
				a := t.post("/Users", body)
				a.refused(http.StatusBadRequest).expect(!strings.Contains(string(a.body), secret), "no password in the error")
			}
		}},
		{"trap-07j", "a filter cannot find out a password", "RFC 7644 §7.5.2", needs(filterFeature), func(t *T) {
			secret := "S3cret-" + t.random()
			u := t.user(`"password":"` + secret + `"`)
			for _, filter := range []string{`password eq "` + secret + `"`, `userName eq ` + quoted(u.name) + ` and password sw "S3"`, `not (password eq "x") and userName eq ` + quoted(u.name), `password pr`} {
				t.filter("/Users", filter).refusedWith([]int{http.StatusForbidden, http.StatusBadRequest}, "sensitive", "invalidFilter", "")
			}
		}},
		{"trap-07k", "users cannot be sorted by password", "RFC 7644 §7.5.2", needs(sortFeature), func(t *T) {
			a := t.get(query("/Users", "sortBy", "password", "count", "1"))
			if a.status == http.StatusOK {
				a.list() // A server may ignore what it cannot sort by.
				return
			}
			a.refusedWith([]int{http.StatusForbidden, http.StatusBadRequest})
		}},
	}, trapsUserGroups()...)
}

func trapsUserGroups() []testCase {
	return []testCase{
		{"trap-08a", "a user's groups follow from the groups' members", "RFC 7643 §4.1.2", nil, func(t *T) {
			u := t.user()
			u.get().unassigned("groups")
			g := t.group(u)
			a := u.get().hasValues("groups", g.id)
			if kind := a.at("groups/0/type"); kind != nil {
				a.has("groups/0/type", "direct")
			}
			if ref := a.at("groups/0/$ref"); ref != nil {
				a.has("groups/0/$ref", t.target.url+g.path)
			}
			g.patched(`{"op":"remove","path":"members[value eq \"` + u.id + `\"]"}`).unassigned("members")
			u.get().unassigned("groups")
			g.patched(`{"op":"add","path":"members","value":` + membersOf(u) + `}`)
			t.delete(g.path).ok(http.StatusNoContent)
			u.get().unassigned("groups")
		}},
		{"trap-08b", "groups in a POST or PUT of a user are ignored", "RFC 7643 §4.1.2, RFC 7644 §3.3", nil, func(t *T) {
			g := t.group()
			groups := `"groups":[{"value":"` + g.id + `"}]`
			u := t.user(groups)
			u.get().unassigned("groups")
			u.replaced(t.userDoc(`"userName":`+quoted(u.name), groups)).unassigned("groups")
			g.get().unassigned("members")
		}},
		{"trap-08c", "a user's groups cannot be patched", "RFC 7644 §3.5.2", nil, func(t *T) {
			u, g := t.user(), t.group()
			t.patch(u.path, `{"op":"add","path":"groups","value":[{"value":"`+g.id+`"}]}`).refused(http.StatusBadRequest, "mutability")
			g.get().unassigned("members")
		}},
		{"trap-08d", "a member of a nested group is not its direct member", "RFC 7643 §4.1.2", nil, func(t *T) {
			u := t.user()
			inner := t.group(u)
			a := t.post("/Groups", jsonOf(t.groupDoc(`"members":[{"value":"`+inner.id+`","type":"Group"}]`)))
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest) // A server need not have nested groups.
				return
			}
			outer := a.ok(http.StatusCreated).resource("/Groups")
			groups, _ := u.get().at("groups").([]any)
			for _, g := range groups {
				if at(g, "value") == outer.id && at(g, "type") != nil {
					u.get().expect(at(g, "type") == "indirect", "type indirect for the outer group")
				}
			}
		}},
		{"trap-08e", "a filter finds users by their groups", "RFC 7643 §4.1.2, RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
			u := t.user()
			g := t.group(u)
			a := t.filter("/Users", `groups.value eq "`+g.id+`"`)
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest, "invalidFilter", "tooMany")
				return
			}
			a.lists(u)
		}},
	}
}
