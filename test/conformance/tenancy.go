package main

import (
	"net/http"
	"slices"
	"strings"
)

// tenancyCases are about tokens, and about what a tenant sees of another.
func tenancyCases() []testCase {
	return append([]testCase{
		{"tenancy-01", "every bad token gets the same 401", "RFC 7644 §2, §7.4", nil, func(t *T) {
			none := t.on(target{t.target.url, ""})
			token := t.target.token
			var first *answer
			for _, header := range []string{"", "Bearer", "Bearer ", "Bearer x", "Bearer " + t.random(), "Bearer " + token + "x", "Bearer " + token[:len(token)-1],
				"Bearer " + flipped(token), "Basic dXNlcjpwYXNzd29yZA==", "Bearer  ", "Negotiate abc", "Bearer " + strings.Repeat("a", 4000), token} {
				a := none.get("/Users?count=1", "Authorization", header).refused(http.StatusUnauthorized)
				if first == nil {
					first = a
				}
				a.expect(a.anonymous() == first.anonymous(), "the same body as without a token: %s", first.body)
				a.expect(a.header.Get("WWW-Authenticate") == first.header.Get("WWW-Authenticate"), "the same WWW-Authenticate as without a token")
			}
		}},
		{"tenancy-02", "a bad token learns nothing of what there is", "RFC 7644 §7.4", nil, func(t *T) {
			u := t.user()
			bad := t.on(target{t.target.url, "x" + t.random()})
			var first *answer
			requests := []request{
				{method: http.MethodGet, path: u.path}, {method: http.MethodGet, path: "/Users/" + t.random()}, {method: http.MethodDelete, path: u.path},
				{method: http.MethodPatch, path: u.path, body: patchOf(`{"op":"replace","path":"active","value":false}`)}, {method: http.MethodPost, path: "/Users", body: t.userBody()},
				{method: http.MethodPut, path: u.path, body: t.userBody()}, {method: http.MethodPost, path: "/Users/.search", body: `{`},
				{method: http.MethodGet, path: query("/Users", "filter", "nonsense")}, {method: http.MethodGet, path: "/Groups"},
			}
			if t.suite.supports(bulkFeature) {
				requests = append(requests, request{method: http.MethodPost, path: "/Bulk", body: `{`})
			}
			for _, r := range requests {
				a := bad.do(r.method, r.path, r.body).refused(http.StatusUnauthorized)
				if first == nil {
					first = a
				}
				a.expect(a.anonymous() == first.anonymous(), "the same body as for the others: %s", first.body)
			}
			u.get().has("active", true)
		}},
		{"tenancy-03", "a token is not echoed", "RFC 6750 §5", nil, func(t *T) {
			secret := "leak" + t.random()
			a := t.on(target{t.target.url, secret}).get("/Users")
			a.refused(http.StatusUnauthorized).expect(!strings.Contains(string(a.body), secret), "no token in the body")
			for _, values := range a.header {
				a.expect(!strings.Contains(strings.Join(values, " "), secret), "no token in a header")
			}
		}},
	}, tenantCases()...)
}

// flipped is a token with one letter changed.
func flipped(token string) string {
	b := []byte(token)
	if i := len(b) / 2; b[i] == 'a' {
		b[i] = 'b'
	} else {
		b[i] = 'a'
	}
	return string(b)
}

// theOther is the case in the other tenant.
func (t *T) theOther() *T { return t.on(t.suite.other) }

