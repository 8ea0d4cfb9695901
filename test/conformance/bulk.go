package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// bulk sends operations.
func (t *T) bulk(members string, operations ...string) *answer {
	return t.post("/Bulk", bulkOf(members, operations...))
}

// bulkOf is a request with operations, each the JSON text of one. Members, as
// "failOnErrors":1, go before them.
func bulkOf(members string, operations ...string) string {
	if members != "" {
		members += ","
	}
	return `{"schemas":["` + urnBulk + `"],` + members + `"Operations":[` + strings.Join(operations, ",") + `]}`
}

// bulkPost is an operation that makes a resource.
func bulkPost(endpoint, bulkID string, doc document) string {
	return jsonOf(document{"method": "POST", "path": endpoint, "bulkId": bulkID, "data": doc})
}

func bulkOn(method, path string, data any) string {
	operation := document{"method": method, "path": path}
	if data != nil {
		operation["data"] = data
	}
	return jsonOf(operation)
}

// operations checks that the answer is a BulkResponse (RFC 7644 section 3.7) with
// so many operations, and returns them.
func (a *answer) operations(n int) []document {
	a.ok(http.StatusOK).has("schemas", []any{urnBulkAnswer})
	list, _ := a.at("Operations").([]any)
	a.expect(len(list) == n, "%d operations, not %d", n, len(list))
	operations := make([]document, len(list))
	for i, each := range list {
		o, _ := each.(document)
		status, isText := o["status"].(string)
		a.expect(isText && len(status) == 3, "the status of each operation as a string: %s", jsonOf(o))
		if status >= "400" {
			response, _ := o["response"].(document)
			schemas, _ := response["schemas"].([]any)
			a.expect(slices.Contains(schemas, any(urnError)) && response["status"] == status, "a SCIM Error as `response` of an operation that failed: %s", jsonOf(o))
		} else {
			location, _ := o["location"].(string)
			a.expect(strings.HasPrefix(location, a.t.target.url+"/"), "the location of each operation: %s", jsonOf(o))
		}
		operations[i] = o
	}
	return operations
}

// made is the resource that an operation has made.
func (a *answer) made(o document, endpoint string) *resource {
	location, _ := o["location"].(string)
	path := strings.TrimPrefix(location, a.t.target.url)
	a.expect(o["status"] == "201" && strings.HasPrefix(path, endpoint+"/"), "status 201 and a location below %s: %s", endpoint, jsonOf(o))
	return &resource{t: a.t, path: path, id: strings.TrimPrefix(path, endpoint+"/")}
}

