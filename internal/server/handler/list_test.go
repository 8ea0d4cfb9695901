package handler_test

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/cursor"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// populate creates users user0 to user6 and a group.
func populate(h *servertest.Harness) (ids []string) {
	for i := range 7 {
		r := h.Do(http.MethodPost, "/Users", fmt.Sprintf(
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"user%d@example.com","title":"%d"}`, i, 9-i))
		h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.Text)
		ids = append(ids, r.Doc["id"].(string))
	}
	r := h.Do(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Guides"}`)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.Text)
	return append(ids, r.Doc["id"].(string))
}

// walk follows the cursors of a search to its end.
func walk(h *servertest.Harness, path string, between func(page int)) (ids []string) {
	cursor := ""
	for page := 0; ; page++ {
		h.Expect(page).To(BeNumerically("<", 20), "the walk ends")
		r := h.Do(http.MethodGet, path+"&cursor="+cursor, "")
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
		h.Expect(r.Doc).NotTo(HaveKey("startIndex"))
		h.Expect(r.Doc).NotTo(HaveKey("previousCursor"))
		for _, resource := range r.Doc["Resources"].([]any) {
			ids = append(ids, resource.(map[string]any)["id"].(string))
		}
		next, more := r.Doc["nextCursor"].(string)
		if !more {
			return ids
		}
		h.Expect(next).To(MatchRegexp(`^[A-Za-z0-9._~-]+$`), "RFC 3986 unreserved characters")
		cursor = next
		if between != nil {
			between(page)
		}
	}
}

func TestCursors(t *testing.T) {
	h := servertest.New(t, memory.New())
	ids := populate(h)
	users, all := ids[:7], ids

	for _, count := range []int{1, 2, 3, 6, 7, 8} {
		h.Expect(walk(h, fmt.Sprintf("/Users?count=%d", count), nil)).To(Equal(users), "count %d", count)
		h.Expect(walk(h, fmt.Sprintf("?count=%d", count), nil)).To(Equal(all), "over users and groups, count %d", count)
	}
	byTitle := walk(h, "/Users?count=2&sortBy=title", nil)
	h.Expect(byTitle).To(HaveLen(7))
	h.Expect(byTitle[0]).To(Equal(users[6]))

	h.Expect(h.Do(http.MethodGet, "/Users?count=2", "").Doc).NotTo(HaveKey("nextCursor"), "who did not ask gets none")
}

