package requirements

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

func queryCases() []suite.Case {
	return []suite.Case{
		{Name: "no match is 200 and totalResults 0", Source: "RFC 7644 §3.4.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			t.Filter("/Users", `userName eq "`+t.Random()+`"`).Lists()
			t.Filter("/Groups", `displayName eq "`+t.Random()+`"`).Lists()
		}},
		{Name: "unknown parameters of a query are ignored", Source: "RFC 7644 §3.4.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			t.Get(suite.Query("/Users", "filter", `userName eq `+suite.Quoted(u.Name), "colour", "blue") + "&aadOptscim062020").Lists(u)
			t.Get(u.Path+"?aadOptscim062020&x=1").OK(http.StatusOK).Has("id", u.ID)
		}},
		{Name: "a filter that cannot be read from the URL is refused, and never a list of all", Source: "RFC 7644 §3.4.2, §3.12; RFC 3986 §2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User(`"userName":"semi;` + t.UserName() + `"`)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
			// A semicolon needs no escape in a URL, and separates nothing.
			t.Get("/Users?filter=userName%20eq%20%22" + strings.ReplaceAll(u.Name, "@", "%40") + "%22").Lists(u)
			t.Get("/Users?count=1&filter=userName%20eq%20%22100%%22").Refused(http.StatusBadRequest)
			t.Get("/Users?count=1&filter=").Refused(http.StatusBadRequest, "invalidFilter")
			t.Get(suite.Query("/Users", "filter", `userName eq "`+t.Random()+`"`, "count", "1", "filter", "userName pr")).Refused(http.StatusBadRequest)
		}},
		{Name: "a plus in a query whose blanks are %20 is a plus", Source: "RFC 3986 §2.2; RFC 7644 §3.4.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			name := t.Random()
			u := t.User(`"userName":"a+b-` + name + `@example.com"`)
			t.Get("/Users?filter=userName%20eq%20%22a+b-" + name + "@example.com%22").Lists(u)
			t.Get("/Users?filter=userName+eq+%22a%2Bb-" + name + "%40example.com%22").Lists(u)
		}},
		{Name: "a query of the server root lists all types, or is refused as the RFC says", Source: "RFC 7644 §3.4.2.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			a := t.Get(suite.Query("/", "filter", `id eq "`+u.ID+`" or id eq "`+g.ID+`"`))
			if a.Status == http.StatusOK {
				a.Lists(u, g)
				return
			}
			a.RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{Name: "at the root, an attribute that a type has not is unassigned there", Source: "RFC 7644 §3.4.2.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			first := t.Post("/.search", suite.Search(`"filter":`+suite.Quoted(`userName eq `+suite.Quoted(u.Name)+` or displayName eq `+suite.Quoted(g.Name))))
			if first.Status != http.StatusOK {
				first.RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
				return
			}
			first.Lists(u, g)
			t.Get(suite.Query("/", "filter", `userName eq `+suite.Quoted(u.Name))).Lists(u)
			t.Get(suite.Query("/", "filter", `id eq "`+g.ID+`" and not (userName pr)`)).Lists(g)
			t.Get(suite.Query("/", "filter", `userName eq "x" or `+t.Random()+` eq "x"`)).Refused(http.StatusBadRequest, "invalidFilter")
		}},
		{Name: "meta.resourceType narrows a query of the root", Source: "RFC 7644 §3.4.2.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			both := `(id eq "` + u.ID + `" or id eq "` + g.ID + `")`
			a := t.Get(suite.Query("/", "filter", both+` and meta.resourceType eq "Group"`))
			if a.Status != http.StatusOK {
				a.RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
				return
			}
			a.Lists(g)
			// An attribute that a type does not have is unassigned there.
			t.Get(suite.Query("/", "filter", both+` and userName pr`)).Lists(u)
		}},
	}
}

