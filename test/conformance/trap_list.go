package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tagged makes users whom a filter by nickName finds together.
func (t *T) tagged(members ...string) (filter string, users []*resource) {
	t.need(filterFeature)
	tag := t.random()
	for _, m := range members {
		more := `"nickName":"` + tag + `"`
		if m != "" {
			more += "," + m
		}
		users = append(users, t.user(more))
	}
	return `nickName eq "` + tag + `"`, users
}

// trapsList are traps 13, 14, 16 and 17: lists.
func trapsList() []testCase {
	return slices.Concat(trapsQuery(), trapsSort(), trapsPages())
}

func trapsQuery() []testCase {
	return []testCase{
		{"trap-13a", "no match is 200 and totalResults 0", "RFC 7644 §3.4.2", needs(filterFeature), func(t *T) {
			t.filter("/Users", `userName eq "`+t.random()+`"`).lists()
			t.filter("/Groups", `displayName eq "`+t.random()+`"`).lists()
		}},
		{"trap-13b", "unknown parameters of a query are ignored", "RFC 7644 §3.4.2", needs(filterFeature), func(t *T) {
			u := t.user()
			t.get(query("/Users", "filter", `userName eq `+quoted(u.name), "colour", "blue") + "&aadOptscim062020").lists(u)
			t.get(u.path+"?aadOptscim062020&x=1").ok(http.StatusOK).has("id", u.id)
		}},
		{"trap-13c", "a filter that cannot be read from the URL is refused, and never a list of all", "RFC 7644 §3.4.2, §3.12; RFC 3986 §2", needs(filterFeature), func(t *T) {
			u := t.user(`"userName":"semi;` + t.userName() + `"`)
			t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
			// A semicolon needs no escape in a URL, and separates nothing.
			t.get("/Users?filter=userName%20eq%20%22" + strings.ReplaceAll(u.name, "@", "%40") + "%22").lists(u)
			t.get("/Users?count=1&filter=userName%20eq%20%22100%%22").refused(http.StatusBadRequest)
			t.get("/Users?count=1&filter=").refused(http.StatusBadRequest, "invalidFilter")
			t.get(query("/Users", "filter", `userName eq "`+t.random()+`"`, "count", "1", "filter", "userName pr")).refused(http.StatusBadRequest)
		}},
		{"trap-13d", "a plus in a query whose blanks are %20 is a plus", "RFC 3986 §2.2; RFC 7644 §3.4.2", needs(filterFeature), func(t *T) {
			name := t.random()
			u := t.user(`"userName":"a+b-` + name + `@example.com"`)
			t.get("/Users?filter=userName%20eq%20%22a+b-" + name + "@example.com%22").lists(u)
			t.get("/Users?filter=userName+eq+%22a%2Bb-" + name + "%40example.com%22").lists(u)
		}},
		{"trap-14a", "a query of the server root lists all types, or is refused as the RFC says", "RFC 7644 §3.4.2.1", needs(filterFeature), func(t *T) {
			u, g := t.user(), t.group()
			a := t.get(query("/", "filter", `id eq "`+u.id+`" or id eq "`+g.id+`"`))
			if a.status == http.StatusOK {
				a.lists(u, g)
				return
			}
			a.refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
		}},
		{"trap-14c", "at the root, an attribute that a type has not is unassigned there", "RFC 7644 §3.4.2.1", needs(filterFeature), func(t *T) {
			u, g := t.user(), t.group()
			first := t.post("/.search", search(`"filter":`+quoted(`userName eq `+quoted(u.name)+` or displayName eq `+quoted(g.name))))
			if first.status != http.StatusOK {
				first.refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
				return
			}
			first.lists(u, g)
			t.get(query("/", "filter", `userName eq `+quoted(u.name))).lists(u)
			t.get(query("/", "filter", `id eq "`+g.id+`" and not (userName pr)`)).lists(g)
			t.get(query("/", "filter", `userName eq "x" or `+t.random()+` eq "x"`)).refused(http.StatusBadRequest, "invalidFilter")
		}},
		{"trap-14b", "meta.resourceType narrows a query of the root", "RFC 7644 §3.4.2.1", needs(filterFeature), func(t *T) {
			u, g := t.user(), t.group()
			both := `(id eq "` + u.id + `" or id eq "` + g.id + `")`
			a := t.get(query("/", "filter", both+` and meta.resourceType eq "Group"`))
			if a.status != http.StatusOK {
				a.refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented}, "tooMany")
				return
			}
			a.lists(g)
			// An attribute that a type does not have is unassigned there.
			t.get(query("/", "filter", both+` and userName pr`)).lists(u)
		}},
	}
}

