package requirements

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// firstPage is the first page of a walk. The parameters are names and values.
func firstPage(t *suite.T, count int, parameters ...string) *suite.Answer {
	return page(t, "", count, parameters...)
}

func page(t *suite.T, cursor string, count int, parameters ...string) *suite.Answer {
	return t.Get(suite.Query("/Users", append(slices.Clone(parameters), "cursor", cursor, "count", strconv.Itoa(count))...))
}

// five are the marks of users for a walk.
var five = []string{`"title":"a"`, `"title":"b"`, `"title":"c"`, `"title":"d"`, `"title":"e"`}

// walk follows the cursors to the end and returns the ids.
func walk(t *suite.T, count int, parameters ...string) (got []string, last *suite.Answer) {
	last = firstPage(t, count, parameters...)
	for pages := 0; ; pages++ {
		got = append(got, last.ListedIDs()...)
		if last.At("nextCursor") == nil {
			return got, last
		}
		last.Expect(pages < 100, "an end of the pages")
		last = page(t, last.Cursor(), count, parameters...)
	}
}

// cursorWalkCases are what servers commonly get wrong about pages by cursor.
func cursorWalkCases() []suite.Case {
	cursor := suite.Needs(suite.CursorFeature, suite.FilterFeature)
	return []suite.Case{
		{Name: "`cursor` with nothing starts a walk", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			for _, path := range []string{suite.Query("/Users", "filter", filter, "count", "2") + "&cursor", suite.Query("/Users", "filter", filter, "count", "2") + "&cursor="} {
				a := t.Get(path)
				a.Expect(len(a.List()) == 2, "two resources").Lacks("previousCursor").Cursor()
			}
		}},
		{Name: "the pages are all, each once, and the last has no nextCursor", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			got, last := walk(t, 2, "filter", filter)
			want := suite.IDs(u)
			slices.Sort(got)
			slices.Sort(want)
			last.Expect(slices.Equal(got, want), "the ids %v on all pages, not %v", want, got)
		}},
		{Name: "a cursor that the server did not issue is invalidCursor", Source: "RFC 9865 §2.2", Needs: cursor, Run: func(t *suite.T) {
			for _, bad := range []string{"bogus", "AAAAAAAA", "eyJvZmZzZXQiOjB9"} {
				page(t, bad, 2).Refused(http.StatusBadRequest, "invalidCursor")
			}
		}},
		{Name: "the configuration says which pages there are", Source: "RFC 9865 §4", Needs: cursor, Run: func(t *suite.T) {
			a := suite.ServerConfig(t)
			_, cursors := a.At("pagination/cursor").(bool)
			_, indexes := a.At("pagination/index").(bool)
			a.Expect(cursors && indexes, "pagination.cursor and pagination.index, booleans")
			if method := a.At("pagination/defaultPaginationMethod"); method != nil {
				a.Expect(method == "cursor" || method == "index", "a defaultPaginationMethod that is cursor or index")
			}
		}},
		{Name: "a client that does not ask gets the pages that the configuration says", Source: "RFC 9865 §4", Needs: cursor, Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			method := suite.At(t.Suite.Config, "pagination/defaultPaginationMethod")
			a := t.Filter("/Users", filter, "count", "2")
			a.Expect(len(a.List()) == 2, "two resources")
			if method != "cursor" {
				a.Lacks("nextCursor").Has("startIndex", 1).Has("totalResults", len(u))
			}
		}},
		{Name: ".search has its cursor in the body", Source: "RFC 9865 §3", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			a := t.Post("/Users/.search", suite.Search(`"filter":`+suite.Quoted(filter)+`,"count":3,"cursor":""`))
			a.Expect(len(a.List()) == 3, "three resources")
			a = t.Post("/Users/.search", suite.Search(`"filter":`+suite.Quoted(filter)+`,"count":3,"cursor":"`+a.Cursor()+`"`))
			a.Expect(len(a.List()) == 2, "two resources").Lacks("nextCursor")
		}},
		{Name: "a cursor with a letter changed is invalidCursor", Source: "RFC 9865 §5.2", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			next := firstPage(t, 2, "filter", filter).Cursor()
			for _, i := range []int{0, len(next) / 2, len(next) - 2} {
				changed := []byte(next)
				if changed[i]++; !suite.Unreserved.Match(changed) {
					changed[i] = 'A'
				}
				page(t, string(changed), 2, "filter", filter).Refused(http.StatusBadRequest, "invalidCursor", "expiredCursor")
			}
			page(t, next+"A", 2, "filter", filter).Refused(http.StatusBadRequest, "invalidCursor", "expiredCursor")
			page(t, next, 2, "filter", filter).List()
		}},
		{Name: "a cursor is for the query that it came from", Source: "RFC 9865 §2.1, §5.2", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			next := firstPage(t, 2, "filter", filter).Cursor()
			page(t, next, 2, "filter", `userName pr`).Refused(http.StatusBadRequest, "invalidCursor")
			page(t, next, 2).Refused(http.StatusBadRequest, "invalidCursor")
			t.Get(suite.Query("/Groups", "cursor", next, "count", "2")).Refused(http.StatusBadRequest, "invalidCursor")
		}},
		{Name: "users who come or go do not disturb a walk", Source: "RFC 9865 §5.3", Needs: cursor, Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			tag, _ := u[0].Doc["nickName"].(string)
			first := firstPage(t, 2, "filter", filter)
			seen := first.ListedIDs()
			t.User(`"nickName":` + suite.Quoted(tag))
			t.Delete("/Users/" + seen[0]).OK(http.StatusNoContent)
			for next := first; next.At("nextCursor") != nil; {
				next = page(t, next.Cursor(), 2, "filter", filter)
				seen = append(seen, next.ListedIDs()...)
			}
			for _, each := range u {
				first.Expect(slices.Contains(seen, each.ID), "the user %s on one of the pages", each.ID)
			}
			slices.Sort(seen)
			first.Expect(len(slices.Compact(seen)) == len(seen), "no user twice")
		}},
	}
}