func tenantCases() []testCase {
	other := needs(otherTenant)
	return []testCase{
		{"tenancy-04", "a token of another tenant is like any bad one", "RFC 7644 §6", other, func(t *T) {
			foreign := t.on(target{t.target.url, t.suite.other.token}).get("/Users?count=1").refused(http.StatusUnauthorized)
			bad := t.on(target{t.target.url, "x" + t.random()}).get("/Users?count=1").refused(http.StatusUnauthorized)
			foreign.expect(foreign.anonymous() == bad.anonymous(), "the same body as for any bad token: %s", bad.body)
			t.on(target{t.suite.other.url, t.target.token}).get("/Users?count=1").refused(http.StatusUnauthorized)
		}},
		{"tenancy-05", "an id of another tenant is like an unknown one", "RFC 7644 §6", other, func(t *T) {
			b := t.theOther()
			for _, r := range []*resource{b.user(), b.group()} {
				endpoint := r.path[:strings.LastIndex(r.path, "/")]
				unknown := endpoint + "/" + alike(r.id)
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
					body := ""
					switch method {
					case http.MethodPut:
						body = jsonOf(r.doc)
					case http.MethodPatch:
						body = patchOf(`{"op":"replace","path":"displayName","value":"x"}`)
					}
					foreign := t.do(method, r.path, body).refused(http.StatusNotFound)
					nobody := t.do(method, unknown, body).refused(http.StatusNotFound)
					same := strings.ReplaceAll(foreign.anonymous(), r.id, "") == strings.ReplaceAll(nobody.anonymous(), alike(r.id), "")
					foreign.expect(same, "the same body as for an unknown id: %s", nobody.body)
				}
				r.get().sameBut(r.doc)
			}
		}},
		{"tenancy-06", "queries find nothing of another tenant", "RFC 7644 §6", needs(otherTenant, filterFeature), func(t *T) {
			b := t.theOther()
			u := b.user(`"externalId":` + quoted("ext-"+t.random()))
			g := b.group(u)
			t.filter("/Users", `userName eq `+quoted(u.name)).lists()
			t.filter("/Users", `id eq "`+u.id+`"`).lists()
			t.filter("/Users", `externalId eq `+quoted(u.doc["externalId"].(string))).lists()
			t.filter("/Users", `emails.value eq `+quoted(u.name)+` or title eq "none"`).lists()
			t.filter("/Groups", `displayName eq `+quoted(g.name)).lists()
			t.filter("/Groups", `members.value eq "`+u.id+`"`).lists()
			t.post("/Users/.search", search(`"filter":`+quoted(`userName eq `+quoted(u.name)))).lists()
		}},
		{"tenancy-07", "one userName may be in two tenants, and one group name", "RFC 7644 §6", other, func(t *T) {
			b := t.theOther()
			u := b.user()
			mine := t.user(`"userName":` + quoted(u.name))
			g := b.group()
			myGroup := t.create("/Groups", jsonOf(t.groupDoc(`"displayName":`+quoted(g.name))))
			mine.get().expect(mine.id != u.id && myGroup.id != g.id, "ids of its own")
			t.delete(mine.path).ok(http.StatusNoContent)
			u.get().has("userName", u.name)
		}},
		{"tenancy-08", "a user of another tenant as a member is like an unknown one", "RFC 7644 §6", other, func(t *T) {
			u := t.theOther().user()
			g := t.group()
			add := func(id string) *answer {
				return t.patch(g.path, `{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`)
			}
			foreign := add(u.id)
			with := g.get()
			nobody := add(alike(u.id))
			foreign.expect(foreign.status == nobody.status, "status %d, as for an unknown id", nobody.status)
			if foreign.status == http.StatusBadRequest {
				foreign.refused(http.StatusBadRequest)
			} else {
				foreign.ok(http.StatusOK, http.StatusNoContent)
			}
			if members := with.values("members", "value"); len(members) > 0 {
				// A server may keep ids that it does not know; then it must not know this one either.
				g.get().expect(slices.Contains(g.get().values("members", "value"), alike(u.id)), "that an unknown id is kept as well").lacks("members/0/display")
			}
			u.get().unassigned("groups")
		}},
		{"tenancy-09", "a manager of another tenant tells nothing of itself", "RFC 7644 §6", other, func(t *T) {
			boss := t.theOther().user(`"displayName":"Secret Boss"`)
			a := t.post("/Users", t.userBody(`"`+urnEnterprise+`":{"manager":{"value":"`+boss.id+`"}}`))
			a.expect(a.status < 500 && !strings.Contains(string(a.body), "Secret Boss"), "nothing of the other tenant in the answer").wellFormed()
		}},
		{"tenancy-10", "a cursor of another tenant is invalidCursor", "RFC 9865 §5.2", needs(otherTenant, cursorFeature), func(t *T) {
			b := t.theOther()
			b.users(2)
			next := b.get("/Users?cursor&count=1")
			if next.at("nextCursor") == nil {
				return // The other tenant has no such pages.
			}
			foreign := t.get(query("/Users", "cursor", next.cursor(), "count", "1")).refused(http.StatusBadRequest, "invalidCursor")
			bogus := t.get(query("/Users", "cursor", "bogus", "count", "1")).refused(http.StatusBadRequest, "invalidCursor")
			foreign.expect(foreign.anonymous() == bogus.anonymous(), "the same error as for a cursor that nobody issued")
		}},
		{"tenancy-11", "locations are below the tenant's own URL", "RFC 7644 §6", other, func(t *T) {
			b := t.theOther()
			for _, r := range []*resource{t.user(), b.user()} {
				a := r.get()
				a.expect(strings.HasPrefix(a.text("meta/location"), r.t.target.url+"/"), "a location below %s", r.t.target.url)
			}
		}},
		{"tenancy-12", "a version of another tenant's user is no If-Match here", "RFC 7644 §3.14, §6", needs(otherTenant, etagFeature), func(t *T) {
			u := t.theOther().user()
			t.do(http.MethodDelete, u.path, "", "If-Match", u.etag).refusedWith([]int{http.StatusNotFound, http.StatusPreconditionFailed})
			u.get()
		}},
	}
}

// alike is an id of the same form that nobody has.
func alike(id string) string {
	b := []byte(id)
	for i, c := range b {
		switch {
		case c >= '0' && c <= '8' || c >= 'a' && c <= 'e' || c >= 'A' && c <= 'E':
			b[i] = c + 1
		case c == '9':
			b[i] = '0'
		}
	}
	return string(b)
}
