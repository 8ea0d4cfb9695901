package requirements

import (
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// identityCases is id, externalId and meta.
func identityCases() []suite.Case {
	return []suite.Case{
		{Name: "the server issues the id, whatever the client sends", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			mine := "mine-" + t.Random()
			u := t.User(`"id":"` + mine + `"`)
			u.Get().Expect(u.ID != mine && u.ID != "bulkId" && !strings.HasPrefix(u.ID, "bulkId:"), "an id of the server's own")
			t.Get("/Users/" + mine).Refused(http.StatusNotFound)
		}},
		{Name: "an id is not used again", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u := t.User()
			t.Delete(u.Path).OK(http.StatusNoContent)
			other := t.User()
			other.Get().Expect(other.ID != u.ID, "another id than that of the deleted user")
			t.Get(u.Path).Refused(http.StatusNotFound)
		}},
		{Name: "an id is unique over all resource types", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			t.Get("/Groups/" + u.ID).Refused(http.StatusNotFound)
			t.Get("/Users/" + g.ID).Refused(http.StatusNotFound)
		}},
		{Name: "an id does not change", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u := t.User()
			name := t.UserName()
			u.Replaced(t.UserDoc(`"userName":`+suite.Quoted(name), `"id":"other"`)).Has("id", u.ID).Has("userName", name)
		}},
		{Name: "externalId is compared case exactly", Source: "RFC 7643 §3.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			word := "Ext-" + t.Random() + "-AbC"
			u := t.User(`"externalId":` + suite.Quoted(word))
			t.Filter("/Users", `externalId eq `+suite.Quoted(word)).Lists(u)
			t.Filter("/Users", `externalId eq `+suite.Quoted(strings.ToLower(word))).Lists()
		}},
		{Name: "two users may have one externalId", Source: "RFC 7643 §3.1", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			word := suite.Quoted("ext-" + t.Random())
			u, other := t.User(`"externalId":`+word), t.User(`"externalId":`+word)
			t.Filter("/Users", `externalId eq `+word).Lists(u, other)
		}},
		{Name: "the client's meta is ignored", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u := t.User(`"meta":{"resourceType":"Group","created":"1999-01-01T00:00:00Z","lastModified":"1999-01-01T00:00:00Z","version":"W/\"mine\"","location":"https://example.com/mine"}`)
			a := u.Get().Has("meta/resourceType", "User")
			for _, name := range []string{"created", "lastModified", "version", "location"} {
				text, _ := a.At("meta/" + name).(string)
				a.Expect(!strings.Contains(text, "1999-") && !strings.Contains(text, "mine"), "meta.%s of the server's own", name)
			}
		}},
		{Name: "created and lastModified are the same at first", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u := t.User()
			a := u.Get()
			a.Has("meta/lastModified", a.Text("meta/created"))
		}},
		{Name: "lastModified follows a change and created does not", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u := t.User()
			before := u.Get()
			time.Sleep(1100 * time.Millisecond) // Some servers keep whole seconds.
			after := u.Patched(`{"op":"replace","path":"title","value":"Guide"}`).Has("meta/created", before.Text("meta/created"))
			was, wasErr := time.Parse(time.RFC3339Nano, before.Text("meta/lastModified"))
			is, isErr := time.Parse(time.RFC3339Nano, after.Text("meta/lastModified"))
			after.Expect(wasErr == nil && isErr == nil && is.After(was), "meta.lastModified later than %s", before.Text("meta/lastModified"))
		}},
		{Name: "meta.version is the ETag", Source: "RFC 7643 §3.1, RFC 7644 §3.14", Needs: suite.Needs(suite.ETagFeature), Run: func(t *suite.T) {
			u := t.User()
			u.Get().Expect(u.ETag != "" && suite.SameJSON(u.Doc["meta"].(suite.Document)["version"], u.ETag), "an ETag, and the same meta.version, with the POST")
			a := u.Get()
			a.Has("meta/version", a.Header.Get("ETag"))
		}},
		{Name: "meta.location is the URL of the resource, and the Content-Location if there is one", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			u := t.User()
			a := u.Get()
			a.Has("meta/location", t.Target.URL+u.Path)
			if location := a.Header.Get("Content-Location"); location != "" {
				a.Has("meta/location", location)
			}
			t.Group().Get().Has("meta/resourceType", "Group")
		}},
	}
}

