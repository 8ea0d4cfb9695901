package requirements

import (
	"compress/gzip"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

func urlCases() []suite.Case {
	return []suite.Case{
		{Name: "a URN with dots is split after the schema", Source: "RFC 7644 §3.10", Run: func(t *suite.T) {
			u := t.User()
			u.Patched(`{"op":"add","path":"`+suite.URNEnterprise+`:manager.value","value":"x"}`,
				`{"op":"add","path":"`+suite.URNEnterprise+`:employeeNumber","value":"701984"}`,
				`{"op":"replace","path":"`+suite.URNUser+`:name.familyName","value":"Smith"}`,
				`{"op":"add","path":"`+suite.URNUser+`:phoneNumbers","value":[{"value":"1","type":"fax"}]}`,
				`{"op":"replace","path":"`+suite.URNUser+`:phoneNumbers[type eq \"fax\"].value","value":"2"}`).
				Has(suite.URNEnterprise+"/employeeNumber", "701984").Has("name/familyName", "Smith").HasValues("phoneNumbers", "2")
		}},
		{Name: "URNs in filters and lists of attributes", Source: "RFC 7644 §3.10", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			u := t.User(`"` + suite.URNEnterprise + `":{"employeeNumber":` + suite.Quoted(t.Random()) + `,"department":"Tours"}`)
			number := suite.Quoted(u.Doc[suite.URNEnterprise].(suite.Document)["employeeNumber"].(string))
			t.Filter("/Users", suite.URNEnterprise+`:employeeNumber eq `+number).Lists(u)
			a := t.Filter("/Users", suite.URNUser+`:userName eq `+suite.Quoted(u.Name), "attributes", suite.URNUser+":userName,"+suite.URNEnterprise+":department").Lists(u)
			a.Has("Resources/0/userName", u.Name).Has("Resources/0/"+suite.URNEnterprise, suite.Document{"department": "Tours"}).Lacks("Resources/0/title")
		}},
		{Name: "an extension is removed as a whole by its URN", Source: "RFC 7644 §3.5.2.2, §3.10", Run: func(t *suite.T) {
			u := t.User(`"` + suite.URNEnterprise + `":{"department":"Tours"}`)
			a := t.Patch(u.Path, `{"op":"remove","path":"`+suite.URNEnterprise+`"}`)
			if a.Status == http.StatusBadRequest {
				a.Refused(http.StatusBadRequest, "invalidPath", "noTarget")
				return
			}
			a.OK(http.StatusOK, http.StatusNoContent)
			u.Get().Lacks(suite.URNEnterprise).Has("schemas", []any{suite.URNUser})
		}},
		{Name: "/Me serves, redirects, or says that it does not", Source: "RFC 7644 §3.11", Run: func(t *suite.T) {
			a := t.Get("/Me")
			switch a.Status {
			case http.StatusOK:
				a.OK(http.StatusOK).Expect(strings.HasPrefix(a.Text("meta/location"), t.Target.URL+"/Users/"), "meta.location of the real resource")
			case http.StatusPermanentRedirect:
				a.Expect(strings.HasPrefix(a.Header.Get("Location"), t.Target.URL), "a Location below the base URL")
			default:
				a.RefusedWith([]int{http.StatusNotImplemented, http.StatusForbidden, http.StatusNotFound})
			}
		}},
	}
}

// errorCases are section 3.12 of RFC 7644, and what section 7.5 says of tokens.
func errorCases() []suite.Case {
	return []suite.Case{
		{Name: "404 is a SCIM Error, for an id and for a URL", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			t.Get("/Users/" + t.Random()).Refused(http.StatusNotFound).Text("detail")
			t.Get("/" + t.Random()).Refused(http.StatusNotFound)
			t.Get("/Users/" + t.Random() + "/name").Refused(http.StatusNotFound)
			t.Post("/"+t.Random(), t.UserBody()).RefusedWith([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented})
		}},
		{Name: "401 is a SCIM Error with WWW-Authenticate", Source: "RFC 7644 §2, §3.12", Run: func(t *suite.T) {
			a := t.On(suite.Target{URL: t.Target.URL, Token: ""}).Get("/Users?count=1").Refused(http.StatusUnauthorized)
			a.Expect(a.Header.Get("WWW-Authenticate") != "", "WWW-Authenticate (RFC 9110 §11.6.1)")
		}},
		{Name: "a method that there is not is a SCIM Error", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			u := t.User()
			for _, r := range []suite.Request{{Method: http.MethodPut, Path: "/Users"}, {Method: http.MethodPatch, Path: "/Users"}, {Method: http.MethodPost, Path: u.Path}, {Method: http.MethodDelete, Path: "/ServiceProviderConfig"}, {Method: "BREW", Path: "/Users"}} {
				t.Do(r.Method, r.Path, t.UserBody()).RefusedWith([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusNotImplemented, http.StatusBadRequest})
			}
		}},
		{Name: "409 and 400 have the scimType of the table", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			u := t.User()
			t.Post("/Users", t.UserBody(`"userName":`+suite.Quoted(u.Name))).Refused(http.StatusConflict, "uniqueness")
			t.Post("/Users", `{`).Refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{Name: "a body that is compressed is read, or is 415", Source: "RFC 9110 §15.5.16", Run: func(t *suite.T) {
			name := t.UserName()
			a := t.Post("/Users", gzipped(t.UserBody(`"userName":`+suite.Quoted(name))), "Content-Encoding", "gzip")
			if a.Status == http.StatusCreated {
				a.Has("userName", name)
				return
			}
			a.Refused(http.StatusUnsupportedMediaType)
			a.Expect(a.Header.Get("Accept-Encoding") != "", "Accept-Encoding with what is taken (RFC 9110 §12.5.3)")
		}},
		{Name: "a body beyond all measure is 413", Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			body := strings.TrimSuffix(t.UserBody(), "}") + `,"title":"` + strings.Repeat("x", 25<<20) + `"}`
			a := patiently(t, suite.Request{Method: http.MethodPost, Path: "/Users", Body: body})
			a.RefusedWith([]int{http.StatusRequestEntityTooLarge, http.StatusBadRequest})
		}},
		{Name: "errors do not tell how the server is made", Source: "RFC 7644 §7.5", Run: func(t *suite.T) {
			for _, a := range []*suite.Answer{t.Post("/Users", `{"a":`), t.Get("/Users/%00"), t.Get("/Users/%ff%fe"), t.Post("/Users", t.UserBody(`"emails":"x;drop"`))} {
				body := string(a.Body)
				a.Expect(a.Status < 500, "no 5xx")
				for _, trace := range []string{"goroutine ", "panic", ".go:", "java.", "Traceback", "stack trace", "SELECT "} {
					a.Expect(!strings.Contains(body, trace), "nothing like %q in the error", trace)
				}
			}
		}},
		{Name: "a token counts in the header alone", Source: "RFC 7644 §2, §7.5; RFC 6750", Run: func(t *suite.T) {
			none := t.On(suite.Target{URL: t.Target.URL, Token: ""})
			none.Get("/Users?count=1", "Authorization", "Basic "+t.Target.Token).Refused(http.StatusUnauthorized)
			none.Get("/Users?count=1", "Authorization", t.Target.Token).Refused(http.StatusUnauthorized)
			// Not in the URL, which would end up in logs; a form is the other way of RFC 6750.
			a := none.Post("/Users/.search", "access_token="+t.Target.Token, "Content-Type", "application/x-www-form-urlencoded")
			a.RefusedWith([]int{http.StatusUnauthorized, http.StatusUnsupportedMediaType, http.StatusBadRequest})
		}},
		{Name: "the name of the scheme is in any case", Source: "RFC 9110 §11.1", Run: func(t *suite.T) {
			t.Get("/Users?count=1", "Authorization", "bearer "+t.Target.Token).OK(http.StatusOK)
			t.Get("/Users?count=1", "Authorization", "BEARER "+t.Target.Token).OK(http.StatusOK)
		}},
	}
}

