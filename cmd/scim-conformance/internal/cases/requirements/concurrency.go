package requirements

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// concurrencyCases are what clients see who write at the same time, and who read what was
// just written.
func concurrencyCases() []suite.Case {
	return []suite.Case{
		{Name: "of many who create one userName at the same time, one succeeds", Source: "RFC 7643 §4.1.1; rancher/rancher's GenerateName", Run: func(t *suite.T) {
			name := t.UserName()
			var requests []suite.Request
			for range 8 {
				requests = append(requests, suite.Request{Method: http.MethodPost, Path: "/Users", Body: t.UserBody(`"userName":` + suite.Quoted(name))})
			}
			created := 0
			answers := suite.Together(t, requests...)
			for _, a := range answers {
				if a.Status == http.StatusCreated {
					created++
					continue
				}
				a.Refused(http.StatusConflict, "uniqueness")
			}
			answers[0].Expect(created == 1, "one 201, not %d", created)
			found := t.Filter("/Users", `userName eq `+suite.Quoted(name))
			found.Expect(len(found.List()) == 1, "one user of that name")
		}},
		{Name: "a rename frees the old name and takes the new at once", Source: "RFC 7643 §4.1.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			name := t.UserName()
			u.Patched(`{"op":"replace","path":"userName","value":`+suite.Quoted(name)+`}`).Has("userName", name)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists()
			t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists(u)
			t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted(name))).Refused(http.StatusConflict, "uniqueness")
			t.User(`"userName":` + suite.Quoted(u.Name))
		}},
		{Name: "two users who take one name at the same time do not both get it", Source: "RFC 7643 §4.1.1", Run: func(t *suite.T) {
			u, name := t.Users(4), t.UserName()
			t.Need(suite.PatchFeature)
			var requests []suite.Request
			for _, each := range u {
				requests = append(requests, suite.Request{Method: http.MethodPatch, Path: each.Path, Body: suite.PatchOf(`{"op":"replace","path":"userName","value":` + suite.Quoted(name) + `}`)})
			}
			taken := 0
			answers := suite.Together(t, requests...)
			for _, a := range answers {
				if a.Status < 300 {
					taken++
					continue
				}
				a.Refused(http.StatusConflict, "uniqueness")
			}
			answers[0].Expect(taken == 1, "one success, not %d", taken)
		}},
		{Name: "a read right after a write sees it", Source: "RFC 7644 §3.3", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			for i := range 5 {
				u := t.User()
				t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
				u.Get()
				title := fmt.Sprint("title ", i)
				u.Patched(`{"op":"replace","path":"title","value":"`+title+`"}`).Has("title", title)
				t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)+` and title eq "`+title+`"`).Lists(u)
				t.Delete(u.Path).OK(http.StatusNoContent)
				t.Get(u.Path).Refused(http.StatusNotFound)
				t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists()
			}
		}},
		{Name: "writers of one user at the same time all succeed and lose nothing", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u := t.User()
			t.Need(suite.PatchFeature)
			var requests []suite.Request
			var want []string
			for i := range 8 {
				want = append(want, fmt.Sprint(i))
				requests = append(requests, suite.Request{Method: http.MethodPatch, Path: u.Path, Body: suite.PatchOf(fmt.Sprintf(`{"op":"add","path":"phoneNumbers","value":[{"value":"%d","type":"t%d"}]}`, i, i))})
			}
			for _, a := range suite.Together(t, requests...) {
				a.OK(http.StatusOK, http.StatusNoContent)
			}
			u.Get().HasValues("phoneNumbers", want...)
		}},
		{Name: "members added at the same time are all in the group", Source: "scimmy#79, scim-for-keycloak#90", Run: func(t *suite.T) {
			u, g := t.Users(8), t.Group()
			t.Need(suite.PatchFeature)
			var adds, removes []suite.Request
			for i, each := range u {
				adds = append(adds, suite.Request{Method: http.MethodPatch, Path: g.Path, Body: suite.PatchOf(`{"op":"add","path":"members","value":` + suite.MembersOf(each) + `}`)})
				if i%2 == 0 {
					removes = append(removes, suite.Request{Method: http.MethodPatch, Path: g.Path, Body: suite.PatchOf(`{"op":"remove","path":"members[value eq \"` + each.ID + `\"]"}`)})
				}
			}
			for _, a := range suite.Together(t, adds...) {
				a.OK(http.StatusOK, http.StatusNoContent)
			}
			g.Get().HasMembers(u...)
			for _, a := range suite.Together(t, removes...) {
				a.OK(http.StatusOK, http.StatusNoContent)
			}
			g.Get().HasMembers(u[1], u[3], u[5], u[7])
		}},
		{Name: "a version is not changed by reading", Source: "RFC 7644 §3.14", Needs: suite.Needs(suite.ETagFeature), Run: func(t *suite.T) {
			u := t.User()
			for range 3 {
				u.Get().Has("meta/version", u.ETag)
			}
		}},
		{Name: "a PATCH with 1,000 members is answered", Source: "group sizes that identity providers send; scim-for-keycloak#134", Run: func(t *suite.T) {
			g := t.Group()
			list := make([]string, 1000)
			for i := range list {
				list[i] = `{"value":"` + t.Random() + `"}`
			}
			a := t.Patch(g.Path, `{"op":"add","path":"members","value":[`+strings.Join(list, ",")+`]}`)
			if a.Status >= 400 {
				a.Refused(http.StatusBadRequest) // There are no such members.
				return
			}
			a.OK(http.StatusOK, http.StatusNoContent)
		}},
		{Name: "a burst of requests is served, or 429 with Retry-After", Source: "Entra ID wants 25 requests a second", Run: func(t *suite.T) {
			u := t.User()
			requests := make([]suite.Request, 50)
			for i := range requests {
				requests[i] = suite.Request{Method: http.MethodGet, Path: u.Path}
			}
			for _, a := range suite.Together(t, requests...) {
				if a.Status == http.StatusTooManyRequests {
					a.Refused(http.StatusTooManyRequests).Expect(a.Header.Get("Retry-After") != "", "Retry-After")
					continue
				}
				a.OK(http.StatusOK)
			}
		}},
		{Name: "names may be long", Source: "RFC 7643 §4.1.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			name := strings.Repeat("x", 300) + t.UserName()
			u := t.User(`"userName":`+suite.Quoted(name), `"externalId":`+suite.Quoted(name))
			t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists(u)
			t.Filter("/Users", `externalId eq `+suite.Quoted(name)).Lists(u)
		}},
		{Name: "names may have any character", Source: "RFC 7643 §4.1.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			for _, odd := range []string{`a/b?c=d&e#f`, `back\slash"quote`, `o'hara+tag%41`, `CORP\jensen`, `名前`, `a b`, `..`, `*`, `_-.`} {
				name := odd + "-" + t.Random()
				u := t.User(`"userName":`+suite.Quoted(name), `"externalId":`+suite.Quoted(odd+name))
				t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists(u)
				u.Get().Has("userName", name).Has("externalId", odd+name)
			}
		}},
		{Name: "what is deleted is gone at once, in the middle of other writes too", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			u := t.Users(4)
			g := t.Group(u...)
			var requests []suite.Request
			for _, each := range u {
				requests = append(requests, suite.Request{Method: http.MethodDelete, Path: each.Path})
			}
			for _, a := range suite.Together(t, requests...) {
				a.OK(http.StatusNoContent)
			}
			for _, each := range u {
				t.Get(each.Path).Refused(http.StatusNotFound)
			}
			g.Get().Unassigned("members")
		}},
		{Name: "a password is not to be found by any way of reading", Source: "RFC 7643 §7", Run: func(t *suite.T) {
			secret := "S3cret-" + t.Random()
			u := t.User(`"password":"` + secret + `"`)
			for _, a := range []*suite.Answer{u.Get("attributes", "password"), u.Get("attributes", suite.URNUser+":password"), u.Get("attributes", suite.URNUser), t.Filter("/Users", `userName eq `+suite.Quoted(u.Name), "attributes", "PASSWORD")} {
				a.OK(http.StatusOK).Expect(!strings.Contains(string(a.Body), secret) && !strings.Contains(strings.ToLower(string(a.Body)), `"password"`), "no password")
			}
		}},
	}
}
