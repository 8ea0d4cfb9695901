package main

import (
	"net/http"
	"strings"
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
func (t *T) filterExample() (tag string, u *resource) {
	tag = t.random()
	u = t.user(`"userName":`+quoted("j-"+tag+"@example.com"), `"nickName":"`+tag+`"`, `"title":"Vice President"`, `"userType":"Employee"`,
		`"name":{"familyName":"O'Malley","givenName":"Joan"}`, `"emails":[{"type":"work","value":"joan@example.com"}]`, `"ims":[{"type":"xmpp","value":"joan@foo.com"}]`,
		`"`+urnEnterprise+`":{"department":"Tours"}`)
	return tag, u
}

// rfcFilter is section 3.4.2.2.
func rfcFilter() []testCase {
	var cases []testCase
	for i, f := range rfcFilters {
		id := "rfc7644-3.4.2.2-" + string(rune('a'+i))
		cases = append(cases, testCase{id, "the example " + f.filter, "RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
			tag, u := t.filterExample()
			t.filter("/Users", f.filter, "count", "1").list()
			found := t.filter("/Users", `nickName eq "`+tag+`" and (`+f.filter+`)`)
			if f.found {
				found.lists(u)
			} else {
				found.lists()
			}
		}})
	}
	return cases
}

// rfcQuery is the rest of section 3.4.2.
func rfcQuery() []testCase {
	return []testCase{
		{"rfc7644-3.4.2", "the example of a list with one attribute", "RFC 7644 §3.4.2", nil, func(t *T) {
			t.user()
			a := t.get("/Users?attributes=userName")
			list := a.list()
			a.expect(len(list) > 0 && a.total() >= len(list), "one user at least, and a totalResults that counts all")
			for _, r := range list {
				a.expect(r["id"] != nil && r["userName"] != nil && r["emails"] == nil, "id and userName of each, and no more")
			}
		}},
		{"rfc7644-3.4.2.1", "the example of a query of the root by lastModified", "RFC 7644 §3.4.2.1", needs(filterFeature), func(t *T) {
			t.user()
			a := t.get(query("/", "filter", `(meta.resourceType eq "User") or (meta.resourceType eq "Group")`, "count", "2"))
			if a.status == http.StatusOK {
				a.expect(len(a.list()) > 0, "resources")
				return
			}
			a.refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{"rfc7644-3.4.2.3", "sortBy and sortOrder", "RFC 7644 §3.4.2.3", needs(sortFeature, filterFeature), func(t *T) {
			filter, u := t.tagged(`"title":"b"`, `"title":"a"`)
			t.get(query("/Users", "filter", filter, "sortBy", "title", "sortOrder", "ascending")).listsInOrder(u[1], u[0])
			t.get(query("/Users", "filter", filter, "sortBy", "userName", "sortOrder", "descending")).lists(u...)
		}},
		{"rfc7644-3.4.2.4", "the example of a page", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			t.user()
			a := t.get("/Users?startIndex=1&count=10")
			list := a.list()
			a.expect(len(list) > 0 && len(list) <= 10, "one to ten resources").has("startIndex", 1).has("itemsPerPage", len(list))
			a.expect(a.total() >= len(list), "totalResults of at least the page")
		}},
		{"rfc7644-3.4.2.5", "attributes of a list", "RFC 7644 §3.4.2.5", needs(filterFeature), func(t *T) {
			tag, u := t.filterExample()
			a := t.filter("/Users", `nickName eq "`+tag+`"`, "attributes", "userName,emails.type").lists(u)
			a.has("Resources/0/emails", []any{document{"type": "work"}}).lacks("Resources/0/title")
		}},
	}
}

// rfcSearch is section 3.4.3.
func rfcSearch() []testCase {
	// The example of the RFC, narrowed down to the users of this case.
	example := func(filter string) string {
		return `{
     "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
     "attributes": ["displayName", "userName"],
     "filter":
       ` + quoted(`displayName sw "smith" and `+filter) + `,
     "startIndex": 1,
     "count": 10
   }`
	}
	smiths := []string{`"displayName":"Smith, James"`, `"displayName":"smith, Berry"`, `"displayName":"Jones"`}
	return []testCase{
		{"rfc7644-3.4.3a", "the example of .search, at /Users", "RFC 7644 §3.4.3", needs(filterFeature), func(t *T) {
			filter, u := t.tagged(smiths...)
			a := t.post("/Users/.search", example(filter)).lists(u[0], u[1])
			a.has("startIndex", 1).has("itemsPerPage", 2).lacks("Resources/0/emails").expect(a.at("Resources/0/displayName") != nil, "displayName")
		}},
		{"rfc7644-3.4.3b", "the example of .search, at the root", "RFC 7644 §3.4.3", needs(filterFeature), func(t *T) {
			filter, u := t.tagged(smiths...)
			a := t.post("/.search", example(filter))
			if a.status == http.StatusOK {
				a.lists(u[0], u[1]).lacks("Resources/0/emails")
				return
			}
			a.refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{"rfc7644-3.4.3c", ".search without its schema is refused", "RFC 7644 §3.4.3", nil, func(t *T) {
			a := t.post("/Users/.search", `{"filter":"userName eq \"nobody\""}`)
			if !t.generic() && a.status == http.StatusOK {
				a.lists()
				return
			}
			a.refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{"rfc7644-3.4.3d", "the members of a SearchRequest may be in any case", "RFC 7643 §2.1", needs(filterFeature), func(t *T) {
			filter, u := t.tagged(smiths...)
			body := strings.NewReplacer("filter", "FILTER", "attributes", "Attributes", "count", "Count").Replace(search(`"filter":` + quoted(filter) + `,"attributes":["userName"],"count":10`))
			t.post("/Users/.search", body).lists(u...).lacks("Resources/0/emails")
		}},
	}
}