// A walk keeps its count (RFC 9865 section 2.2), and a page of nothing is not the end.
func TestCountsOfWalks(t *testing.T) {
	h := servertest.New(t, memory.New())
	users := populate(h)[:7]
	next := h.Do(http.MethodGet, "/Users?count=2&cursor=", "").Doc["nextCursor"].(string)
	for _, count := range []string{"3", "1", "0", "-1", "1000"} {
		r := h.Do(http.MethodGet, "/Users?count="+count+"&cursor="+next, "")
		h.ExpectError(r, http.StatusBadRequest, "invalidCount")
		h.Expect(r.Doc["detail"]).To(ContainSubstring("2"))
	}
	for _, path := range []string{"/Users?count=2&cursor=" + next, "/Users?cursor=" + next} {
		r := h.Do(http.MethodGet, path, "")
		h.Expect(r.Doc["Resources"]).To(HaveLen(2), r.Text)
	}
	search := func(members string) servertest.Response {
		return h.Do(http.MethodPost, "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],`+members+`}`)
	}
	next = search(`"count":2,"cursor":""`).Doc["nextCursor"].(string)
	h.ExpectError(search(`"count":3,"cursor":"`+next+`"`), http.StatusBadRequest, "invalidCount")

	for _, path := range []string{"/Users?count=0&cursor=", "/Users?count=-3&cursor"} {
		none := h.Do(http.MethodGet, path, "")
		h.Expect(none.Doc).To(And(HaveKeyWithValue("Resources", BeEmpty()), HaveKeyWithValue("totalResults", BeEquivalentTo(7))))
		start := none.Doc["nextCursor"].(string)
		again := h.Do(http.MethodGet, "/Users?count=0&cursor="+start, "")
		h.Expect(again.Doc["nextCursor"]).NotTo(BeEmpty(), "still at the start")
		r := h.Do(http.MethodGet, "/Users?count=7&cursor="+start, "")
		h.Expect(r.Doc["Resources"]).To(HaveLen(7), r.Text)
		h.Expect(r.Doc["Resources"].([]any)[0]).To(HaveKeyWithValue("id", users[0]))
		h.Expect(r.Doc).NotTo(HaveKey("nextCursor"))
	}
	h.Expect(h.Do(http.MethodGet, "/Groups?count=0&cursor=&filter="+url.QueryEscape(`displayName eq "none"`), "").Doc).
		NotTo(HaveKey("nextCursor"), "there is nothing")
}

// Who has a token can make cursors for it, since nothing else is secret between the two. They
// get no page that is larger than any other, and nothing breaks.
func TestCursorsOfAClientsOwnMaking(t *testing.T) {
	h := servertest.New(t, memory.New())
	users := populate(h)[:7]
	h.Limit(t, func(l *limit.Limits) { l.MaxPage = 3 })
	verifier, ok := apikey.VerifierOf(h.Token)
	h.Expect(ok).To(BeTrue())
	sealer := cursor.For(verifier, "Users", &message.SearchRequest{})
	behind := store.Position{Created: time.Unix(0, 1), ID: users[0]}
	for _, count := range []int{math.MaxInt, 4, 1000, -1, math.MinInt} {
		for _, last := range []cursor.Position{
			{}, {Position: behind}, {Type: 1, Position: behind}, {Type: math.MaxInt, Position: behind}, {Type: math.MinInt, Position: behind},
			{Position: store.Position{Created: time.Unix(1<<40, 0), ID: "x"}},
		} {
			r := h.Do(http.MethodGet, "/Users?cursor="+sealer.Seal(last, count), "")
			h.Expect(r.StatusCode).To(Equal(http.StatusOK), "%d, %+v: %s", count, last, r.Text)
			resources, _ := r.Doc["Resources"].([]any)
			h.Expect(len(resources)).To(BeNumerically("<=", 3), "%d, %+v", count, last)
		}
	}
}

func TestCursorsAreStable(t *testing.T) {
	h := servertest.New(t, memory.New())
	users := populate(h)[:7]
	seen := walk(h, "/Users?count=2", func(page int) {
		// What was read goes, what was not read stays, and more comes.
		if page > 2 {
			return
		}
		h.Expect(h.Do(http.MethodDelete, "/Users/"+users[page], "").StatusCode).To(Equal(http.StatusNoContent))
		r := h.Do(http.MethodPost, "/Users", fmt.Sprintf(
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"late%d@example.com"}`, page))
		h.Expect(r.StatusCode).To(Equal(http.StatusCreated))
	})
	h.Expect(seen[:7]).To(Equal(users), "each user that was there all the time comes once")
}

// A plus is itself where blanks are written as %20, and a blank in a form.
func TestPlusInQueries(t *testing.T) {
	h := servertest.New(t, memory.New())
	r := h.Do(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a+b@example.com","title":"Tour Guide"}`)
	h.Expect(r.StatusCode).To(Equal(http.StatusCreated), r.Text)
	for query, found := range map[string]int{
		`filter=userName%20eq%20%22a+b@example.com%22`:           1,
		`filter=userName%20eq%20%22a%2Bb%40example.com%22`:       1,
		`filter=userName+eq+%22a%2Bb%40example.com%22`:           1,
		`filter=userName+eq+%22a+b%40example.com%22`:             0,
		`filter=title+eq+%22Tour+Guide%22&count=1`:               1,
		`filter=title%20eq%20%22Tour%20Guide%22&sortBy=userName`: 1,
	} {
		r := h.Do(http.MethodGet, "/Users?"+query, "")
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
		h.Expect(r.Doc["totalResults"]).To(BeEquivalentTo(found), query)
	}
}

// swapped returns a letter that is another one.
func swapped(letter byte) string {
	if letter == 'A' {
		return "B"
	}
	return "A"
}

func TestForgedCursors(t *testing.T) {
	h := servertest.New(t, memory.New())
	populate(h)
	next := h.Do(http.MethodGet, "/Users?count=2&cursor=", "").Doc["nextCursor"].(string)
	h.Expect(h.Do(http.MethodGet, "/Users?count=2&cursor="+next, "").StatusCode).To(Equal(http.StatusOK))

	var details []any
	for name, query := range map[string]string{
		"nonsense":          "/Users?cursor=nonsense",
		"cut short":         "/Users?cursor=" + next[:len(next)-1],
		"changed":           "/Users?cursor=" + next[:4] + swapped(next[4]) + next[5:],
		"another filter":    "/Users?cursor=" + next + "&filter=" + url.QueryEscape(`userName sw "user"`),
		"another order":     "/Users?cursor=" + next + "&sortBy=title",
		"another type":      "/Groups?cursor=" + next,
		"another attribute": "/Users?cursor=" + next + "&attributes=userName",
	} {
		r := h.Do(http.MethodGet, query, "")
		h.ExpectError(r, http.StatusBadRequest, "invalidCursor")
		details = append(details, strings.ReplaceAll(r.Doc["detail"].(string), r.Header.Get("X-Request-Id"), ""))
		h.Expect(details[len(details)-1]).To(Equal(details[0]), name)
	}

	token, verifier, err := apikey.Mint()
	h.Expect(err).NotTo(HaveOccurred())
	h.Tenant.Accept(auth.Keys{verifier.KeyID: {Verifier: verifier}}, func() {})
	h.Token = token
	h.ExpectError(h.Do(http.MethodGet, "/Users?count=2&cursor="+next, ""), http.StatusBadRequest, "invalidCursor")
}

func TestSearch(t *testing.T) {
	h := servertest.New(t, memory.New())
	ids := populate(h)
	const head = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]`
	r := h.Do(http.MethodPost, "/Users/.search", head+`,"filter":"userName eq \"USER3@example.com\"","attributes":["userName"]}`)
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
	h.Expect(r.Doc["totalResults"]).To(BeEquivalentTo(1))
	h.Expect(r.Doc["Resources"].([]any)[0]).To(HaveLen(3), "schemas, id and userName")

	r = h.Do(http.MethodPost, "/.search", head+`,"filter":"displayName eq \"guides\" or userName eq \"user0@example.com\""}`)
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
	h.Expect(r.Doc["totalResults"]).To(BeEquivalentTo(2))

	r = h.Do(http.MethodPost, "/.search", head+`,"filter":"meta.resourceType eq \"Group\""}`)
	h.Expect(r.Doc["totalResults"]).To(BeEquivalentTo(1), r.Text)
	r = h.Do(http.MethodPost, "/.search", head+`,"startIndex":7,"count":2}`)
	h.Expect(r.Doc["totalResults"]).To(BeEquivalentTo(8), r.Text)
	h.Expect(r.Text).To(And(ContainSubstring(ids[6]), ContainSubstring(ids[7])))
	h.ExpectError(h.Do(http.MethodPost, "/.search", head+`,"filter":"nonsense eq 1"}`), http.StatusBadRequest, "invalidFilter")
	h.ExpectError(h.Do(http.MethodPost, "/.search", head+`,"filter":""}`), http.StatusBadRequest, "invalidFilter")
	h.ExpectError(h.Do(http.MethodPost, "/.search", `{}`), http.StatusBadRequest, "invalidSyntax")
}

// An attribute that one of the types has not is unassigned there (RFC 7644 section 3.4.2.1).
func TestSearchOverTypes(t *testing.T) {
	h := servertest.New(t, memory.New())
	populate(h)
	for filter, total := range map[string]int{
		`userName eq "user0@example.com"`:                                               1,
		`userName eq "user0@example.com" or displayName eq "Guides"`:                    2,
		`userName ne "user0@example.com"`:                                               7,
		`not (userName sw "user")`:                                                      1,
		`userName pr`:                                                                   7,
		`userName eq null`:                                                              1,
		`userName eq "user0@example.com" and displayName eq "Guides"`:                   0,
		`members[value eq "x"] or title eq "9"`:                                         1,
		`not (members[value eq "x"].type eq "y")`:                                       8,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq null`: 8,
		`urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "Guides"`:           1,
		`department pr or meta.resourceType eq "Group"`:                                 1,
	} {
		r := h.Do(http.MethodGet, "?filter="+url.QueryEscape(filter), "")
		h.Expect(r.StatusCode).To(Equal(http.StatusOK), "%s: %s", filter, r.Text)
		h.Expect(r.Doc["totalResults"]).To(BeEquivalentTo(total), filter)
	}
	for filter, scimType := range map[string]string{
		`userName eq "x" or nonsense eq "x"`: "invalidFilter", `active gt true`: "invalidFilter", `members[nope eq "x"]`: "invalidFilter",
	} {
		h.ExpectError(h.Do(http.MethodGet, "?filter="+url.QueryEscape(filter), ""), http.StatusBadRequest, scimType)
	}
	h.ExpectError(h.Do(http.MethodGet, "?filter="+url.QueryEscape(`password eq "x"`), ""), http.StatusForbidden, "sensitive")
	h.ExpectError(h.Do(http.MethodGet, "/Groups?filter="+url.QueryEscape(`userName eq "x"`), ""), http.StatusBadRequest, "invalidFilter")
}