// trapsSort is trap 16.
func trapsSort() []testCase {
	return []testCase{
		{"trap-16a", "sorting ascends unless it is told to descend", "RFC 7644 §3.4.2.3", needs(sortFeature), func(t *T) {
			filter, u := t.tagged(`"title":"b"`, `"title":"C"`, `"title":"a"`)
			t.filter("/Users", filter, "sortBy", "title").listsInOrder(u[2], u[0], u[1])
			t.filter("/Users", filter, "sortBy", "title", "sortOrder", "ascending").listsInOrder(u[2], u[0], u[1])
			t.filter("/Users", filter, "sortBy", "title", "sortOrder", "descending").listsInOrder(u[1], u[0], u[2])
		}},
		{"trap-16b", "users without a value come last, and first when descending", "RFC 7644 §3.4.2.3", needs(sortFeature), func(t *T) {
			filter, u := t.tagged(`"title":"b"`, ``, `"title":"a"`)
			t.filter("/Users", filter, "sortBy", "title").listsInOrder(u[2], u[0], u[1])
			t.filter("/Users", filter, "sortBy", "title", "sortOrder", "descending").listsInOrder(u[1], u[0], u[2])
		}},
		{"trap-16c", "a multi-valued attribute sorts by its primary value, or else the first", "RFC 7644 §3.4.2.3", needs(sortFeature), func(t *T) {
			filter, u := t.tagged(
				`"emails":[{"value":"a@example.com","type":"home"},{"value":"z@example.com","type":"work","primary":true}]`,
				`"emails":[{"value":"m@example.com","type":"work"},{"value":"b@example.com","type":"home"}]`)
			t.filter("/Users", filter, "sortBy", "emails.value").listsInOrder(u[1], u[0])
			t.filter("/Users", filter, "sortBy", "emails").listsInOrder(u[1], u[0])
		}},
		{"trap-16d", "dateTimes sort by time, and sub-attributes can be sorted by", "RFC 7644 §3.4.2.3", needs(sortFeature), func(t *T) {
			filter, u := t.tagged(`"name":{"givenName":"Z","familyName":"Jensen"}`)
			time.Sleep(1100 * time.Millisecond)
			second := t.user(`"nickName":` + quoted(u[0].doc["nickName"].(string)) + `,"name":{"givenName":"A","familyName":"Jensen"}`)
			t.filter("/Users", filter, "sortBy", "meta.created").listsInOrder(u[0], second)
			t.filter("/Users", filter, "sortBy", "name.givenName").listsInOrder(second, u[0])
		}},
	}
}

// trapsPages is trap 17.
func trapsPages() []testCase {
	three := []string{`"title":"a"`, `"title":"b"`, `"title":"c"`}
	return []testCase{
		{"trap-17a", "startIndex below 1 is 1", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			filter, u := t.tagged(three...)
			for _, start := range []string{"0", "-5"} {
				t.filter("/Users", filter, "startIndex", start).lists(u...)
			}
		}},
		{"trap-17b", "a negative count is 0", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			filter, _ := t.tagged(three...)
			a := t.filter("/Users", filter, "startIndex", "1", "count", "-1")
			a.expect(len(a.list()) == 0 && a.total() == 3, "no resources and totalResults 3")
		}},
		{"trap-17c", "count=0 answers with the total alone", "RFC 7644 §3.4.2.4", nil, func(t *T) {
			filter, _ := t.tagged(three...)
			a := t.filter("/Users", filter, "count", "0")
			a.expect(len(a.list()) == 0 && a.total() == 3, "no resources and totalResults 3")
		}},
		{"trap-17d", "a page has startIndex, itemsPerPage and the total of all", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			filter, _ := t.tagged(three...)
			a := t.filter("/Users", filter, "startIndex", "2", "count", "1")
			a.expect(len(a.list()) == 1, "one resource").has("totalResults", 3).has("startIndex", 2).has("itemsPerPage", 1)
			a = t.filter("/Users", filter, "startIndex", "3", "count", "10")
			a.expect(len(a.list()) == 1, "one resource").has("totalResults", 3).has("startIndex", 3).has("itemsPerPage", 1)
		}},
		{"trap-17e", "a page past the end is empty", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			filter, _ := t.tagged(three...)
			a := t.filter("/Users", filter, "startIndex", "100", "count", "10")
			a.expect(len(a.list()) == 0, "no resources").has("totalResults", 3)
		}},
		{"trap-17f", "the pages together are all, each once", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			filter, u := t.tagged(append(three, `"title":"d"`, `"title":"e"`)...)
			var got []string
			for start := 1; start <= 5; start += 2 {
				got = append(got, t.filter("/Users", filter, "startIndex", strconv.Itoa(start), "count", "2").listedIDs()...)
			}
			want := ids(u)
			slices.Sort(got)
			slices.Sort(want)
			last := t.exchanges()
			last[len(last)-1].expect(slices.Equal(got, want), "the ids %v on three pages, not %v", want, got)
		}},
		{"trap-17g", "startIndex and count that are no numbers are refused or ignored", "RFC 7644 §3.4.2.4", nil, func(t *T) {
			for _, bad := range []string{"x", "1.5", "99999999999999999999"} {
				for _, parameter := range []string{"startIndex", "count"} {
					a := t.get(query("/Users", parameter, bad, "filter", `userName eq "nobody"`))
					if a.status == http.StatusOK {
						a.list()
						continue
					}
					a.refused(http.StatusBadRequest, "invalidValue", "invalidSyntax", "invalidCount", "")
				}
			}
		}},
		{"trap-17h", "a count beyond the server's maximum gives a page of the maximum", "RFC 7644 §3.4.2.4", needs(indexFeature), func(t *T) {
			filter, u := t.tagged(three...)
			t.filter("/Users", filter, "startIndex", "1", "count", "1000000").lists(u...)
		}},
	}
}
