package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// together sends requests at the same time and returns their answers in order.
func (t *T) together(requests ...request) []*answer {
	answers := make([]*answer, len(requests))
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() { answers[i], _ = t.try(r) })
	}
	all.Wait()
	for _, a := range answers {
		a.expect(a.err == nil, "an answer within %s", t.suite.requestTimeout)
	}
	return answers
}

// trapsConcurrency are the traps from 39 on, as far as a client can see them.
func trapsConcurrency() []testCase {
	return []testCase{
		{"trap-39a", "of many who create one userName at the same time, one succeeds", "RFC 7643 §4.1.1; rancher/rancher's GenerateName", nil, func(t *T) {
			name := t.userName()
			var requests []request
			for range 8 {
				requests = append(requests, request{method: http.MethodPost, path: "/Users", body: t.userBody(`"userName":` + quoted(name))})
			}
			created := 0
			answers := t.together(requests...)
			for _, a := range answers {
				if a.status == http.StatusCreated {
					created++
					continue
				}
				a.refused(http.StatusConflict, "uniqueness")
			}
			answers[0].expect(created == 1, "one 201, not %d", created)
			found := t.filter("/Users", `userName eq `+quoted(name))
			found.expect(len(found.list()) == 1, "one user of that name")
		}},
		{"trap-39b", "a rename frees the old name and takes the new at once", "RFC 7643 §4.1.1", needs(filterFeature), func(t *T) {
			u := t.user()
			name := t.userName()
			u.patched(`{"op":"replace","path":"userName","value":`+quoted(name)+`}`).has("userName", name)
			t.filter("/Users", `userName eq `+quoted(u.name)).lists()
			t.filter("/Users", `userName eq `+quoted(name)).lists(u)
			t.post("/Users", t.userBody(`"userName":`+quoted(name))).refused(http.StatusConflict, "uniqueness")
			t.user(`"userName":` + quoted(u.name))
		}},
		{"trap-39c", "two users who take one name at the same time do not both get it", "RFC 7643 §4.1.1", nil, func(t *T) {
			u, name := t.users(4), t.userName()
			t.need(patchFeature)
			var requests []request
			for _, each := range u {
				requests = append(requests, request{method: http.MethodPatch, path: each.path, body: patchOf(`{"op":"replace","path":"userName","value":` + quoted(name) + `}`)})
			}
			taken := 0
			answers := t.together(requests...)
			for _, a := range answers {
				if a.status < 300 {
					taken++
					continue
				}
				a.refused(http.StatusConflict, "uniqueness")
			}
			answers[0].expect(taken == 1, "one success, not %d", taken)
		}},
		{"trap-40a", "a read right after a write sees it", "RFC 7644 §3.3", needs(filterFeature), func(t *T) {
			for i := range 5 {
				u := t.user()
				t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
				u.get()
				title := fmt.Sprint("title ", i)
				u.patched(`{"op":"replace","path":"title","value":"`+title+`"}`).has("title", title)
				t.filter("/Users", `userName eq `+quoted(u.name)+` and title eq "`+title+`"`).lists(u)
				t.delete(u.path).ok(http.StatusNoContent)
				t.get(u.path).refused(http.StatusNotFound)
				t.filter("/Users", `userName eq `+quoted(u.name)).lists()
			}
		}},
		{"trap-40b", "writers of one user at the same time all succeed and lose nothing", "RFC 7644 §3.5.2", nil, func(t *T) {
			u := t.user()
			t.need(patchFeature)
			var requests []request
			var want []string
			for i := range 8 {
				want = append(want, fmt.Sprint(i))
				requests = append(requests, request{method: http.MethodPatch, path: u.path, body: patchOf(fmt.Sprintf(`{"op":"add","path":"phoneNumbers","value":[{"value":"%d","type":"t%d"}]}`, i, i))})
			}
			for _, a := range t.together(requests...) {
				a.ok(http.StatusOK, http.StatusNoContent)
			}
			u.get().hasValues("phoneNumbers", want...)
		}},
		{"trap-40c", "members added at the same time are all in the group", "scimmy#79, scim-for-keycloak#90", nil, func(t *T) {
			u, g := t.users(8), t.group()
			t.need(patchFeature)
			var adds, removes []request
			for i, each := range u {
				adds = append(adds, request{method: http.MethodPatch, path: g.path, body: patchOf(`{"op":"add","path":"members","value":` + membersOf(each) + `}`)})
				if i%2 == 0 {
					removes = append(removes, request{method: http.MethodPatch, path: g.path, body: patchOf(`{"op":"remove","path":"members[value eq \"` + each.id + `\"]"}`)})
				}
			}
			for _, a := range t.together(adds...) {
				a.ok(http.StatusOK, http.StatusNoContent)
			}
			g.get().hasMembers(u...)
			for _, a := range t.together(removes...) {
				a.ok(http.StatusOK, http.StatusNoContent)
			}
			g.get().hasMembers(u[1], u[3], u[5], u[7])
		}},
		{"trap-41", "a version is not changed by reading", "RFC 7644 §3.14", needs(etagFeature), func(t *T) {
			u := t.user()
			for range 3 {
				u.get().has("meta/version", u.etag)
			}
		}},
		{"trap-42", "a PATCH with 1,000 members is answered", "group sizes that identity providers send; scim-for-keycloak#134", nil, func(t *T) {
			g := t.group()
			list := make([]string, 1000)
			for i := range list {
				list[i] = `{"value":"` + t.random() + `"}`
			}
			a := t.patch(g.path, `{"op":"add","path":"members","value":[`+strings.Join(list, ",")+`]}`)
			if a.status >= 400 {
				a.refused(http.StatusBadRequest) // There are no such members.
				return
			}
			a.ok(http.StatusOK, http.StatusNoContent)
		}},
		{"trap-43", "a burst of requests is served, or 429 with Retry-After", "Entra ID wants 25 requests a second", nil, func(t *T) {
			u := t.user()
			requests := make([]request, 50)
			for i := range requests {
				requests[i] = request{method: http.MethodGet, path: u.path}
			}
			for _, a := range t.together(requests...) {
				if a.status == http.StatusTooManyRequests {
					a.refused(http.StatusTooManyRequests).expect(a.header.Get("Retry-After") != "", "Retry-After")
					continue
				}
				a.ok(http.StatusOK)
			}
		}},
		{"trap-44a", "names may be long", "RFC 7643 §4.1.1", needs(filterFeature), func(t *T) {
			name := strings.Repeat("x", 300) + t.userName()
			u := t.user(`"userName":`+quoted(name), `"externalId":`+quoted(name))
			t.filter("/Users", `userName eq `+quoted(name)).lists(u)
			t.filter("/Users", `externalId eq `+quoted(name)).lists(u)
		}},
		{"trap-44b", "names may have any character", "RFC 7643 §4.1.1", needs(filterFeature), func(t *T) {
			for _, odd := range []string{`a/b?c=d&e#f`, `back\slash"quote`, `o'hara+tag%41`, `CORP\jensen`, `名前`, `a b`, `..`, `*`, `_-.`} {
				name := odd + "-" + t.random()
				u := t.user(`"userName":`+quoted(name), `"externalId":`+quoted(odd+name))
				t.filter("/Users", `userName eq `+quoted(name)).lists(u)
				u.get().has("userName", name).has("externalId", odd+name)
			}
		}},
		{"trap-45", "what is deleted is gone at once, in the middle of other writes too", "RFC 7644 §3.6", nil, func(t *T) {
			u := t.users(4)
			g := t.group(u...)
			var requests []request
			for _, each := range u {
				requests = append(requests, request{method: http.MethodDelete, path: each.path})
			}
			for _, a := range t.together(requests...) {
				a.ok(http.StatusNoContent)
			}
			for _, each := range u {
				t.get(each.path).refused(http.StatusNotFound)
			}
			g.get().unassigned("members")
		}},
		{"trap-46", "a password is not to be found by any way of reading", "RFC 7643 §7", nil, func(t *T) {
			secret := "S3cret-" + t.random()
			u := t.user(`"password":"` + secret + `"`)
			for _, a := range []*answer{u.get("attributes", "password"), u.get("attributes", urnUser+":password"), u.get("attributes", urnUser), t.filter("/Users", `userName eq `+quoted(u.name), "attributes", "PASSWORD")} {
				a.ok(http.StatusOK).expect(!strings.Contains(string(a.body), secret) && !strings.Contains(strings.ToLower(string(a.body)), `"password"`), "no password")
			}
		}},
	}
}