// versionCases are section 3.14 of RFC 7644.
func versionCases() []suite.Case {
	etag := suite.Needs(suite.ETagFeature)
	return []suite.Case{
		{Name: "the ETag is a header of every answer with a resource", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			put := t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name), `"title":"x"`)).OK(http.StatusOK)
			for _, a := range []*suite.Answer{u.Get(), put} {
				a.Expect(a.Header.Get("ETag") != "", "an ETag")
			}
			patch := t.Patch(u.Path, `{"op":"add","path":"nickName","value":"N"}`).OK(http.StatusOK, http.StatusNoContent)
			if patch.Status == http.StatusOK {
				patch.Has("meta/version", patch.Header.Get("ETag"))
			}
			patch.Expect(u.Get().Header.Get("ETag") != put.Header.Get("ETag"), "another ETag after a change")
		}},
		{Name: "If-Match with another version is 412 for PUT, PATCH and DELETE", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			patch := suite.PatchOf(`{"op":"add","path":"nickName","value":"N"}`)
			t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name)), "If-Match", `W/"other"`).Refused(http.StatusPreconditionFailed)
			t.Do(http.MethodPatch, u.Path, patch, "If-Match", `W/"other"`).Refused(http.StatusPreconditionFailed)
			t.Delete(u.Path, "If-Match", `W/"other"`).Refused(http.StatusPreconditionFailed)
			u.Get().Unassigned("nickName")
		}},
		{Name: "If-Match with the version succeeds, once", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			t.Do(http.MethodPatch, u.Path, suite.PatchOf(`{"op":"add","path":"nickName","value":"N"}`), "If-Match", u.ETag).OK(http.StatusOK, http.StatusNoContent)
			t.Do(http.MethodPatch, u.Path, suite.PatchOf(`{"op":"add","path":"nickName","value":"M"}`), "If-Match", u.ETag).Refused(http.StatusPreconditionFailed)
			u.Get().Has("nickName", "N")
		}},
		{Name: "If-None-Match with the version is 304", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			t.Get(u.Path, "If-None-Match", u.ETag).OK(http.StatusNotModified)
			t.Get(u.Path, "If-None-Match", `W/"other", `+u.ETag).OK(http.StatusNotModified)
			t.Get(u.Path, "If-None-Match", `W/"other"`).OK(http.StatusOK)
		}},
		{Name: "If-Match: * is any version of what there is", Source: "RFC 9110 §13.1.1", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			t.Do(http.MethodPatch, u.Path, suite.PatchOf(`{"op":"add","path":"nickName","value":"N"}`), "If-Match", "*").OK(http.StatusOK, http.StatusNoContent)
			t.Put("/Users/"+t.Random(), t.UserBody(), "If-Match", "*").RefusedWith([]int{http.StatusNotFound, http.StatusPreconditionFailed})
			t.Delete(u.Path, "If-Match", "*").OK(http.StatusNoContent)
		}},
		{Name: "an ETag that has not changed stays", Source: "RFC 7644 §3.14", Needs: etag, Run: func(t *suite.T) {
			u := t.User()
			t.Group(u) // The user's groups are of the group, not of the user.
			first, second := u.Get().Header.Get("ETag"), u.Get()
			second.Expect(second.Header.Get("ETag") == first, "the ETag %s again", first)
		}},
	}
}

// gzipped is a text as it is sent with Content-Encoding: gzip.
func gzipped(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // A strings.Builder takes everything.
	_ = w.Close()
	return b.String()
}
