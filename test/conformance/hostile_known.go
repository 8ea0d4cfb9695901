package main

import (
	"net/http"
	"strconv"
	"strings"
)

// hostileKnown are requests that are known to hurt servers.
func hostileKnown() []testCase {
	send := func(id, name, source string, requests func(u *resource) []request) testCase {
		return testCase{id, name, source, nil, func(t *T) {
			u := t.user()
			for _, r := range requests(u) {
				t.survives(r)
			}
			u.get().has("userName", u.name)
		}}
	}
	post := func(bodies ...string) []request {
		var requests []request
		for _, body := range bodies {
			requests = append(requests, request{method: http.MethodPost, path: "/Users", body: body})
		}
		return requests
	}
	return []testCase{
		send("hostile-depth", "documents, filters and paths of great depth", "RFC 8259 §9", func(u *resource) []request {
			deep := strings.Repeat("(", 800) + "title pr" + strings.Repeat(")", 800)
			return append(post(
				strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `{"schemas":["`+urnUser+`"],"userName":`+strings.Repeat("[", 50_000)+strings.Repeat("]", 50_000)+`}`,
			),
				request{method: http.MethodGet, path: query("/Users", "count", "1", "filter", deep)},
				request{method: http.MethodPost, path: "/Users/.search", body: search(`"count":1,"filter":` + quoted(strings.Repeat("not (", 20_000)+"title pr"+strings.Repeat(")", 20_000)))},
				request{method: http.MethodPatch, path: u.path, body: patchOf(`{"op":"replace","path":` + quoted("emails["+strings.Repeat("(", 5000)+`type eq "x"`+strings.Repeat(")", 5000)+"]") + `,"value":"x"}`)})
		}),
		send("hostile-size", "long names, many values, many operations, many terms", "RFC 7644 §3.12", func(u *resource) []request {
			many := strings.TrimSuffix(strings.Repeat(`{"op":"replace","path":"title","value":"x"},`, 5000), ",")
			return append(post(
				u.t.userBody(`"displayName":`+quoted(strings.Repeat("x", 1<<20))),
				u.t.userBody(`"phoneNumbers":[`+strings.TrimSuffix(strings.Repeat(`{"value":"1","type":"a"},`, 20_000), ",")+`]`),
				u.t.userBody(`"schemas":[`+strings.TrimSuffix(strings.Repeat(quoted(urnUser)+",", 10_000), ",")+`]`),
				u.t.userBody(quoted(strings.Repeat("k", 1<<18))+`:1`),
			),
				request{method: http.MethodPatch, path: u.path, body: patchOf(many)},
				request{method: http.MethodPost, path: "/Users/.search", body: search(`"count":1,"filter":` + quoted("title pr"+strings.Repeat(` or title eq "x"`, 20_000)))},
				request{method: http.MethodPost, path: "/Users/.search", body: search(`"count":1,"attributes":[` + strings.TrimSuffix(strings.Repeat(`"a.b",`, 50_000), ",") + `]`)})
		}),
		send("hostile-numbers", "numbers that fit nothing", "RFC 8259 §6", func(u *resource) []request {
			var requests []request
			for _, number := range []string{"1e999", "-1e999", "1e-999", "-0", "0.1e1", "99999999999999999999999999", "01", "+1", ".5", "1.", "NaN", "Infinity", "0x10"} {
				requests = append(requests, post(u.t.userBody()[:1]+`"active":`+number+`,`+u.t.userBody()[1:])...)
				requests = append(requests, request{method: http.MethodPost, path: "/Users/.search", body: search(`"startIndex":` + number + `,"count":1`)},
					request{method: http.MethodGet, path: query("/Users", "count", "1", "filter", "active eq "+number)})
			}
			return requests
		}),
		send("hostile-text", "text that is no text: lone surrogates, NUL, bytes that are no UTF-8, a byte order mark", "RFC 8259 §8", func(u *resource) []request {
			return append(post(
				`{"schemas":["`+urnUser+`"],"userName":"\ud800`+u.t.random()+`"}`, `{"schemas":["`+urnUser+`"],"userName":"a\u0000`+u.t.random()+`"}`,
				"{\"schemas\":[\""+urnUser+"\"],\"userName\":\"\xff\xfe"+u.t.random()+"\"}", "\ufeff"+u.t.userBody(), u.t.userBody()+u.t.userBody(), u.t.userBody()+"x",
				`{"schemas":["`+urnUser+`"],"userName":"\udc00\ud800`+u.t.random()+`"}`,
			),
				request{method: http.MethodGet, path: "/Users?filter=userName+eq+%22%ff%fe%22&count=1"},
				request{method: http.MethodGet, path: "/Users?filter=userName+eq+%22%00%22&count=1"},
				request{method: http.MethodGet, path: "/Users?filter=userName+eq+%22%5Cud800%22&count=1"},
				request{method: http.MethodGet, path: "/Users/%ff%fe"}, request{method: http.MethodGet, path: "/Users/%00"}, request{method: http.MethodGet, path: "/Users/%2e%2e%2fGroups"})
		}),
		{"hostile-duplicates", "a member given twice, in two cases, does not make two of it", "RFC 8259 §4, RFC 7643 §2.1", nil, func(t *T) {
			first, second := t.userName(), t.userName()
			for _, body := range []string{
				`{"schemas":["` + urnUser + `"],"userName":` + quoted(first) + `,"userName":` + quoted(second) + `}`,
				`{"schemas":["` + urnUser + `"],"userName":` + quoted(first) + `,"USERNAME":` + quoted(second) + `}`,
			} {
				a := t.survives(request{method: http.MethodPost, path: "/Users", body: body})
				if a.status == http.StatusCreated {
					a.expect(a.at("userName") == first || a.at("userName") == second, "one of the names").lacks("USERNAME")
					t.delete("/Users/" + a.text("id")).ok(http.StatusNoContent)
				}
			}
		}},
		{"hostile-search", "expensive filters answer in time", "RFC 7644 §7.6", needs(filterFeature), func(t *T) {
			t.user()
			for _, filter := range []string{
				strings.Repeat(`emails.value co "`+strings.Repeat("a", 40)+`" or `, 15) + `title pr`,
				`userName co "` + strings.Repeat("aab", 300) + `"`,
				`not (not (not (not (title pr and not (emails[type eq "x" or value co "y"])))))`,
			} {
				t.survives(request{method: http.MethodGet, path: query("/Users", "count", "1", "filter", filter)})
			}
		}},
		send("hostile-work", "a PATCH that compares much is answered in time", "RFC 7644 §7.6", func(u *resource) []request {
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
			long := `{"op":"add","path":"emails","value":[{"value":` + quoted(strings.Repeat("é", 1<<20)) + `}]}`
			return []request{
				{method: http.MethodPatch, path: u.path, body: patchOf(filters...)},
				{method: http.MethodPatch, path: u.path, body: patchOf(primaries...)},
				{method: http.MethodPatch, path: u.path, body: patchOf(append([]string{long}, filters[200:]...)...)},
			}
		}),
		{"hostile-references", "a bulk request whose operations each wait for the next is answered in time", "RFC 7644 §3.7.2, §7.6", needs(bulkFeature), func(t *T) {
			limit, _ := at(t.suite.config, "bulk/maxOperations").(float64)
			size, _ := at(t.suite.config, "bulk/maxPayloadSize").(float64)
			var operations []string
			for i := range max(1, min(int(limit), 1000, int(size/4000))) {
				doc := t.userDoc(`"nickName":`+quoted(strings.Repeat("x", 2000)), `"`+urnEnterprise+`":{"manager":{"value":"bulkId:`+strconv.Itoa(i+1)+`"}}`)
				operations = append(operations, bulkPost("/Users", strconv.Itoa(i), doc))
			}
			// The last refers to nothing, so that none can be carried out.
			t.survives(request{method: http.MethodPost, path: "/Bulk", body: bulkOf("", operations...)})
		}},
	}
}
