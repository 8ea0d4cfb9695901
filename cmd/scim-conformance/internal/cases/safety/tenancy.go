package safety

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// tenancyCases are about tokens, and about what a tenant sees of another.
func tenancyCases() []suite.Case {
	return append([]suite.Case{
		{Name: "every bad token gets the same 401", Source: "RFC 7644 §2, §7.4; RFC 6750 §3", Run: func(t *suite.T) {
			none := t.On(suite.Target{URL: t.Target.URL, Token: ""})
			token := t.Target.Token
			missing := none.Get("/Users?count=1").Refused(http.StatusUnauthorized)
			// Only of a token that is there it may be said that it is bad.
			challenge := missing.Header.Get("WWW-Authenticate")
			missing.Expect(!strings.Contains(challenge, "error="), "no error of a token that is not there: %s", challenge)
			var invalid *suite.Answer
			for _, header := range []string{"Bearer x", "Bearer " + t.Random(), "Bearer " + token + "x", "Bearer " + token[:len(token)-1],
				"Bearer " + flipped(token), "Bearer " + strings.Repeat("a", 4000)} {
				a := none.Get("/Users?count=1", "Authorization", header).Refused(http.StatusUnauthorized)
				if invalid == nil {
					invalid = a
				}
				a.Expect(a.Anonymous() == missing.Anonymous(), "the same body as without a token: %s", missing.Body)
				a.Expect(a.Header.Get("WWW-Authenticate") == invalid.Header.Get("WWW-Authenticate"), "the same WWW-Authenticate as for the others")
			}
			for _, header := range []string{"Bearer", "Bearer ", "Bearer  ", "Basic dXNlcjpwYXNzd29yZA==", "Negotiate abc", token} {
				a := none.Get("/Users?count=1", "Authorization", header).Refused(http.StatusUnauthorized)
				a.Expect(a.Anonymous() == missing.Anonymous(), "the same body as without a token: %s", missing.Body)
				a.Expect(slices.Contains([]string{challenge, invalid.Header.Get("WWW-Authenticate")}, a.Header.Get("WWW-Authenticate")),
					"the same WWW-Authenticate as without a token, or with a bad one")
			}
		}},
		{Name: "a bad token learns nothing of what there is", Source: "RFC 7644 §7.4", Run: func(t *suite.T) {
			u := t.User()
			bad := t.On(suite.Target{URL: t.Target.URL, Token: "x" + t.Random()})
			var first *suite.Answer
			requests := []suite.Request{
				{Method: http.MethodGet, Path: u.Path}, {Method: http.MethodGet, Path: "/Users/" + t.Random()}, {Method: http.MethodDelete, Path: u.Path},
				{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(`{"op":"replace","path":"active","value":false}`)}, {Method: http.MethodPost, Path: "/Users", Body: t.UserBody()},
				{Method: http.MethodPut, Path: u.Path, Body: t.UserBody()}, {Method: http.MethodPost, Path: "/Users/.search", Body: `{`},
				{Method: http.MethodGet, Path: suite.Query("/Users", "filter", "nonsense")}, {Method: http.MethodGet, Path: "/Groups"},
			}
			if t.Suite.Supports(suite.BulkFeature) {
				requests = append(requests, suite.Request{Method: http.MethodPost, Path: "/Bulk", Body: `{`})
			}
			for _, r := range requests {
				a := bad.Do(r.Method, r.Path, r.Body).Refused(http.StatusUnauthorized)
				if first == nil {
					first = a
				}
				a.Expect(a.Anonymous() == first.Anonymous(), "the same body as for the others: %s", first.Body)
			}
			u.Get().Has("active", true)
		}},
		{Name: "a token is not echoed", Source: "RFC 6750 §5", Run: func(t *suite.T) {
			secret := "leak" + t.Random()
			a := t.On(suite.Target{URL: t.Target.URL, Token: secret}).Get("/Users")
			a.Refused(http.StatusUnauthorized).Expect(!strings.Contains(string(a.Body), secret), "no token in the body")
			for _, values := range a.Header {
				a.Expect(!strings.Contains(strings.Join(values, " "), secret), "no token in a header")
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
func theOther(t *suite.T) *suite.T { return t.On(t.Suite.Other) }

func tenantCases() []suite.Case {
	other := suite.Needs(suite.OtherTenant)
	return []suite.Case{
		{Name: "a token of another tenant is like any bad one", Source: "RFC 7644 §6", Needs: other, Run: func(t *suite.T) {
			foreign := t.On(suite.Target{URL: t.Target.URL, Token: t.Suite.Other.Token}).Get("/Users?count=1").Refused(http.StatusUnauthorized)
			bad := t.On(suite.Target{URL: t.Target.URL, Token: "x" + t.Random()}).Get("/Users?count=1").Refused(http.StatusUnauthorized)
			foreign.Expect(foreign.Anonymous() == bad.Anonymous(), "the same body as for any bad token: %s", bad.Body)
			t.On(suite.Target{URL: t.Suite.Other.URL, Token: t.Target.Token}).Get("/Users?count=1").Refused(http.StatusUnauthorized)
		}},
		{Name: "an id of another tenant is like an unknown one", Source: "RFC 7644 §6", Needs: other, Run: func(t *suite.T) {
			b := theOther(t)
			for _, r := range []*suite.Resource{b.User(), b.Group()} {
				endpoint := r.Path[:strings.LastIndex(r.Path, "/")]
				unknown := endpoint + "/" + alike(r.ID)
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete} {
					body := ""
					switch method {
					case http.MethodPut:
						body = suite.JSON(r.Doc)
					case http.MethodPatch:
						body = suite.PatchOf(`{"op":"replace","path":"displayName","value":"x"}`)
					}
					foreign := t.Do(method, r.Path, body).Refused(http.StatusNotFound)
					nobody := t.Do(method, unknown, body).Refused(http.StatusNotFound)
					same := strings.ReplaceAll(foreign.Anonymous(), r.ID, "") == strings.ReplaceAll(nobody.Anonymous(), alike(r.ID), "")
					foreign.Expect(same, "the same body as for an unknown id: %s", nobody.Body)
				}
				r.Get().SameBut(r.Doc)
			}
		}},
		{Name: "queries find nothing of another tenant", Source: "RFC 7644 §6", Needs: suite.Needs(suite.OtherTenant, suite.FilterFeature), Run: func(t *suite.T) {
			b := theOther(t)
			u := b.User(`"externalId":` + suite.Quoted("ext-"+t.Random()))
			g := b.Group(u)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists()
			t.Filter("/Users", `id eq "`+u.ID+`"`).Lists()
			t.Filter("/Users", `externalId eq `+suite.Quoted(u.Doc["externalId"].(string))).Lists()
			t.Filter("/Users", `emails.value eq `+suite.Quoted(u.Name)+` or title eq "none"`).Lists()
			t.Filter("/Groups", `displayName eq `+suite.Quoted(g.Name)).Lists()
			t.Filter("/Groups", `members.value eq "`+u.ID+`"`).Lists()
			t.Post("/Users/.search", suite.Search(`"filter":`+suite.Quoted(`userName eq `+suite.Quoted(u.Name)))).Lists()
		}},
		{Name: "one userName may be in two tenants, and one group name", Source: "RFC 7644 §6", Needs: other, Run: func(t *suite.T) {
			b := theOther(t)
			u := b.User()
			mine := t.User(`"userName":` + suite.Quoted(u.Name))
			g := b.Group()
			myGroup := t.Create("/Groups", suite.JSON(t.GroupDoc(`"displayName":`+suite.Quoted(g.Name))))
			mine.Get().Expect(mine.ID != u.ID && myGroup.ID != g.ID, "ids of its own")
			t.Delete(mine.Path).OK(http.StatusNoContent)
			u.Get().Has("userName", u.Name)
		}},
		{Name: "a user of another tenant as a member is like an unknown one", Source: "RFC 7644 §6", Needs: other, Run: func(t *suite.T) {
			u := theOther(t).User()
			g := t.Group()
			add := func(id string) *suite.Answer {
				return t.Patch(g.Path, `{"op":"add","path":"members","value":[{"value":"`+id+`"}]}`)
			}
			foreign := add(u.ID)
			with := g.Get()
			nobody := add(alike(u.ID))
			foreign.Expect(foreign.Status == nobody.Status, "status %d, as for an unknown id", nobody.Status)
			if foreign.Status == http.StatusBadRequest {
				foreign.Refused(http.StatusBadRequest)
			} else {
				foreign.OK(http.StatusOK, http.StatusNoContent)
			}
			if members := with.Values("members", "value"); len(members) > 0 {
				// A server may keep ids that it does not know; then it must not know this one either.
				g.Get().Expect(slices.Contains(g.Get().Values("members", "value"), alike(u.ID)), "that an unknown id is kept as well").Lacks("members/0/display")
			}
			u.Get().Unassigned("groups")
		}},
		{Name: "a manager of another tenant tells nothing of itself", Source: "RFC 7644 §6", Needs: other, Run: func(t *suite.T) {
			boss := theOther(t).User(`"displayName":"Secret Boss"`)
			a := t.Post("/Users", t.UserBody(`"`+suite.URNEnterprise+`":{"manager":{"value":"`+boss.ID+`"}}`))
			a.Expect(a.Status < 500 && !strings.Contains(string(a.Body), "Secret Boss"), "nothing of the other tenant in the answer").WellFormed()
		}},
		{Name: "a cursor of another tenant is invalidCursor", Source: "RFC 9865 §5.2", Needs: suite.Needs(suite.OtherTenant, suite.CursorFeature), Run: func(t *suite.T) {
			b := theOther(t)
			b.Users(2)
			next := b.Get("/Users?cursor&count=1")
			if next.At("nextCursor") == nil {
				return // The other tenant has no such pages.
			}
			foreign := t.Get(suite.Query("/Users", "cursor", next.Cursor(), "count", "1")).Refused(http.StatusBadRequest, "invalidCursor")
			bogus := t.Get(suite.Query("/Users", "cursor", "bogus", "count", "1")).Refused(http.StatusBadRequest, "invalidCursor")
			foreign.Expect(foreign.Anonymous() == bogus.Anonymous(), "the same error as for a cursor that nobody issued")
		}},
		{Name: "locations are below the tenant's own URL", Source: "RFC 7644 §6", Needs: other, Run: func(t *suite.T) {
			b := theOther(t)
			for _, r := range []*suite.Resource{t.User(), b.User()} {
				a := r.Get()
				a.Expect(strings.HasPrefix(a.Text("meta/location"), r.T.Target.URL+"/"), "a location below %s", r.T.Target.URL)
			}
		}},
		{Name: "a version of another tenant's user is no If-Match here", Source: "RFC 7644 §3.14, §6", Needs: suite.Needs(suite.OtherTenant, suite.ETagFeature), Run: func(t *suite.T) {
			u := theOther(t).User()
			t.Do(http.MethodDelete, u.Path, "", "If-Match", u.ETag).RefusedWith([]int{http.StatusNotFound, http.StatusPreconditionFailed})
			u.Get()
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
