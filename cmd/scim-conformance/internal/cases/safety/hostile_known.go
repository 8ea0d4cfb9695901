package safety

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// hostileKnown are requests that are known to hurt servers.
func hostileKnown() []suite.Case {
	send := func(name, source string, requests func(u *suite.Resource) []suite.Request) suite.Case {
		return suite.Case{Name: name, Source: source, Run: func(t *suite.T) {
			u := t.User()
			for _, r := range requests(u) {
				survives(t, r)
			}
			u.Get().Has("userName", u.Name)
		}}
	}
	post := func(bodies ...string) []suite.Request {
		var requests []suite.Request
		for _, body := range bodies {
			requests = append(requests, suite.Request{Method: http.MethodPost, Path: "/Users", Body: body})
		}
		return requests
	}
	return []suite.Case{
		send("documents, filters and paths of great depth", "RFC 8259 §9", func(u *suite.Resource) []suite.Request {
			deep := strings.Repeat("(", 800) + "title pr" + strings.Repeat(")", 800)
			return append(post(
				strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `{"schemas":["`+suite.URNUser+`"],"userName":`+strings.Repeat("[", 50_000)+strings.Repeat("]", 50_000)+`}`,
			),
				suite.Request{Method: http.MethodGet, Path: suite.Query("/Users", "count", "1", "filter", deep)},
				suite.Request{Method: http.MethodPost, Path: "/Users/.search", Body: suite.Search(`"count":1,"filter":` + suite.Quoted(strings.Repeat("not (", 20_000)+"title pr"+strings.Repeat(")", 20_000)))},
				suite.Request{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(`{"op":"replace","path":` + suite.Quoted("emails["+strings.Repeat("(", 5000)+`type eq "x"`+strings.Repeat(")", 5000)+"]") + `,"value":"x"}`)})
		}),
		send("long names, many values, many operations, many terms", "RFC 7644 §3.12", func(u *suite.Resource) []suite.Request {
			many := strings.TrimSuffix(strings.Repeat(`{"op":"replace","path":"title","value":"x"},`, 5000), ",")
			return append(post(
				u.T.UserBody(`"displayName":`+suite.Quoted(strings.Repeat("x", 1<<20))),
				u.T.UserBody(`"phoneNumbers":[`+strings.TrimSuffix(strings.Repeat(`{"value":"1","type":"a"},`, 20_000), ",")+`]`),
				u.T.UserBody(`"schemas":[`+strings.TrimSuffix(strings.Repeat(suite.Quoted(suite.URNUser)+",", 10_000), ",")+`]`),
				u.T.UserBody(suite.Quoted(strings.Repeat("k", 1<<18))+`:1`),
			),
				suite.Request{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(many)},
				suite.Request{Method: http.MethodPost, Path: "/Users/.search", Body: suite.Search(`"count":1,"filter":` + suite.Quoted("title pr"+strings.Repeat(` or title eq "x"`, 20_000)))},
				suite.Request{Method: http.MethodPost, Path: "/Users/.search", Body: suite.Search(`"count":1,"attributes":[` + strings.TrimSuffix(strings.Repeat(`"a.b",`, 50_000), ",") + `]`)})
		}),
		send("numbers that fit nothing", "RFC 8259 §6", func(u *suite.Resource) []suite.Request {
			var requests []suite.Request
			for _, number := range []string{"1e999", "-1e999", "1e-999", "-0", "0.1e1", "99999999999999999999999999", "01", "+1", ".5", "1.", "NaN", "Infinity", "0x10"} {
				requests = append(requests, post(u.T.UserBody()[:1]+`"active":`+number+`,`+u.T.UserBody()[1:])...)
				requests = append(requests, suite.Request{Method: http.MethodPost, Path: "/Users/.search", Body: suite.Search(`"startIndex":` + number + `,"count":1`)},
					suite.Request{Method: http.MethodGet, Path: suite.Query("/Users", "count", "1", "filter", "active eq "+number)})
			}
			return requests
		}),
		send("text that is no text: lone surrogates, NUL, bytes that are no UTF-8, a byte order mark", "RFC 8259 §8", func(u *suite.Resource) []suite.Request {
			return append(post(
				`{"schemas":["`+suite.URNUser+`"],"userName":"\ud800`+u.T.Random()+`"}`, `{"schemas":["`+suite.URNUser+`"],"userName":"a\u0000`+u.T.Random()+`"}`,
				"{\"schemas\":[\""+suite.URNUser+"\"],\"userName\":\"\xff\xfe"+u.T.Random()+"\"}", "\ufeff"+u.T.UserBody(), u.T.UserBody()+u.T.UserBody(), u.T.UserBody()+"x",
				`{"schemas":["`+suite.URNUser+`"],"userName":"\udc00\ud800`+u.T.Random()+`"}`,
			),
				suite.Request{Method: http.MethodGet, Path: "/Users?filter=userName+eq+%22%ff%fe%22&count=1"},
				suite.Request{Method: http.MethodGet, Path: "/Users?filter=userName+eq+%22%00%22&count=1"},
				suite.Request{Method: http.MethodGet, Path: "/Users?filter=userName+eq+%22%5Cud800%22&count=1"},
				suite.Request{Method: http.MethodGet, Path: "/Users/%ff%fe"}, suite.Request{Method: http.MethodGet, Path: "/Users/%00"}, suite.Request{Method: http.MethodGet, Path: "/Users/%2e%2e%2fGroups"})
		}),
		{Name: "a member given twice, in two cases, does not make two of it", Source: "RFC 8259 §4, RFC 7643 §2.1", Run: func(t *suite.T) {
			first, second := t.UserName(), t.UserName()
			for _, body := range []string{
				`{"schemas":["` + suite.URNUser + `"],"userName":` + suite.Quoted(first) + `,"userName":` + suite.Quoted(second) + `}`,
				`{"schemas":["` + suite.URNUser + `"],"userName":` + suite.Quoted(first) + `,"USERNAME":` + suite.Quoted(second) + `}`,
			} {
				a := survives(t, suite.Request{Method: http.MethodPost, Path: "/Users", Body: body})
				if a.Status == http.StatusCreated {
					a.Expect(a.At("userName") == first || a.At("userName") == second, "one of the names").Lacks("USERNAME")
					t.Delete("/Users/" + a.Text("id")).OK(http.StatusNoContent)
				}
			}
		}},
		{Name: "expensive filters answer in time", Source: "RFC 7644 §7.6", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			t.User()
			for _, filter := range []string{
				strings.Repeat(`emails.value co "`+strings.Repeat("a", 40)+`" or `, 15) + `title pr`,
				`userName co "` + strings.Repeat("aab", 300) + `"`,
				`not (not (not (not (title pr and not (emails[type eq "x" or value co "y"])))))`,
			} {
				survives(t, suite.Request{Method: http.MethodGet, Path: suite.Query("/Users", "count", "1", "filter", filter)})
			}
		}},
		send("a PATCH that compares much is answered in time", "RFC 7644 §7.6", func(u *suite.Resource) []suite.Request {
			emails := func(from int, more string) string {
				list := make([]string, 40)
				for i := range list {
					list[i] = `{"value":"` + strconv.Itoa(40*from+i) + `@example.com"` + more + `}`
					more = ""
				}
				return `{"op":"add","path":"emails","value":[` + strings.Join(list, ",") + `]}`
			}
			terms := `{"op":"remove","path":"emails[` + strings.TrimSuffix(strings.Repeat(`value eq \"x\" or `, 400), " or ") + `]"}`
			var filters, primaries []string
			for i := range 300 {
				filters = append(filters, terms)
				primaries = append(primaries, emails(i, `,"primary":true`), emails(1000+i, ""), emails(2000+i, ""))
			}
			for i := range 20 {
				filters[i] = emails(i, "")
			}
			long := `{"op":"add","path":"emails","value":[{"value":` + suite.Quoted(strings.Repeat("é", 1<<20)) + `}]}`
			return []suite.Request{
				{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(filters...)},
				{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(primaries...)},
				{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(append([]string{long}, filters[200:]...)...)},
			}
		}),
		{Name: "a bulk request whose operations each wait for the next is answered in time", Source: "RFC 7644 §3.7.2, §7.6", Needs: suite.Needs(suite.BulkFeature), Run: func(t *suite.T) {
			limit, _ := suite.At(t.Suite.Config, "bulk/maxOperations").(float64)
			size, _ := suite.At(t.Suite.Config, "bulk/maxPayloadSize").(float64)
			var operations []string
			for i := range max(1, min(int(limit), 1000, int(size/4000))) {
				doc := t.UserDoc(`"nickName":`+suite.Quoted(strings.Repeat("x", 2000)), `"`+suite.URNEnterprise+`":{"manager":{"value":"bulkId:`+strconv.Itoa(i+1)+`"}}`)
				operations = append(operations, suite.BulkPost("/Users", strconv.Itoa(i), doc))
			}
			// The last refers to nothing, so that none can be carried out.
			survives(t, suite.Request{Method: http.MethodPost, Path: "/Bulk", Body: suite.BulkOf("", operations...)})
		}},
	}
}