// userCases are userName, password and groups of a user.
func userCases() []suite.Case {
	return append([]suite.Case{
		{Name: "userName is unique without regard to case", Source: "RFC 7643 §4.1.1", Run: func(t *suite.T) {
			u := t.User()
			t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted(strings.ToUpper(u.Name)))).Refused(http.StatusConflict, "uniqueness")
		}},
		{Name: "userName is unique without regard to case beyond ASCII", Source: "RFC 7644 §5", Run: func(t *suite.T) {
			mark := t.Random()
			t.User(`"userName":` + suite.Quoted("jürgen-"+mark+"@example.com"))
			t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted("JÜRGEN-"+mark+"@example.com"))).Refused(http.StatusConflict, "uniqueness")
		}},
		{Name: "userName is unique in composed and decomposed form", Source: "RFC 7644 §5", Run: func(t *suite.T) {
			mark := t.Random()
			t.User(`"userName":` + suite.Quoted("j\u00fcrgen-"+mark+"@example.com"))
			t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted("ju\u0308rgen-"+mark+"@example.com"))).
				RefusedWith([]int{http.StatusConflict, http.StatusBadRequest})
		}},
		{Name: "a filter finds a userName beyond ASCII in another case", Source: "RFC 7644 §5, §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			mark := t.Random()
			u := t.User(`"userName":` + suite.Quoted("jürgen-"+mark+"@example.com"))
			t.Filter("/Users", `userName eq `+suite.Quoted("JÜRGEN-"+mark+"@example.com")).Lists(u)
		}},
		{Name: "a taken userName cannot be had by PUT or PATCH", Source: "RFC 7643 §4.1.1, RFC 7644 §3.3", Run: func(t *suite.T) {
			u, other := t.User(), t.User()
			t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(strings.ToUpper(other.Name)))).Refused(http.StatusConflict, "uniqueness")
			t.Patch(u.Path, `{"op":"replace","path":"userName","value":`+suite.Quoted(other.Name)+`}`).Refused(http.StatusConflict, "uniqueness")
			u.Get().Has("userName", u.Name)
		}},
		{Name: "a user's own userName may change in case", Source: "RFC 7643 §4.1.1", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"replace","path":"userName","value":`+suite.Quoted(strings.ToUpper(u.Name))+`}`).Has("userName", strings.ToUpper(u.Name))
		}},
		{Name: "userName is required and not empty", Source: "RFC 7643 §4.1.1", Run: func(t *suite.T) {
			doc := t.UserDoc()
			delete(doc, "userName")
			t.Post("/Users", suite.JSON(doc)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.Post("/Users", t.UserBody(`"userName":""`)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			u := t.User()
			t.Put(u.Path, suite.JSON(doc)).Refused(http.StatusBadRequest, "invalidValue", "invalidSyntax")
			t.Patch(u.Path, `{"op":"remove","path":"userName"}`).Refused(http.StatusBadRequest, "mutability", "invalidValue")
		}},
		{Name: "a password is never returned", Source: "RFC 7643 §4.1.1, §7", Run: func(t *suite.T) {
			secret := "S3cret-" + t.Random()
			password := `"password":"` + secret + `"`
			created := t.Post("/Users", t.UserBody(password)).OK(http.StatusCreated)
			u := created.Resource("/Users")
			for _, a := range []*suite.Answer{
				created, u.Get(), u.Get("attributes", "password,userName"), u.Get("excludedAttributes", "title"),
				t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name), password)).OK(http.StatusOK),
				t.Get(suite.Query("/Users", "startIndex", "1", "count", "5", "attributes", "password")).OK(http.StatusOK),
			} {
				a.Expect(!strings.Contains(string(a.Body), secret), "no password anywhere in the body")
				a.Lacks("password", "Resources/0/password")
			}
			a := t.Patch(u.Path, `{"op":"replace","path":"password","value":"`+secret+`2"}`, `{"op":"add","value":{`+password+`}}`)
			a.Expect(a.Status < 500 && !strings.Contains(string(a.Body), secret), "no password in the body")
		}},
		{Name: "a password is not in an error", Source: "RFC 7643 §7, RFC 7644 §7.5", Run: func(t *suite.T) {
			secret := "S3cret-" + t.Random()
			for _, body := range []string{t.UserBody(`"password":"`+secret+`"`, `"active":"nonsense"`), t.UserBody(`"password":{"value":"` + secret + `"}`), `{"password":"` + secret} {
				a := t.Post("/Users", body)
				a.Refused(http.StatusBadRequest).Expect(!strings.Contains(string(a.Body), secret), "no password in the error")
			}
		}},
		{Name: "a filter cannot find out a password", Source: "RFC 7644 §7.5.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			secret := "S3cret-" + t.Random()
			u := t.User(`"password":"` + secret + `"`)
			for _, filter := range []string{`password eq "` + secret + `"`, `userName eq ` + suite.Quoted(u.Name) + ` and password sw "S3"`, `not (password eq "x") and userName eq ` + suite.Quoted(u.Name), `password pr`} {
				t.Filter("/Users", filter).RefusedWith([]int{http.StatusForbidden, http.StatusBadRequest}, "sensitive", "invalidFilter", "")
			}
		}},
		{Name: "users cannot be sorted by password", Source: "RFC 7644 §7.5.2", Needs: suite.Needs(suite.SortFeature), Run: func(t *suite.T) {
			a := t.Get(suite.Query("/Users", "sortBy", "password", "count", "1"))
			if a.Status == http.StatusOK {
				a.List() // A server may ignore what it cannot sort by.
				return
			}
			a.RefusedWith([]int{http.StatusForbidden, http.StatusBadRequest})
		}},
	}, userGroupCases()...)
}

