package main

import (
	"compress/gzip"
	"net/http"
	"slices"
	"strings"
)

// trapsProtocol are traps 28 to 31 and 34.
func trapsProtocol() []testCase {
	return slices.Concat(trapsURLs(), trapsErrors(), trapsVersions())
}

func trapsURLs() []testCase {
	return []testCase{
		{"trap-28a", "a URN with dots is split after the schema", "RFC 7644 §3.10", nil, func(t *T) {
			u := t.user()
			u.patched(`{"op":"add","path":"`+urnEnterprise+`:manager.value","value":"x"}`,
				`{"op":"add","path":"`+urnEnterprise+`:employeeNumber","value":"701984"}`,
				`{"op":"replace","path":"`+urnUser+`:name.familyName","value":"Smith"}`,
				`{"op":"add","path":"`+urnUser+`:phoneNumbers","value":[{"value":"1","type":"fax"}]}`,
				`{"op":"replace","path":"`+urnUser+`:phoneNumbers[type eq \"fax\"].value","value":"2"}`).
				has(urnEnterprise+"/employeeNumber", "701984").has("name/familyName", "Smith").hasValues("phoneNumbers", "2")
		}},
		{"trap-28b", "URNs in filters and lists of attributes", "RFC 7644 §3.10", needs(filterFeature), func(t *T) {
			u := t.user(`"` + urnEnterprise + `":{"employeeNumber":` + quoted(t.random()) + `,"department":"Tours"}`)
			number := quoted(u.doc[urnEnterprise].(document)["employeeNumber"].(string))
			t.filter("/Users", urnEnterprise+`:employeeNumber eq `+number).lists(u)
			a := t.filter("/Users", urnUser+`:userName eq `+quoted(u.name), "attributes", urnUser+":userName,"+urnEnterprise+":department").lists(u)
			a.has("Resources/0/userName", u.name).has("Resources/0/"+urnEnterprise, document{"department": "Tours"}).lacks("Resources/0/title")
		}},
		{"trap-28c", "an extension is removed as a whole by its URN", "RFC 7644 §3.5.2.2, §3.10", nil, func(t *T) {
			u := t.user(`"` + urnEnterprise + `":{"department":"Tours"}`)
			a := t.patch(u.path, `{"op":"remove","path":"`+urnEnterprise+`"}`)
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest, "invalidPath", "noTarget")
				return
			}
			a.ok(http.StatusOK, http.StatusNoContent)
			u.get().lacks(urnEnterprise).has("schemas", []any{urnUser})
		}},
		{"trap-29", "/Me serves, redirects, or says that it does not", "RFC 7644 §3.11", nil, func(t *T) {
			a := t.get("/Me")
			switch a.status {
			case http.StatusOK:
				a.ok(http.StatusOK).expect(strings.HasPrefix(a.text("meta/location"), t.target.url+"/Users/"), "meta.location of the real resource")
			case http.StatusPermanentRedirect:
				a.expect(strings.HasPrefix(a.header.Get("Location"), t.target.url), "a Location below the base URL")
			default:
				a.refusedWith([]int{http.StatusNotImplemented, http.StatusForbidden, http.StatusNotFound})
			}
		}},
	}
}

// trapsErrors is trap 30, with what trap 34 says of tokens.
func trapsErrors() []testCase {
	return []testCase{
		{"trap-30a", "404 is a SCIM Error, for an id and for a URL", "RFC 7644 §3.12", nil, func(t *T) {
			t.get("/Users/" + t.random()).refused(http.StatusNotFound).text("detail")
			t.get("/" + t.random()).refused(http.StatusNotFound)
			t.get("/Users/" + t.random() + "/name").refused(http.StatusNotFound)
			t.post("/"+t.random(), t.userBody()).refusedWith([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented})
		}},
		{"trap-30b", "401 is a SCIM Error with WWW-Authenticate", "RFC 7644 §2, §3.12", nil, func(t *T) {
			a := t.on(target{t.target.url, ""}).get("/Users?count=1").refused(http.StatusUnauthorized)
			a.expect(a.header.Get("WWW-Authenticate") != "", "WWW-Authenticate (RFC 9110 §11.6.1)")
		}},
		{"trap-30c", "a method that there is not is a SCIM Error", "RFC 7644 §3.12", nil, func(t *T) {
			u := t.user()
			for _, r := range []request{{method: http.MethodPut, path: "/Users"}, {method: http.MethodPatch, path: "/Users"}, {method: http.MethodPost, path: u.path}, {method: http.MethodDelete, path: "/ServiceProviderConfig"}, {method: "BREW", path: "/Users"}} {
				t.do(r.method, r.path, t.userBody()).refusedWith([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusNotImplemented, http.StatusBadRequest})
			}
		}},
		{"trap-30d", "409 and 400 have the scimType of the table", "RFC 7644 §3.12", nil, func(t *T) {
			u := t.user()
			t.post("/Users", t.userBody(`"userName":`+quoted(u.name))).refused(http.StatusConflict, "uniqueness")
			t.post("/Users", `{`).refused(http.StatusBadRequest, "invalidSyntax", "invalidValue")
		}},
		{"trap-30g", "a body that is compressed is read, or is 415", "RFC 9110 §15.5.16", nil, func(t *T) {
			name := t.userName()
			a := t.post("/Users", gzipped(t.userBody(`"userName":`+quoted(name))), "Content-Encoding", "gzip")
			if a.status == http.StatusCreated {
				a.has("userName", name)
				return
			}
			a.refused(http.StatusUnsupportedMediaType)
			a.expect(a.header.Get("Accept-Encoding") != "", "Accept-Encoding with what is taken (RFC 9110 §12.5.3)")
		}},
		{"trap-30e", "a body beyond all measure is 413", "RFC 7644 §3.12", nil, func(t *T) {
			body := strings.TrimSuffix(t.userBody(), "}") + `,"title":"` + strings.Repeat("x", 25<<20) + `"}`
			a := t.patiently(request{method: http.MethodPost, path: "/Users", body: body})
			a.refusedWith([]int{http.StatusRequestEntityTooLarge, http.StatusBadRequest})
		}},
		{"trap-30f", "errors do not tell how the server is made", "RFC 7644 §7.5", nil, func(t *T) {
			for _, a := range []*answer{t.post("/Users", `{"a":`), t.get("/Users/%00"), t.get("/Users/%ff%fe"), t.post("/Users", t.userBody(`"emails":"x;drop"`))} {
				body := string(a.body)
				a.expect(a.status < 500, "no 5xx")
				for _, trace := range []string{"goroutine ", "panic", ".go:", "java.", "Traceback", "stack trace", "SELECT "} {
					a.expect(!strings.Contains(body, trace), "nothing like %q in the error", trace)
				}
			}
		}},
		{"trap-34a", "a token counts in the header alone", "RFC 7644 §2, §7.5; RFC 6750", nil, func(t *T) {
			none := t.on(target{t.target.url, ""})
			none.get("/Users?count=1", "Authorization", "Basic "+t.target.token).refused(http.StatusUnauthorized)
			none.get("/Users?count=1", "Authorization", t.target.token).refused(http.StatusUnauthorized)
			// Not in the URL, which would end up in logs; a form is the other way of RFC 6750.
			a := none.post("/Users/.search", "access_token="+t.target.token, "Content-Type", "application/x-www-form-urlencoded")
			a.refusedWith([]int{http.StatusUnauthorized, http.StatusUnsupportedMediaType, http.StatusBadRequest})
		}},
		{"trap-34b", "the name of the scheme is in any case", "RFC 9110 §11.1", nil, func(t *T) {
			t.get("/Users?count=1", "Authorization", "bearer "+t.target.token).ok(http.StatusOK)
			t.get("/Users?count=1", "Authorization", "BEARER "+t.target.token).ok(http.StatusOK)
		}},
	}
}