// trapsBulk is trap 27.
func trapsBulk() []testCase {
	bulk, bulkETag := needs(bulkFeature), needs(bulkFeature, etagFeature)
	return []testCase{
		{"trap-27a", "each operation answers with location, status as a string, and version", "RFC 7644 §3.7", bulk, func(t *T) {
			u, gone := t.user(), t.user()
			a := t.bulk("", bulkPost("/Users", "one", t.userDoc()), bulkOn("PUT", u.path, t.userDoc(`"userName":`+quoted(u.name), `"title":"Put"`)),
				bulkOn("PATCH", u.path, parsed(patchOf(`{"op":"add","path":"nickName","value":"N"}`))), bulkOn("DELETE", gone.path, nil))
			o := a.operations(4)
			a.expect(o[0]["bulkId"] == "one" && o[0]["method"] == "POST", "the bulkId and method of the operation")
			a.made(o[0], "/Users").get()
			a.expect(o[1]["status"] == "200" && (o[2]["status"] == "200" || o[2]["status"] == "204") && o[3]["status"] == "204", "status 200, 200 or 204, and 204")
			u.get().has("title", "Put").has("nickName", "N")
			t.get(gone.path).refused(http.StatusNotFound)
			if t.suite.supports(etagFeature) {
				a.expect(o[0]["version"] != nil && o[1]["version"] != nil, "the version of POST and PUT")
			}
		}},
		{"trap-27b", "a POST must have a bulkId", "RFC 7644 §3.7", bulk, func(t *T) {
			doc := t.userDoc()
			a := t.bulk("", bulkOn("POST", "/Users", doc))
			if a.status == http.StatusOK {
				a.expect(a.operations(1)[0]["status"] == "400", "status 400 for the operation")
			} else {
				a.refused(http.StatusBadRequest)
			}
			t.filter("/Users", `userName eq `+quoted(doc["userName"].(string))).lists()
		}},
		{"trap-27c", "failOnErrors stops after that many errors", "RFC 7644 §3.7", bulk, func(t *T) {
			u, last := t.user(), t.userDoc()
			double := t.userDoc(`"userName":` + quoted(u.name))
			a := t.bulk(`"failOnErrors":2`, bulkPost("/Users", "a", double), bulkPost("/Users", "b", t.userDoc()), bulkOn("DELETE", "/Users/"+t.random(), nil), bulkPost("/Users", "c", last))
			o := a.operations(3)
			a.expect(o[0]["status"] == "409" && o[1]["status"] == "201" && o[2]["status"] == "404", "status 409, 201, 404, and no more")
			t.filter("/Users", `userName eq `+quoted(last["userName"].(string))).lists()
		}},
		{"trap-27d", "without failOnErrors all are tried", "RFC 7644 §3.7", bulk, func(t *T) {
			u := t.user()
			double := t.userDoc(`"userName":` + quoted(u.name))
			a := t.bulk("", bulkPost("/Users", "a", double), bulkPost("/Users", "b", double), bulkPost("/Users", "c", t.userDoc()))
			o := a.operations(3)
			a.expect(o[0]["status"] == "409" && o[1]["status"] == "409" && o[2]["status"] == "201", "status 409, 409, 201")
		}},
		{"trap-27e", "a bulkId refers to what another operation makes", "RFC 7644 §3.7.2", bulk, func(t *T) {
			a := t.bulk("", bulkPost("/Users", "u", t.userDoc()), bulkPost("/Groups", "g", t.groupDoc(`"members":[{"value":"bulkId:u","type":"User"}]`)))
			o := a.operations(2)
			a.made(o[1], "/Groups").get().hasMembers(a.made(o[0], "/Users"))
		}},
		{"trap-27f", "the reference may come before what it refers to", "RFC 7644 §3.7.2", bulk, func(t *T) {
			a := t.bulk("", bulkPost("/Groups", "g", t.groupDoc(`"members":[{"value":"bulkId:u","type":"User"}]`)), bulkPost("/Users", "u", t.userDoc()))
			byID := map[any]document{}
			for _, o := range a.operations(2) {
				byID[o["bulkId"]] = o
			}
			a.made(byID["g"], "/Groups").get().hasMembers(a.made(byID["u"], "/Users"))
		}},
		{"trap-27g", "groups that have each other as members are made, or refused with 409", "RFC 7644 §3.7.1", bulk, func(t *T) {
			a := t.bulk("", bulkPost("/Groups", "a", t.groupDoc(`"members":[{"type":"Group","value":"bulkId:b"}]`)), bulkPost("/Groups", "b", t.groupDoc(`"members":[{"type":"Group","value":"bulkId:a"}]`)))
			if a.status == http.StatusConflict {
				a.refused(http.StatusConflict)
				return
			}
			o := a.operations(2)
			if o[0]["status"] == "409" || o[1]["status"] == "409" {
				return
			}
			first, second := a.made(o[0], "/Groups"), a.made(o[1], "/Groups")
			first.get().hasMembers(second)
			second.get().hasMembers(first)
		}},
		{"trap-27h", "a bulkId that no operation has is an error", "RFC 7644 §3.7.2", bulk, func(t *T) {
			doc := t.groupDoc(`"members":[{"value":"bulkId:nobody"}]`)
			a := t.bulk("", bulkPost("/Groups", "g", doc))
			if a.status != http.StatusOK {
				a.refusedWith([]int{http.StatusBadRequest, http.StatusConflict})
			} else {
				status := a.operations(1)[0]["status"]
				a.expect(status == "400" || status == "409", "status 400 or 409 for the operation")
			}
			t.filter("/Groups", `displayName eq `+quoted(doc["displayName"].(string))).lists()
		}},
		{"trap-27i", "more than maxOperations is 413 that names the limit", "RFC 7644 §3.7.4", bulk, func(t *T) {
			limit, _ := at(t.suite.config, "bulk/maxOperations").(float64)
			t.exchangeOfConfig().expect(limit >= 1, "bulk.maxOperations of at least 1")
			if limit > 50_000 {
				return // To exceed it would be an attack.
			}
			operations := make([]string, int(limit)+1)
			for i := range operations {
				operations[i] = bulkOn("DELETE", "/Users/0", nil)
			}
			a := t.bulk("", operations...).refused(http.StatusRequestEntityTooLarge)
			a.expect(strings.Contains(a.text("detail"), fmt.Sprint(int(limit))), "a detail that names the limit %d", int(limit))
		}},
		{"trap-27j", "more than maxPayloadSize is 413 that names the limit", "RFC 7644 §3.7.4", bulk, func(t *T) {
			limit, _ := at(t.suite.config, "bulk/maxPayloadSize").(float64)
			t.exchangeOfConfig().expect(limit >= 1, "bulk.maxPayloadSize of at least 1")
			if limit > 64<<20 {
				return
			}
			doc := t.userDoc(`"title":"` + strings.Repeat("x", int(limit)) + `"`)
			a := t.patiently(request{method: http.MethodPost, path: "/Bulk", body: `{"schemas":["` + urnBulk + `"],"Operations":[` + bulkPost("/Users", "a", doc) + `]}`})
			a.refused(http.StatusRequestEntityTooLarge)
			a.expect(strings.Contains(a.text("detail"), fmt.Sprint(int(limit))), "a detail that names the limit %d", int(limit))
		}},
		{"trap-27k", "a bulk request in a bulk request is refused", "RFC 7644 §3.7", bulk, func(t *T) {
			doc := t.userDoc()
			a := t.bulk("", jsonOf(document{"method": "POST", "path": "/Bulk", "bulkId": "b", "data": parsed(`{"schemas":["` + urnBulk + `"],"Operations":[` + bulkPost("/Users", "u", doc) + `]}`)}))
			if a.status == http.StatusOK {
				status, _ := a.operations(1)[0]["status"].(string)
				a.expect(status >= "400" && status < "500" || status == "501", "an error for the operation")
			} else {
				a.refused(http.StatusBadRequest)
			}
			t.filter("/Users", `userName eq `+quoted(doc["userName"].(string))).lists()
		}},
		{"trap-27l", "the version of an operation is If-Match", "RFC 7644 §3.7", bulkETag, func(t *T) {
			u := t.user()
			patch := parsed(patchOf(`{"op":"add","path":"nickName","value":"N"}`))
			a := t.bulk("", jsonOf(document{"method": "PATCH", "path": u.path, "version": `W/"other"`, "data": patch}),
				jsonOf(document{"method": "PATCH", "path": u.path, "version": u.etag, "data": patch}),
				jsonOf(document{"method": "DELETE", "path": u.path, "version": u.etag}))
			o := a.operations(3)
			a.expect(o[0]["status"] == "412" && (o[1]["status"] == "200" || o[1]["status"] == "204") && o[2]["status"] == "412", "status 412, 200 or 204, and 412")
		}},
		{"trap-27m", "a malformed bulk request is refused", "RFC 7644 §3.7", bulk, func(t *T) {
			for _, body := range []string{`{"schemas":["` + urnBulk + `"]}`, `{"schemas":["` + urnBulk + `"],"Operations":{}}`, `{"schemas":["` + urnBulk + `"],"Operations":["x"]}`, `{"schemas":["` + urnBulk + `"],"failOnErrors":"x","Operations":[]}`, `[]`} {
				t.post("/Bulk", body).refused(http.StatusBadRequest)
			}
		}},
		{"trap-27n", "an operation that makes no sense fails and the others do not", "RFC 7644 §3.7.3", bulk, func(t *T) {
			a := t.bulk("", bulkOn("DELETE", "/Users", nil), bulkOn("GET", "/Users/1", nil), jsonOf(document{"method": "POST", "path": "/Schemas", "bulkId": "s", "data": document{}}),
				bulkOn("PATCH", "/Nothing/1", document{}), bulkOn("DELETE", "Users", nil), bulkPost("/Users", "u", t.userDoc()))
			if a.status == http.StatusBadRequest {
				a.refused(http.StatusBadRequest)
				return
			}
			o := a.operations(6)
			for _, each := range o[:5] {
				status, _ := each["status"].(string)
				a.expect(status >= "400" && status < "500" || status == "501", "an error for %s", jsonOf(each))
			}
			a.made(o[5], "/Users").get()
		}},
		{"trap-27o", "two operations cannot have one bulkId", "RFC 7644 §3.7.2", bulk, func(t *T) {
			a := t.bulk("", bulkPost("/Users", "same", t.userDoc()), bulkPost("/Users", "same", t.userDoc()), bulkPost("/Groups", "g", t.groupDoc(`"members":[{"value":"bulkId:same"}]`)))
			if a.status == http.StatusOK {
				o := a.operations(3)
				a.expect(o[0]["status"] == "400" || o[1]["status"] == "400" || o[1]["status"] == "409" || o[2]["status"] != "201", "an error for what is ambiguous")
				return
			}
			a.refusedWith([]int{http.StatusBadRequest, http.StatusConflict})
		}},
		{"trap-27p", "failOnErrors 0 is no limit, or is refused", "RFC 7644 §3.7; as bulk libraries send it", bulk, func(t *T) {
			u, other := t.user(), t.userDoc()
			a := t.bulk(`"failOnErrors":0`, bulkPost("/Users", "a", t.userDoc(`"userName":`+quoted(u.name))), bulkPost("/Users", "b", other))
			if a.status == http.StatusBadRequest && t.generic() {
				a.refused(http.StatusBadRequest)
				return
			}
			o := a.operations(2)
			a.expect(o[0]["status"] == "409" && o[1]["status"] == "201", "status 409, 201")
		}},
		{"trap-27q", "a bulkId or version of the wrong type fails its operation", "RFC 7644 §3.7.3", bulk, func(t *T) {
			u := t.user()
			a := t.bulk("", jsonOf(document{"method": "POST", "path": "/Users", "bulkId": 1, "data": t.userDoc()}),
				jsonOf(document{"method": "DELETE", "path": u.path, "version": 7}), bulkPost("/Users", "b", t.userDoc()))
			if a.status == http.StatusBadRequest && t.generic() {
				a.refused(http.StatusBadRequest)
				return
			}
			o := a.operations(3)
			a.expect(o[0]["status"] == "400" && o[1]["status"] == "400" && o[2]["status"] == "201", "status 400, 400, 201")
			u.get()
		}},
		{"trap-27r", "failOnErrors stops after the first of two that cannot be resolved", "RFC 7644 §3.7", bulk, func(t *T) {
			u := t.user()
			a := t.bulk(`"failOnErrors":1`, bulkOn("DELETE", "/Users/bulkId:nobody", nil), bulkOn("PUT", u.path, t.userDoc(`"nickName":"bulkId:nothing"`)))
			o := a.operations(1)[0]
			a.expect(o["method"] == "DELETE", "the first to have failed: %s", jsonOf(o))
			u.get().unassigned("nickName")
		}},
	}
}

// exchangeOfConfig reads the configuration, for a failure that is about it.
func (t *T) exchangeOfConfig() *answer {
	return t.get("/ServiceProviderConfig").ok(http.StatusOK)
}

// patiently sends a body that may be refused before it is read, which some servers
// and networks turn into a broken connection at times.
func (t *T) patiently(r request) *answer {
	for range 4 {
		if a, err := t.try(r); err == nil {
			return a
		}
	}
	return t.do(r.method, r.path, r.body, r.headers...)
}
