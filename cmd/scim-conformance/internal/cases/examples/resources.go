package examples

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// rfcUser is the body of the example in RFC 7644 section 3.3; the userName must be
// one that nobody has.
func rfcUser(userName string) string {
	return `{
     "schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
     "userName":` + suite.Quoted(userName) + `,
     "externalId":"bjensen",
     "name":{
       "formatted":"Ms. Barbara J Jensen III",
       "familyName":"Jensen",
       "givenName":"Barbara"
     }
   }`
}

// rfcCreate is section 3.3.
func rfcCreate() []suite.Case {
	return []suite.Case{
		{Name: "the example of creating a user", Source: "RFC 7644 §3.3", Run: func(t *suite.T) {
			name := t.UserName()
			a := t.Post("/Users", rfcUser(name)).OK(http.StatusCreated)
			a.Has("userName", name).Has("externalId", "bjensen").Has("name/formatted", "Ms. Barbara J Jensen III").
				Has("name/familyName", "Jensen").Has("name/givenName", "Barbara").Has("meta/resourceType", "User").Has("schemas", []any{suite.URNUser})
			a.Has("meta/location", a.Header.Get("Location"))
		}},
		{Name: "the example sent twice is 409 uniqueness", Source: "RFC 7644 §3.3", Run: func(t *suite.T) {
			name := t.UserName()
			t.Post("/Users", rfcUser(name)).OK(http.StatusCreated)
			t.Post("/Users", rfcUser(name)).Refused(http.StatusConflict, "uniqueness")
		}},
		{Name: "the full user of RFC 7643 comes back as it was sent", Source: "RFC 7643 §8.2", Run: func(t *suite.T) {
			sent := suite.FullUser(t.UserName())
			a := t.Create("/Users", suite.JSON(sent)).Get()
			sent["password"] = nil
			for name, want := range sent {
				if want != nil && name != "photos" {
					a.Has(name, want)
				}
			}
		}},
		{Name: "the enterprise user of RFC 7643 comes back as it was sent", Source: "RFC 7643 §8.3", Run: func(t *suite.T) {
			manager := t.User()
			sent := suite.FullUser(t.UserName())
			sent["schemas"] = []any{suite.URNUser, suite.URNEnterprise}
			sent[suite.URNEnterprise] = suite.Parse(`{"employeeNumber":"701984","costCenter":"4130","organization":"Universal Studios","division":"Theme Park","department":"Tour Operations","manager":{"value":"` + manager.ID + `"}}`)
			a := t.Create("/Users", suite.JSON(sent)).Get()
			for _, name := range []string{"employeeNumber", "costCenter", "organization", "division", "department", "manager/value"} {
				a.Has(suite.URNEnterprise+"/"+name, suite.At(sent, suite.URNEnterprise+"/"+name))
			}
		}},
		{Name: "the group of RFC 7643, with members", Source: "RFC 7643 §8.4", Run: func(t *suite.T) {
			u := t.Users(2)
			a := t.Post("/Groups", `{"schemas":["`+suite.URNGroup+`"],"displayName":"Tour Guides `+t.Random()+`","members":[
				{"value":"`+u[0].ID+`","$ref":"`+t.Target.URL+u[0].Path+`","display":"Babs Jensen"},{"value":"`+u[1].ID+`","$ref":"`+t.Target.URL+u[1].Path+`","display":"Mandy Pepperidge"}]}`)
			a.OK(http.StatusCreated).HasMembers(u...).Has("meta/resourceType", "Group")
		}},
	}
}

// rfcRetrieve is section 3.4.1.
func rfcRetrieve() []suite.Case {
	return []suite.Case{
		{Name: "the example of reading a user", Source: "RFC 7644 §3.4.1", Run: func(t *suite.T) {
			name := t.UserName()
			u := t.Create("/Users", rfcUser(name))
			a := u.Get().Has("schemas", []any{suite.URNUser}).Has("id", u.ID).Has("meta/resourceType", "User").Has("userName", name).
				Has("externalId", "bjensen").Has("name/formatted", "Ms. Barbara J Jensen III").Has("meta/location", t.Target.URL+u.Path)
			if t.Suite.Supports(suite.ETagFeature) {
				a.Has("meta/version", a.Header.Get("ETag"))
			}
		}},
		{Name: "HEAD is GET without a body, where it is answered", Source: "RFC 9110 §9.3.2", Run: func(t *suite.T) {
			u := t.User()
			a := t.Do(http.MethodHead, u.Path, "")
			a.Expect((a.Status == http.StatusOK || a.Status == http.StatusMethodNotAllowed || a.Status == http.StatusNotImplemented) && len(a.Body) == 0, "status 200, 405 or 501, and no body")
		}},
		{Name: "the example of asking for one attribute", Source: "RFC 7644 §3.9", Run: func(t *suite.T) {
			u := t.User()
			a := u.Get("attributes", "userName")
			for name := range a.Doc {
				a.Expect(slices.Contains([]string{"schemas", "id", "userName", "meta"}, name), "nothing but id and userName, and perhaps schemas and meta: not %q", name)
			}
			a.Has("id", u.ID).Has("userName", u.Name)
		}},
	}
}