// trapsVersions is trap 31.
func trapsVersions() []testCase {
	etag := needs(etagFeature)
	return []testCase{
		{"trap-31a", "the ETag is a header of every answer with a resource", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			put := t.put(u.path, t.userBody(`"userName":`+quoted(u.name), `"title":"x"`)).ok(http.StatusOK)
			for _, a := range []*answer{u.get(), put} {
				a.expect(a.header.Get("ETag") != "", "an ETag")
			}
			patch := t.patch(u.path, `{"op":"add","path":"nickName","value":"N"}`).ok(http.StatusOK, http.StatusNoContent)
			if patch.status == http.StatusOK {
				patch.has("meta/version", patch.header.Get("ETag"))
			}
			patch.expect(u.get().header.Get("ETag") != put.header.Get("ETag"), "another ETag after a change")
		}},
		{"trap-31b", "If-Match with another version is 412 for PUT, PATCH and DELETE", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			patch := patchOf(`{"op":"add","path":"nickName","value":"N"}`)
			t.put(u.path, t.userBody(`"userName":`+quoted(u.name)), "If-Match", `W/"other"`).refused(http.StatusPreconditionFailed)
			t.do(http.MethodPatch, u.path, patch, "If-Match", `W/"other"`).refused(http.StatusPreconditionFailed)
			t.delete(u.path, "If-Match", `W/"other"`).refused(http.StatusPreconditionFailed)
			u.get().unassigned("nickName")
		}},
		{"trap-31c", "If-Match with the version succeeds, once", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			t.do(http.MethodPatch, u.path, patchOf(`{"op":"add","path":"nickName","value":"N"}`), "If-Match", u.etag).ok(http.StatusOK, http.StatusNoContent)
			t.do(http.MethodPatch, u.path, patchOf(`{"op":"add","path":"nickName","value":"M"}`), "If-Match", u.etag).refused(http.StatusPreconditionFailed)
			u.get().has("nickName", "N")
		}},
		{"trap-31d", "If-None-Match with the version is 304", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			t.get(u.path, "If-None-Match", u.etag).ok(http.StatusNotModified)
			t.get(u.path, "If-None-Match", `W/"other", `+u.etag).ok(http.StatusNotModified)
			t.get(u.path, "If-None-Match", `W/"other"`).ok(http.StatusOK)
		}},
		{"trap-31e", "If-Match: * is any version of what there is", "RFC 9110 §13.1.1", etag, func(t *T) {
			u := t.user()
			t.do(http.MethodPatch, u.path, patchOf(`{"op":"add","path":"nickName","value":"N"}`), "If-Match", "*").ok(http.StatusOK, http.StatusNoContent)
			t.put("/Users/"+t.random(), t.userBody(), "If-Match", "*").refusedWith([]int{http.StatusNotFound, http.StatusPreconditionFailed})
			t.delete(u.path, "If-Match", "*").ok(http.StatusNoContent)
		}},
		{"trap-31f", "an ETag that has not changed stays", "RFC 7644 §3.14", etag, func(t *T) {
			u := t.user()
			t.group(u) // The user's groups are of the group, not of the user.
			first, second := u.get().header.Get("ETag"), u.get()
			second.expect(second.header.Get("ETag") == first, "the ETag %s again", first)
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
