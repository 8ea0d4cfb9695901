package main

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

var unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// cursor is a page's nextCursor, which must be in the characters of RFC 3986
// section 2.3.
func (a *answer) cursor() string {
	next := a.text("nextCursor")
	a.expect(unreserved.MatchString(next), "a nextCursor of unreserved characters (RFC 9865 §2.1)")
	return next
}

// firstPage is the first page of a walk. The parameters are names and values.
func (t *T) firstPage(count int, parameters ...string) *answer {
	return t.page("", count, parameters...)
}

func (t *T) page(cursor string, count int, parameters ...string) *answer {
	return t.get(query("/Users", append(slices.Clone(parameters), "cursor", cursor, "count", strconv.Itoa(count))...))
}

// five are the marks of users for a walk.
var five = []string{`"title":"a"`, `"title":"b"`, `"title":"c"`, `"title":"d"`, `"title":"e"`}

// walk follows the cursors to the end and returns the ids.
func (t *T) walk(count int, parameters ...string) (got []string, last *answer) {
	last = t.firstPage(count, parameters...)
	for pages := 0; ; pages++ {
		got = append(got, last.listedIDs()...)
		if last.at("nextCursor") == nil {
			return got, last
		}
		last.expect(pages < 100, "an end of the pages")
		last = t.page(last.cursor(), count, parameters...)
	}
}

// trapsCursor are traps 35 to 37.
func trapsCursor() []testCase {
	cursor := needs(cursorFeature, filterFeature)
	return []testCase{
		{"trap-35a", "`cursor` with nothing starts a walk", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			for _, path := range []string{query("/Users", "filter", filter, "count", "2") + "&cursor", query("/Users", "filter", filter, "count", "2") + "&cursor="} {
				a := t.get(path)
				a.expect(len(a.list()) == 2, "two resources").lacks("previousCursor").cursor()
			}
		}},
		{"trap-35b", "the pages are all, each once, and the last has no nextCursor", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, u := t.tagged(five...)
			got, last := t.walk(2, "filter", filter)
			want := ids(u)
			slices.Sort(got)
			slices.Sort(want)
			last.expect(slices.Equal(got, want), "the ids %v on all pages, not %v", want, got)
		}},
		{"trap-35c", "a cursor that the server did not issue is invalidCursor", "RFC 9865 §2.2", cursor, func(t *T) {
			for _, bad := range []string{"bogus", "AAAAAAAA", "eyJvZmZzZXQiOjB9"} {
				t.page(bad, 2).refused(http.StatusBadRequest, "invalidCursor")
			}
		}},
		{"trap-36a", "the configuration says which pages there are", "RFC 9865 §4", cursor, func(t *T) {
			a := t.exchangeOfConfig()
			_, cursors := a.at("pagination/cursor").(bool)
			_, indexes := a.at("pagination/index").(bool)
			a.expect(cursors && indexes, "pagination.cursor and pagination.index, booleans")
			if method := a.at("pagination/defaultPaginationMethod"); method != nil {
				a.expect(method == "cursor" || method == "index", "a defaultPaginationMethod that is cursor or index")
			}
		}},
		{"trap-36b", "a client that does not ask gets the pages that the configuration says", "RFC 9865 §4", cursor, func(t *T) {
			filter, u := t.tagged(five...)
			method := at(t.suite.config, "pagination/defaultPaginationMethod")
			a := t.filter("/Users", filter, "count", "2")
			a.expect(len(a.list()) == 2, "two resources")
			if method != "cursor" {
				a.lacks("nextCursor").has("startIndex", 1).has("totalResults", len(u))
			}
		}},
		{"trap-36c", ".search has its cursor in the body", "RFC 9865 §3", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			a := t.post("/Users/.search", search(`"filter":`+quoted(filter)+`,"count":3,"cursor":""`))
			a.expect(len(a.list()) == 3, "three resources")
			a = t.post("/Users/.search", search(`"filter":`+quoted(filter)+`,"count":3,"cursor":"`+a.cursor()+`"`))
			a.expect(len(a.list()) == 2, "two resources").lacks("nextCursor")
		}},
		{"trap-37a", "a cursor with a letter changed is invalidCursor", "RFC 9865 §5.2", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			next := t.firstPage(2, "filter", filter).cursor()
			for _, i := range []int{0, len(next) / 2, len(next) - 2} {
				changed := []byte(next)
				if changed[i]++; !unreserved.Match(changed) {
					changed[i] = 'A'
				}
				t.page(string(changed), 2, "filter", filter).refused(http.StatusBadRequest, "invalidCursor", "expiredCursor")
			}
			t.page(next+"A", 2, "filter", filter).refused(http.StatusBadRequest, "invalidCursor", "expiredCursor")
			t.page(next, 2, "filter", filter).list()
		}},
		{"trap-37b", "a cursor is for the query that it came from", "RFC 9865 §2.1, §5.2", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			next := t.firstPage(2, "filter", filter).cursor()
			t.page(next, 2, "filter", `userName pr`).refused(http.StatusBadRequest, "invalidCursor")
			t.page(next, 2).refused(http.StatusBadRequest, "invalidCursor")
			t.get(query("/Groups", "cursor", next, "count", "2")).refused(http.StatusBadRequest, "invalidCursor")
		}},
		{"trap-37c", "users who come or go do not disturb a walk", "RFC 9865 §5.3", cursor, func(t *T) {
			filter, u := t.tagged(five...)
			tag, _ := u[0].doc["nickName"].(string)
			first := t.firstPage(2, "filter", filter)
			seen := first.listedIDs()
			t.user(`"nickName":` + quoted(tag))
			t.delete("/Users/" + seen[0]).ok(http.StatusNoContent)
			for next := first; next.at("nextCursor") != nil; {
				next = t.page(next.cursor(), 2, "filter", filter)
				seen = append(seen, next.listedIDs()...)
			}
			for _, each := range u {
				first.expect(slices.Contains(seen, each.id), "the user %s on one of the pages", each.id)
			}
			slices.Sort(seen)
			first.expect(len(slices.Compact(seen)) == len(seen), "no user twice")
		}},
	}
}