// sortCases is section 3.4.2.3 of RFC 7644.
func sortCases() []suite.Case {
	return []suite.Case{
		{Name: "sorting ascends unless it is told to descend", Source: "RFC 7644 §3.4.2.3", Needs: suite.Needs(suite.SortFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"b"`, `"title":"C"`, `"title":"a"`)
			t.Filter("/Users", filter, "sortBy", "title").ListsInOrder(u[2], u[0], u[1])
			t.Filter("/Users", filter, "sortBy", "title", "sortOrder", "ascending").ListsInOrder(u[2], u[0], u[1])
			t.Filter("/Users", filter, "sortBy", "title", "sortOrder", "descending").ListsInOrder(u[1], u[0], u[2])
		}},
		{Name: "users without a value come last, and first when descending", Source: "RFC 7644 §3.4.2.3", Needs: suite.Needs(suite.SortFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(`"title":"b"`, ``, `"title":"a"`)
			t.Filter("/Users", filter, "sortBy", "title").ListsInOrder(u[2], u[0], u[1])
			t.Filter("/Users", filter, "sortBy", "title", "sortOrder", "descending").ListsInOrder(u[1], u[0], u[2])
		}},
		{Name: "a multi-valued attribute sorts by its primary value, or else the first", Source: "RFC 7644 §3.4.2.3", Needs: suite.Needs(suite.SortFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(
				`"emails":[{"value":"a@example.com","type":"home"},{"value":"z@example.com","type":"work","primary":true}]`,
				`"emails":[{"value":"m@example.com","type":"work"},{"value":"b@example.com","type":"home"}]`)
			t.Filter("/Users", filter, "sortBy", "emails.value").ListsInOrder(u[1], u[0])
			t.Filter("/Users", filter, "sortBy", "emails").ListsInOrder(u[1], u[0])
		}},
		{Name: "dateTimes sort by time, and sub-attributes can be sorted by", Source: "RFC 7644 §3.4.2.3", Needs: suite.Needs(suite.SortFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(`"name":{"givenName":"Z","familyName":"Jensen"}`)
			time.Sleep(1100 * time.Millisecond)
			second := t.User(`"nickName":` + suite.Quoted(u[0].Doc["nickName"].(string)) + `,"name":{"givenName":"A","familyName":"Jensen"}`)
			t.Filter("/Users", filter, "sortBy", "meta.created").ListsInOrder(u[0], second)
			t.Filter("/Users", filter, "sortBy", "name.givenName").ListsInOrder(second, u[0])
		}},
	}
}

// pageCases are section 3.4.2.4 of RFC 7644.
func pageCases() []suite.Case {
	three := []string{`"title":"a"`, `"title":"b"`, `"title":"c"`}
	return []suite.Case{
		{Name: "startIndex below 1 is 1", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(three...)
			for _, start := range []string{"0", "-5"} {
				t.Filter("/Users", filter, "startIndex", start).Lists(u...)
			}
		}},
		{Name: "a negative count is 0", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			filter, _ := t.Tagged(three...)
			a := t.Filter("/Users", filter, "startIndex", "1", "count", "-1")
			a.Expect(len(a.List()) == 0 && a.Total() == 3, "no resources and totalResults 3")
		}},
		{Name: "count=0 answers with the total alone", Source: "RFC 7644 §3.4.2.4", Run: func(t *suite.T) {
			filter, _ := t.Tagged(three...)
			a := t.Filter("/Users", filter, "count", "0")
			a.Expect(len(a.List()) == 0 && a.Total() == 3, "no resources and totalResults 3")
		}},
		{Name: "a page has startIndex, itemsPerPage and the total of all", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			filter, _ := t.Tagged(three...)
			a := t.Filter("/Users", filter, "startIndex", "2", "count", "1")
			a.Expect(len(a.List()) == 1, "one resource").Has("totalResults", 3).Has("startIndex", 2).Has("itemsPerPage", 1)
			a = t.Filter("/Users", filter, "startIndex", "3", "count", "10")
			a.Expect(len(a.List()) == 1, "one resource").Has("totalResults", 3).Has("startIndex", 3).Has("itemsPerPage", 1)
		}},
		{Name: "a page past the end is empty", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			filter, _ := t.Tagged(three...)
			a := t.Filter("/Users", filter, "startIndex", "100", "count", "10")
			a.Expect(len(a.List()) == 0, "no resources").Has("totalResults", 3)
		}},
		{Name: "the pages together are all, each once", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(append(three, `"title":"d"`, `"title":"e"`)...)
			var got []string
			for start := 1; start <= 5; start += 2 {
				got = append(got, t.Filter("/Users", filter, "startIndex", strconv.Itoa(start), "count", "2").ListedIDs()...)
			}
			want := suite.IDs(u)
			slices.Sort(got)
			slices.Sort(want)
			last := t.Exchanges()
			last[len(last)-1].Expect(slices.Equal(got, want), "the ids %v on three pages, not %v", want, got)
		}},
		{Name: "startIndex and count that are no numbers are refused or ignored", Source: "RFC 7644 §3.4.2.4", Run: func(t *suite.T) {
			for _, bad := range []string{"x", "1.5", "99999999999999999999"} {
				for _, parameter := range []string{"startIndex", "count"} {
					a := t.Get(suite.Query("/Users", parameter, bad, "filter", `userName eq "nobody"`))
					if a.Status == http.StatusOK {
						a.List()
						continue
					}
					a.Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax", "invalidCount", "")
				}
			}
		}},
		{Name: "a count beyond the server's maximum gives a page of the maximum", Source: "RFC 7644 §3.4.2.4", Needs: suite.Needs(suite.IndexFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(three...)
			t.Filter("/Users", filter, "startIndex", "1", "count", "1000000").Lists(u...)
		}},
	}
}