// rfcReplace is section 3.5.1.
func rfcReplace() []suite.Case {
	return []suite.Case{
		{Name: "the example of replacing a user", Source: "RFC 7644 §3.5.1", Run: func(t *suite.T) {
			name := t.UserName()
			u := t.Create("/Users", rfcUser(name))
			a := t.Put(u.Path, `{
     "schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
     "id":"`+u.ID+`",
     "userName":`+suite.Quoted(name)+`,
     "externalId":"bjensen",
     "name":{
       "formatted":"Ms. Barbara J Jensen III",
       "familyName":"Jensen",
       "givenName":"Barbara",
       "middleName":"Jane"
     },
     "roles":[],
     "emails":[
       {
           "value":"bjensen@example.com"
       },
       {
           "value":"babs@jensen.example.org"
       }
     ]
   }`).OK(http.StatusOK)
			a.Has("id", u.ID).Has("name/middleName", "Jane").HasValues("emails", "bjensen@example.com", "babs@jensen.example.org").Unassigned("roles")
			u.Get().SameBut(a.Doc)
		}},
		{Name: "the example of deleting a user", Source: "RFC 7644 §3.6", Run: func(t *suite.T) {
			u := t.User()
			t.Delete(u.Path).OK(http.StatusNoContent)
			t.Get(u.Path).Refused(http.StatusNotFound)
		}},
		{Name: "the example of deleting a user with If-Match", Source: "RFC 7644 §3.6", Needs: suite.Needs(suite.ETagFeature), Run: func(t *suite.T) {
			u := t.User()
			t.Delete(u.Path, "If-Match", `W/"c310cd84f0281b7"`).Refused(http.StatusPreconditionFailed)
			t.Delete(u.Path, "If-Match", u.ETag).OK(http.StatusNoContent)
		}},
	}
}

// rfcErrors are sections 3.10 to 3.12.
func rfcErrors() []suite.Case {
	return []suite.Case{
		{Name: "/Me", Source: "RFC 7644 §3.11", Run: func(t *suite.T) {
			for _, r := range []suite.Request{{Method: http.MethodGet, Path: "/Me"}, {Method: http.MethodPatch, Path: "/Me", Body: suite.PatchOf()}, {Method: http.MethodDelete, Path: "/Me"}} {
				if r.Method != http.MethodGet && t.Get("/Me").Status == http.StatusOK {
					return // The token is somebody's: to change them is not ours.
				}
				a := t.Do(r.Method, r.Path, r.Body)
				a.Expect(suite.Declined(a.Status) || a.Status == http.StatusOK || a.Status == http.StatusPermanentRedirect, "the user, a redirect, or 501").WellFormed()
			}
		}},
		{Name: "the example of an error: 404", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			a := t.Get("/Users/2819c223-7f76-453a-919d-" + t.Suite.Mark + "0000").Refused(http.StatusNotFound)
			a.Has("schemas", []any{suite.URNError}).Has("status", "404").Text("detail")
		}},
		{Name: "the example of an error: 400 mutability", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			t.Patch(t.User().Path, `{"op":"replace","path":"id","value":"x"}`).Refused(http.StatusBadRequest, "mutability").Has("status", "400")
		}},
	}
}

// rfcVersions is section 3.14.
func rfcVersions() []suite.Case {
	etag := suite.Needs(suite.ETagFeature)
	return []suite.Case{
		{Name: "the example: the version in ETag and meta", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			a := t.Post("/Users", rfcUser(t.UserName())).OK(http.StatusCreated)
			a.Has("meta/version", a.Header.Get("ETag"))
			a.Expect(strings.HasPrefix(a.Header.Get("ETag"), `W/"`) || strings.HasPrefix(a.Header.Get("ETag"), `"`), "an ETag as RFC 9110 §8.8.3 has it")
		}},
		{Name: "the example: reading what has not changed", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			t.Get(suite.Query(u.Path, "attributes", "displayName"), "If-None-Match", u.ETag).OK(http.StatusNotModified)
		}},
		{Name: "the example: a change on the condition of the version", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			body := t.UserBody(`"userName":`+suite.Quoted(u.Name), `"title":"x"`)
			t.Put(u.Path, body, "If-Match", u.ETag).OK(http.StatusOK)
			t.Put(u.Path, body, "If-Match", u.ETag).Refused(http.StatusPreconditionFailed)
		}},
	}
}
