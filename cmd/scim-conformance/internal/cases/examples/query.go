package examples

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// rfcFilters are those of RFC 7644 section 3.4.2.2, as they are there, and whether
// they find the user of filterExample. N is the user's name before the @.
var rfcFilters = []struct {
	filter string
	found  bool
}{
	{`userName eq "bjensen"`, false},
	{`userName Eq "john"`, false},
	{`userName Eq "bjensen"`, false},
	{`name.familyName co "O'Malley"`, true},
	{`userName sw "J"`, true},
	{`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`, true},
	{`title pr`, true},
	{`meta.lastModified gt "2011-05-13T04:42:34Z"`, true},
	{`meta.lastModified ge "2011-05-13T04:42:34Z"`, true},
	{`meta.lastModified lt "2011-05-13T04:42:34Z"`, false},
	{`meta.lastModified le "2011-05-13T04:42:34Z"`, false},
	{`title pr and userType eq "Employee"`, true},
	{`title pr or userType eq "Intern"`, true},
	{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, true},
	{`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`, true},
	{`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`, false},
	{`userType eq "Employee" and (emails.type eq "work")`, true},
	{`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`, true},
	{`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`, true},
}

// filterExample is a user for them.
func filterExample(t *suite.T) (tag string, u *suite.Resource) {
	tag = t.Random()
	u = t.User(`"userName":`+suite.Quoted("j-"+tag+"@example.com"), `"nickName":"`+tag+`"`, `"title":"Vice President"`, `"userType":"Employee"`,
		`"name":{"familyName":"O'Malley","givenName":"Joan"}`, `"emails":[{"type":"work","value":"joan@example.com"}]`, `"ims":[{"type":"xmpp","value":"joan@foo.com"}]`,
		`"`+suite.URNEnterprise+`":{"department":"Tours"}`)
	return tag, u
}

// rfcFilter is section 3.4.2.2.
func rfcFilter() []suite.Case {
	var cases []suite.Case
	for _, f := range rfcFilters {
		name := "the example " + f.filter
		if strings.Contains(f.filter, " Eq ") {
			name += ", its operator with a capital"
		}
		cases = append(cases, suite.Case{Name: name, Source: "RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			tag, u := filterExample(t)
			t.Filter("/Users", f.filter, "count", "1").List()
			found := t.Filter("/Users", `nickName eq "`+tag+`" and (`+f.filter+`)`)
			if f.found {
				found.Lists(u)
			} else {
				found.Lists()
			}
		}})
	}
	return cases
}

// rfcQuery is the rest of section 3.4.2.
func rfcQuery() []suite.Case {
	return []suite.Case{
		{Name: "the example of a list with one attribute", Source: "RFC 7644 §3.4.2", Run: func(t *suite.T) {
			t.User()
			a := t.Get("/Users?attributes=userName")
			list := a.List()
			a.Expect(len(list) > 0 && a.Total() >= len(list), "one user at least, and a totalResults that counts all")
			for _, r := range list {
				a.Expect(r["id"] != nil && r["userName"] != nil && r["emails"] == nil, "id and userName of each, and no more")
			}
		}},
		{Name: "the example of a query of the root by lastModified", Source: "RFC 7644 §3.4.2.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			t.User()
			a := t.Get(suite.Query("/", "filter", `(meta.resourceType eq "User") or (meta.resourceType eq "Group")`, "count", "2"))
			if a.Status == http.StatusOK {
				a.Expect(len(a.List()) > 0, "resources")
				return
			}
			a.RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{Name: "sortBy and sortOrder", Source: "RFC 7644 §3.4.2.3", Needs: suite.Needs(suite.SortFeature, suite.FilterFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"b"`, `"title":"a"`)
			t.Get(suite.Query("/Users", "filter", filter, "sortBy", "title", "sortOrder", "ascending")).ListsInOrder(u[1], u[0])
			t.Get(suite.Query("/Users", "filter", filter, "sortBy", "userName", "sortOrder", "descending")).Lists(u...)
		}},
		{Name: "the example of a page", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			t.User()
			a := t.Get("/Users?startIndex=1&count=10")
			list := a.List()
			a.Expect(len(list) > 0 && len(list) <= 10, "one to ten resources").Has("startIndex", 1).Has("itemsPerPage", len(list))
			a.Expect(a.Total() >= len(list), "totalResults of at least the page")
		}},
		{Name: "attributes of a list", Source: "RFC 7644 §3.4.2.5", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			tag, u := filterExample(t)
			a := t.Filter("/Users", `nickName eq "`+tag+`"`, "attributes", "userName,emails.type").Lists(u)
			a.Has("Resources/0/emails", []any{suite.Document{"type": "work"}}).Lacks("Resources/0/title")
		}},
	}
}

// rfcSearch is section 3.4.3.
func rfcSearch() []suite.Case {
	// The example of the RFC, narrowed down to the users of this case.
	example := func(filter string) string {
		return `{
     "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
     "attributes": ["displayName", "userName"],
     "filter":
       ` + suite.Quoted(`displayName sw "smith" and `+filter) + `,
     "startIndex": 1,
     "count": 10
   }`
	}
	smiths := []string{`"displayName":"Smith, James"`, `"displayName":"smith, Berry"`, `"displayName":"Jones"`}
	return []suite.Case{
		{Name: "the example of .search, at /Users", Source: "RFC 7644 §3.4.3", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(smiths...)
			a := t.Post("/Users/.search", example(filter)).Lists(u[0], u[1])
			a.Has("startIndex", 1).Has("itemsPerPage", 2).Lacks("Resources/0/emails").Expect(a.At("Resources/0/displayName") != nil, "displayName")
		}},
		{Name: "the example of .search, at the root", Source: "RFC 7644 §3.4.3", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(smiths...)
			a := t.Post("/.search", example(filter))
			if a.Status == http.StatusOK {
				a.Lists(u[0], u[1]).Lacks("Resources/0/emails")
				return
			}
			a.RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{Name: ".search without its schema is refused", Source: "RFC 7644 §3.4.3", Run: func(t *suite.T) {
			a := t.Post("/Users/.search", `{"filter":"userName eq \"nobody\""}`)
			if !t.Generic() && a.Status == http.StatusOK {
				a.Lists()
				return
			}
			a.Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{Name: "the members of a SearchRequest may be in any case", Source: "RFC 7643 §2.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(smiths...)
			body := strings.NewReplacer("filter", "FILTER", "attributes", "Attributes", "count", "Count").Replace(suite.Search(`"filter":` + suite.Quoted(filter) + `,"attributes":["userName"],"count":10`))
			t.Post("/Users/.search", body).Lists(u...).Lacks("Resources/0/emails")
		}},
	}
}