// cursorCases are the examples and rules of RFC 9865.
func cursorCases() []suite.Case {
	cursor := suite.Needs(suite.CursorFeature, suite.FilterFeature)
	return []suite.Case{
		{Name: "the example's first request, GET /Users?cursor&count=10", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			t.Users(2)
			a := t.Get("/Users?cursor&count=1")
			a.Expect(len(a.List()) == 1, "one resource").Lacks("previousCursor", "startIndex").Cursor()
			a = t.Get("/Users?cursor&count=10")
			a.Expect(len(a.List()) <= 10, "at most ten resources").Lacks("previousCursor")
		}},
		{Name: "the example's second request, with the cursor", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			t.Users(3)
			first := t.Get("/Users?cursor&count=1")
			second := t.Get(suite.Query("/Users", "cursor", first.Cursor(), "count", "1"))
			second.Expect(len(second.List()) == 1, "one resource")
			second.Expect(!suite.SameJSON(first.At("Resources/0/id"), second.At("Resources/0/id")), "another resource than that of the first page")
		}},
		{Name: "one page that holds all has no nextCursor", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			a := firstPage(t, 10, "filter", filter)
			a.Expect(len(a.List()) == len(u), "five resources").Lacks("nextCursor", "previousCursor")
		}},
		{Name: "no match is an empty page without a cursor", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			a := firstPage(t, 10, "filter", `userName eq "`+t.Random()+`"`)
			a.Expect(len(a.List()) == 0, "no resources").Lacks("nextCursor", "previousCursor")
		}},
		{Name: "totalResults is of all, or absent", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			a := firstPage(t, 2, "filter", filter)
			if a.At("totalResults") != nil {
				a.Has("totalResults", len(u))
			}
		}},
		{Name: "a negative count is 0, and 0 is no resources", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			for _, count := range []int{-1, 0} {
				a := firstPage(t, count, "filter", filter)
				a.Expect(len(a.List()) == 0, "no resources").Cursor() // It is not the last page.
			}
		}},
		{Name: "sorting and attributes hold on every page", Source: "RFC 9865 §2.1", Needs: suite.Needs(suite.CursorFeature, suite.FilterFeature, suite.SortFeature), Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			got, last := walk(t, 2, "filter", filter, "sortBy", "title", "sortOrder", "descending", "attributes", "title")
			want := suite.IDs(u)
			slices.Reverse(want)
			last.Expect(slices.Equal(got, want), "the ids %v in that order, not %v", want, got).Lacks("Resources/0/userName").Has("Resources/0/title", "a")
		}},
		{Name: "a previousCursor leads back", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			first := firstPage(t, 2, "filter", filter)
			second := page(t, first.Cursor(), 2, "filter", filter)
			if back, given := second.At("previousCursor").(string); given {
				third := page(t, back, 2, "filter", filter)
				third.Expect(suite.SameJSON(third.ListedIDs(), first.ListedIDs()), "the first page again")
			}
		}},
		{Name: "a page can be had again", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			next := firstPage(t, 2, "filter", filter).Cursor()
			once, again := page(t, next, 2, "filter", filter).ListedIDs(), page(t, next, 2, "filter", filter)
			again.Expect(slices.Equal(once, again.ListedIDs()), "the same page")
		}},
		{Name: "another count in the middle is invalidCount", Source: "RFC 9865 §2.2, table 3", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			next := firstPage(t, 2, "filter", filter).Cursor()
			for _, count := range []int{1, 3} {
				page(t, next, count, "filter", filter).Refused(http.StatusBadRequest, "invalidCount")
			}
			a := page(t, next, 2, "filter", filter)
			a.Expect(len(a.List()) == 2, "two resources")
		}},
		{Name: "a count beyond the maximum gives the maximum, or invalidCount", Source: "RFC 9865 §2.2", Needs: cursor, Run: func(t *suite.T) {
			filter, u := t.Tagged(five...)
			a := firstPage(t, 1_000_000, "filter", filter)
			if a.Status != http.StatusOK {
				a.Refused(http.StatusBadRequest, "invalidCount")
				return
			}
			a.Expect(len(a.List()) == len(u), "all resources")
		}},
		{Name: "cursor and startIndex together are one or the other, or refused", Source: "RFC 9865 §2.1", Needs: cursor, Run: func(t *suite.T) {
			filter, _ := t.Tagged(five...)
			a := firstPage(t, 2, "filter", filter, "startIndex", "2")
			if a.Status != http.StatusOK {
				a.Refused(http.StatusBadRequest)
				return
			}
			a.Expect(len(a.List()) == 2, "two resources")
		}},
		{Name: "the example's .search with an empty cursor", Source: "RFC 9865 §3", Needs: cursor, Run: func(t *suite.T) {
			t.Users(2)
			a := t.Post("/Users/.search", suite.Search(`"attributes":["displayName","userName"],"filter":"userName co \"u-`+t.Suite.Mark+`\"","cursor":"","count":1`))
			a.Expect(len(a.List()) == 1, "one resource").Lacks("Resources/0/emails", "previousCursor").Cursor()
			t.Post("/Users/.search", suite.Search(`"cursor":"bogus","count":1`)).Refused(http.StatusBadRequest, "invalidCursor")
		}},
		{Name: "groups have pages by cursor too", Source: "RFC 9865 §2", Needs: cursor, Run: func(t *suite.T) {
			t.Group()
			t.Group()
			a := t.Get("/Groups?cursor&count=1")
			a.Expect(len(a.List()) == 1, "one resource").Cursor()
		}},
	}
}