func userGroupCases() []suite.Case {
	return []suite.Case{
		{Name: "a user's groups follow from the groups' members", Source: "RFC 7643 §4.1.2", Run: func(t *suite.T) {
			u := t.User()
			u.Get().Unassigned("groups")
			g := t.Group(u)
			a := u.Get().HasValues("groups", g.ID)
			if kind := a.At("groups/0/type"); kind != nil {
				a.Has("groups/0/type", "direct")
			}
			if ref := a.At("groups/0/$ref"); ref != nil {
				a.Has("groups/0/$ref", t.Target.URL+g.Path)
			}
			g.Patched(`{"op":"remove","path":"members[value eq \"` + u.ID + `\"]"}`).Unassigned("members")
			u.Get().Unassigned("groups")
			g.Patched(`{"op":"add","path":"members","value":` + suite.MembersOf(u) + `}`)
			t.Delete(g.Path).OK(http.StatusNoContent)
			u.Get().Unassigned("groups")
		}},
		{Name: "groups in a POST or PUT of a user are ignored", Source: "RFC 7643 §4.1.2, RFC 7644 §3.3", Run: func(t *suite.T) {
			g := t.Group()
			groups := `"groups":[{"value":"` + g.ID + `"}]`
			u := t.User(groups)
			u.Get().Unassigned("groups")
			u.Replaced(t.UserDoc(`"userName":`+suite.Quoted(u.Name), groups)).Unassigned("groups")
			g.Get().Unassigned("members")
		}},
		{Name: "a user's groups cannot be patched", Source: "RFC 7644 §3.5.2", Run: func(t *suite.T) {
			u, g := t.User(), t.Group()
			t.Patch(u.Path, `{"op":"add","path":"groups","value":[{"value":"`+g.ID+`"}]}`).Refused(http.StatusBadRequest, "mutability")
			g.Get().Unassigned("members")
		}},
		{Name: "a member of a nested group is not its direct member", Source: "RFC 7643 §4.1.2", Run: func(t *suite.T) {
			u := t.User()
			inner := t.Group(u)
			a := t.Post("/Groups", suite.JSON(t.GroupDoc(`"members":[{"value":"`+inner.ID+`","type":"Group"}]`)))
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest) // A server need not have nested groups.
				return
			}
			outer := a.OK(http.StatusCreated).Resource("/Groups")
			groups, _ := u.Get().At("groups").([]any)
			for _, g := range groups {
				if suite.At(g, "value") == outer.ID && suite.At(g, "type") != nil {
					u.Get().Expect(suite.At(g, "type") == "indirect", "type indirect for the outer group")
				}
			}
		}},
		{Name: "a filter finds users by their groups", Source: "RFC 7643 §4.1.2, RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			a := t.Filter("/Users", `groups.value eq "`+g.ID+`"`)
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest, "invalidFilter", "tooMany")
				return
			}
			a.Lists(u)
		}},
	}
}