// cursorCases are the examples and rules of RFC 9865.
func cursorCases() []testCase {
	cursor := needs(cursorFeature, filterFeature)
	return []testCase{
		{"rfc9865-2.1a", "the example's first request, GET /Users?cursor&count=10", "RFC 9865 §2.1", cursor, func(t *T) {
			t.users(2)
			a := t.get("/Users?cursor&count=1")
			a.expect(len(a.list()) == 1, "one resource").lacks("previousCursor", "startIndex").cursor()
			a = t.get("/Users?cursor&count=10")
			a.expect(len(a.list()) <= 10, "at most ten resources").lacks("previousCursor")
		}},
		{"rfc9865-2.1b", "the example's second request, with the cursor", "RFC 9865 §2.1", cursor, func(t *T) {
			t.users(3)
			first := t.get("/Users?cursor&count=1")
			second := t.get(query("/Users", "cursor", first.cursor(), "count", "1"))
			second.expect(len(second.list()) == 1, "one resource")
			second.expect(!equal(first.at("Resources/0/id"), second.at("Resources/0/id")), "another resource than that of the first page")
		}},
		{"rfc9865-2.1c", "one page that holds all has no nextCursor", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, u := t.tagged(five...)
			a := t.firstPage(10, "filter", filter)
			a.expect(len(a.list()) == len(u), "five resources").lacks("nextCursor", "previousCursor")
		}},
		{"rfc9865-2.1d", "no match is an empty page without a cursor", "RFC 9865 §2.1", cursor, func(t *T) {
			a := t.firstPage(10, "filter", `userName eq "`+t.random()+`"`)
			a.expect(len(a.list()) == 0, "no resources").lacks("nextCursor", "previousCursor")
		}},
		{"rfc9865-2.1e", "totalResults is of all, or absent", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, u := t.tagged(five...)
			a := t.firstPage(2, "filter", filter)
			if a.at("totalResults") != nil {
				a.has("totalResults", len(u))
			}
		}},
		{"rfc9865-2.1f", "a negative count is 0, and 0 is no resources", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			for _, count := range []int{-1, 0} {
				a := t.firstPage(count, "filter", filter)
				a.expect(len(a.list()) == 0, "no resources").cursor() // It is not the last page.
			}
		}},
		{"rfc9865-2.1g", "sorting and attributes hold on every page", "RFC 9865 §2.1", needs(cursorFeature, filterFeature, sortFeature), func(t *T) {
			filter, u := t.tagged(five...)
			got, last := t.walk(2, "filter", filter, "sortBy", "title", "sortOrder", "descending", "attributes", "title")
			want := ids(u)
			slices.Reverse(want)
			last.expect(slices.Equal(got, want), "the ids %v in that order, not %v", want, got).lacks("Resources/0/userName").has("Resources/0/title", "a")
		}},
		{"rfc9865-2.1h", "a previousCursor leads back", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			first := t.firstPage(2, "filter", filter)
			second := t.page(first.cursor(), 2, "filter", filter)
			if back, given := second.at("previousCursor").(string); given {
				third := t.page(back, 2, "filter", filter)
				third.expect(equal(third.listedIDs(), first.listedIDs()), "the first page again")
			}
		}},
		{"rfc9865-2.1i", "a page can be had again", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			next := t.firstPage(2, "filter", filter).cursor()
			once, again := t.page(next, 2, "filter", filter).listedIDs(), t.page(next, 2, "filter", filter)
			again.expect(slices.Equal(once, again.listedIDs()), "the same page")
		}},
		{"rfc9865-2.2a", "another count in the middle is invalidCount", "RFC 9865 §2.2, table 3", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			next := t.firstPage(2, "filter", filter).cursor()
			for _, count := range []int{1, 3} {
				t.page(next, count, "filter", filter).refused(http.StatusBadRequest, "invalidCount")
			}
			a := t.page(next, 2, "filter", filter)
			a.expect(len(a.list()) == 2, "two resources")
		}},
		{"rfc9865-2.2b", "a count beyond the maximum gives the maximum, or invalidCount", "RFC 9865 §2.2", cursor, func(t *T) {
			filter, u := t.tagged(five...)
			a := t.firstPage(1_000_000, "filter", filter)
			if a.status != http.StatusOK {
				a.refused(http.StatusBadRequest, "invalidCount")
				return
			}
			a.expect(len(a.list()) == len(u), "all resources")
		}},
		{"rfc9865-2.2c", "cursor and startIndex together are one or the other, or refused", "RFC 9865 §2.1", cursor, func(t *T) {
			filter, _ := t.tagged(five...)
			a := t.firstPage(2, "filter", filter, "startIndex", "2")
			if a.status != http.StatusOK {
				a.refused(http.StatusBadRequest)
				return
			}
			a.expect(len(a.list()) == 2, "two resources")
		}},
		{"rfc9865-3", "the example's .search with an empty cursor", "RFC 9865 §3", cursor, func(t *T) {
			t.users(2)
			a := t.post("/Users/.search", search(`"attributes":["displayName","userName"],"filter":"userName co \"u-`+t.suite.mark+`\"","cursor":"","count":1`))
			a.expect(len(a.list()) == 1, "one resource").lacks("Resources/0/emails", "previousCursor").cursor()
			t.post("/Users/.search", search(`"cursor":"bogus","count":1`)).refused(http.StatusBadRequest, "invalidCursor")
		}},
		{"rfc9865-groups", "groups have pages by cursor too", "RFC 9865 §2", cursor, func(t *T) {
			t.group()
			t.group()
			a := t.get("/Groups?cursor&count=1")
			a.expect(len(a.list()) == 1, "one resource").cursor()
		}},
	}
}
