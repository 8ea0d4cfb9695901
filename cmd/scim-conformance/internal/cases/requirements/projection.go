package requirements

import (
	"net/http"
	"slices"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// projectionCases is attributes, excludedAttributes, and .search.
func projectionCases() []suite.Case {
	return slices.Concat([]suite.Case{
		{Name: "attributes and excludedAttributes exclude each other", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			a := t.Get(suite.Query(u.Path, "attributes", "title", "excludedAttributes", "nickName"))
			if a.Status == http.StatusOK {
				a.OK(http.StatusOK).Has("id", u.ID).Lacks("nickName")
				return
			}
			a.Refused(http.StatusBadRequest)
		}},
		{Name: "`attributes` of one resource", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			u.Get("attributes", "title,emails.value").Has("title", "Guide").Has("id", u.ID).Has("emails/0/value", u.Name).
				Lacks("nickName", "name", "active", "emails/0/type", suite.URNEnterprise)
		}},
		{Name: "`excludedAttributes` of one resource", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			u.Get("excludedAttributes", "title,name.familyName").Has("id", u.ID).Has("nickName", "Babs").Has("name/givenName", "Barbara").
				Lacks("title", "name/familyName")
		}},
		{Name: "attributes of an extension by URN", Source: "RFC 7644 §3.9, §3.10", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			u.Get("attributes", suite.URNEnterprise+":department").Has(suite.URNEnterprise+"/department", "Tours").Lacks(suite.URNEnterprise+"/employeeNumber", "title")
			u.Get("excludedAttributes", suite.URNEnterprise+":department").Has(suite.URNEnterprise+"/employeeNumber", "7").Lacks(suite.URNEnterprise + "/department")
		}},
		{Name: "attributes of a list", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"Guide"`)
			a := t.Filter("/Users", filter, "attributes", "title").Lists(u...)
			a.Has("Resources/0/title", "Guide").Lacks("Resources/0/userName", "Resources/0/emails")
			a = t.Filter("/Users", filter, "excludedAttributes", "title,id").Lists(u...)
			a.Has("Resources/0/userName", u[0].Name).Lacks("Resources/0/title")
		}},
		{Name: "attributes of the answer to a POST", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			a := t.Post("/Users?attributes=title", t.UserBody(suite.TourGuide)).OK(http.StatusCreated)
			a.Has("title", "Guide").Lacks("nickName", "emails").Text("id")
		}},
		{Name: "attributes of the answer to a PUT", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User()
			a := t.Put(u.Path+"?attributes=title", t.UserBody(suite.TourGuide, `"userName":`+suite.Quoted(u.Name))).OK(http.StatusOK)
			a.Has("title", "Guide").Has("id", u.ID).Lacks("nickName", "emails")
			a = t.Put(u.Path+"?excludedAttributes=title", t.UserBody(suite.TourGuide, `"userName":`+suite.Quoted(u.Name))).OK(http.StatusOK)
			a.Has("nickName", "Babs").Lacks("title")
		}},
		{Name: "a PATCH with `attributes` answers 200 with them", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			a := t.Patch(u.Path+"?attributes=title", `{"op":"replace","path":"title","value":"Driver"}`).OK(http.StatusOK)
			a.Has("title", "Driver").Has("id", u.ID).Lacks("nickName", "emails")
		}},
		{Name: "names that no schema has are ignored in `attributes`, or refused", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			a := t.Get(suite.Query(u.Path, "attributes", "title,nope,urn:example:none:x"))
			if a.Status != http.StatusOK {
				a.Refused(http.StatusBadRequest)
				return
			}
			a.OK(http.StatusOK).Has("title", "Guide").Lacks("nickName")
		}},
		{Name: "members can be left out of a group and asked for", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			g.Get("excludedAttributes", "members").Has("displayName", g.Name).Lacks("members")
			g.Get("attributes", "members").HasMembers(u).Lacks("displayName")
		}},
		{Name: "spaces around the names in the lists do no harm", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			u.Get("attributes", "title, nickName").Has("title", "Guide").Has("nickName", "Babs")
		}},
	}, searchCases())
}

func searchCases() []suite.Case {
	return []suite.Case{
		{Name: "POST to .search of a type asks what a query asks", Source: "RFC 7644 §3.4.3", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"a"`, `"title":"b"`, `"title":"c"`)
			t.Post("/Users/.search", suite.Search(`"filter":`+suite.Quoted(filter))).Lists(u...)
			a := t.Post("/Users/.search", suite.Search(`"filter":`+suite.Quoted(filter)+`,"startIndex":1,"count":2,"attributes":["title"]`))
			a.Expect(len(a.List()) == 2, "two resources").Has("totalResults", 3).Lacks("Resources/0/userName")
			t.Post("/Groups/.search", suite.Search(`"filter":`+suite.Quoted(`displayName eq "`+t.Random()+`"`))).Lists()
		}},
		{Name: ".search sorts and leaves attributes out", Source: "RFC 7644 §3.4.3", Needs: suite.Needs(suite.FilterFeature, suite.SortFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"b"`, `"title":"a"`)
			a := t.Post("/Users/.search", suite.Search(`"filter":`+suite.Quoted(filter)+`,"sortBy":"title","sortOrder":"descending","excludedAttributes":["title"]`))
			a.ListsInOrder(u[0], u[1]).Lacks("Resources/0/title").Has("Resources/0/userName", u[0].Name)
		}},
		{Name: ".search at the root finds all types, or is refused as the RFC says", Source: "RFC 7644 §3.4.3", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			a := t.Post("/.search", suite.Search(`"filter":`+suite.Quoted(`id eq "`+u.ID+`" or id eq "`+g.ID+`"`)))
			if a.Status == http.StatusOK {
				a.Lists(u, g)
				return
			}
			a.RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{Name: ".search refuses what a query refuses", Source: "RFC 7644 §3.4.3", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			t.Post("/Users/.search", suite.Search(`"filter":"userName xx \"a\""`)).Refused(http.StatusBadRequest, "invalidFilter")
			t.Post("/Users/.search", `{"filter":`).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
			t.Post("/Users/.search", suite.Search(`"filter":"password eq \"x\""`)).RefusedWith([]int{http.StatusForbidden, http.StatusBadRequest})
		}},
		{Name: ".search makes nothing, whatever it is sent", Source: "RFC 7644 §3.4.3", Run: func(t *suite.T) {
			name := t.UserName()
			a := t.Post("/Users/.search", t.UserBody(`"userName":`+suite.Quoted(name)))
			a.Expect(a.Status < 500 && a.Status != http.StatusCreated, "a list or an error").WellFormed()
			t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists()
		}},
	}
}
