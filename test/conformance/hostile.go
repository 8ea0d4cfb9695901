package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fuzz makes hostile input, the same for the same seed.
type fuzz struct{ *rand.Rand }

// newFuzz returns the fuzz of one kind of requests.
func newFuzz(seed uint64, kind int) fuzz {
	return fuzz{rand.New(rand.NewPCG(seed, uint64(kind)))}
}

// hostileKinds are the kinds of hostile requests. Each gets its share of --requests.
var hostileKinds = []struct {
	id, name string
	make     func(f fuzz, u, g *resource) request
}{
	{"hostile-bytes", "documents with bytes changed, lost and doubled", func(f fuzz, u, _ *resource) request {
		body := f.damaged(u.t.userBody(projected))
		if f.N(2) == 0 {
			return request{method: http.MethodPut, path: u.path, body: body}
		}
		return request{method: http.MethodPost, path: "/Users", body: body}
	}},
	{"hostile-values", "documents with values of any kind", func(f fuzz, u, _ *resource) request {
		doc := u.t.userDoc(projected)
		for range 1 + f.N(4) {
			doc[f.attribute()] = f.value(3)
		}
		if f.N(2) == 0 {
			return request{method: http.MethodPut, path: u.path, body: jsonOf(doc)}
		}
		return request{method: http.MethodPost, path: "/Users", body: jsonOf(doc)}
	}},
	{"hostile-filters", "filters with pieces in any order", func(f fuzz, _, _ *resource) request {
		endpoint := f.one("/Users", "/Groups")
		filter := f.filter()
		if f.N(3) == 0 {
			return request{method: http.MethodPost, path: endpoint + "/.search", body: search(`"count":1,"filter":` + quoted(filter))}
		}
		return request{method: http.MethodGet, path: query(endpoint, "count", "1", "filter", filter)}
	}},
	{"hostile-paths", "paths of a PATCH with pieces in any order", func(f fuzz, u, g *resource) request {
		r := []*resource{u, g}[f.N(2)]
		operation := document{"op": f.one("add", "replace", "remove"), "path": f.path()}
		if f.N(3) > 0 {
			operation["value"] = f.value(2)
		}
		return request{method: http.MethodPatch, path: r.path, body: patchOf(jsonOf(operation))}
	}},
	{"hostile-patches", "operations of any form", func(f fuzz, u, g *resource) request {
		r := []*resource{u, g}[f.N(2)]
		var operations []string
		for range f.N(4) {
			operation := document{}
			for _, name := range []string{"op", "path", "value", "Op", "x"} {
				switch f.N(4) {
				case 0:
					operation[name] = f.value(2)
				case 1:
					operation[name] = f.one("add", "replace", "remove", "ADD", f.attribute(), f.path())
				}
			}
			operations = append(operations, jsonOf(operation))
		}
		body := patchOf(operations...)
		if f.N(3) == 0 {
			body = f.damaged(body)
		}
		return request{method: http.MethodPatch, path: r.path, body: body}
	}},
	{"hostile-urls", "URLs of any form", func(f fuzz, _, _ *resource) request {
		path := "/" + f.one("Users", "Groups", "Schemas", "ResourceTypes", "Me", "", "users", ".search", "Bulk", "..") + "/"
		path += url.PathEscape(f.text())
		return request{method: f.one(http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, "BREW"), path: path}
	}},
	{"hostile-parameters", "parameters of any form", func(f fuzz, u, _ *resource) request {
		path := f.one("/Users", "/Groups", u.path, "/Schemas", "/")
		var parameters []string
		for range 1 + f.N(3) {
			name := f.one("startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder", "cursor")
			parameters = append(parameters, name, f.one("", "-1", "0", "1", "2147483648", "1e9", "ascending", f.text(), f.attribute(), f.path(), f.attribute()+","+f.path()))
		}
		return request{method: http.MethodGet, path: query(path, append(parameters, "count", "1")...)}
	}},
	{"hostile-bulk", "bulk requests of any form", func(f fuzz, u, _ *resource) request {
		// Only what is the case's own may be changed.
		operation := document{"method": f.one("POST", "PUT", "PATCH", "BREW", ""), "path": f.one(u.path, "/Users", "/Groups", "Users", "", "/Bulk"), "bulkId": f.one("a", "bulkId:a", "")}
		for _, name := range []string{"data", "version", "bulkId"} {
			if f.N(3) == 0 {
				operation[name] = f.value(2)
			}
		}
		body := `{"schemas":["` + urnBulk + `"],"failOnErrors":` + jsonOf(f.value(0)) + `,"Operations":[` + jsonOf(operation) + `]}`
		if f.N(3) == 0 {
			body = f.damaged(body)
		}
		return request{method: http.MethodPost, path: "/Bulk", body: body}
	}},
}

// hostileCases are the random ones, and some that are known to hurt.
func hostileCases() []testCase {
	var cases []testCase
	for i, kind := range hostileKinds {
		cases = append(cases, testCase{kind.id, kind.name, "RFC 7644 §3.12", nil, func(t *T) {
			f := newFuzz(t.suite.seed, i)
			u, g := t.user(), t.group()
			for range max(1, t.suite.requests/len(hostileKinds)) {
				t.survives(kind.make(f, u, g))
			}
			g.get()
			u.get().text("userName")
		}})
	}
	return append(cases, hostileKnown()...)
}

// survives checks that a request hurts nobody: the answer is quick, no 5xx, and
// if an error then a SCIM Error.
func (t *T) survives(r request) *answer {
	a := t.do(r.method, r.path, r.body)
	a.expect(a.status < 500 || a.status == http.StatusNotImplemented, "no 5xx (seed %d)", t.suite.seed)
	a.expect(a.took < t.suite.slow, "an answer within %s (seed %d)", t.suite.slow, t.suite.seed)
	if a.status >= 400 && r.method != http.MethodHead {
		a.isError()
	}
	return a
}

// one is one of the texts.
func (f fuzz) one(texts ...string) string { return texts[f.N(len(texts))] }

// N is a number below n.
func (f fuzz) N(n int) int { return f.IntN(n) }

// damaged is a text with some bytes changed, taken out, or doubled.
func (f fuzz) damaged(text string) string {
	b := []byte(text)
	for range 1 + f.N(5) {
		at := f.N(len(b))
		switch f.N(5) {
		case 0:
			b[at] = byte(f.N(256))
		case 1:
			b = slices.Delete(b, at, min(len(b), at+1+f.N(8)))
		case 2:
			b = slices.Insert(b, at, b[at:min(len(b), at+f.N(30))]...)
		case 3:
			b = slices.Insert(b, at, []byte(f.one(`{`, `]`, `"`, `,`, `null`, `\u0000`, `\ud800`, `1e999`, `[[[[`))...)
		case 4:
			b = b[:max(1, at)]
		}
		if len(b) == 0 {
			return "x"
		}
	}
	return string(b)
}

// attribute is a name as clients send them, or nearly.
func (f fuzz) attribute() string {
	return f.one("userName", "name", "name.givenName", "emails", "emails.value", "active", "members", "groups", "meta", "meta.created", "id", "externalId", "schemas",
		"password", "title", "displayName", "roles", "x509Certificates", "photos", urnUser, urnEnterprise, urnEnterprise+":manager", urnEnterprise+":department", "", "$ref", "nope", "a.b.c", "é")
}

// text is a string that may be trouble.
func (f fuzz) text() string {
	return f.one("", " ", "a", "\"", "\\", "'", "x\ty", "é", "🙂", "\u202e", "a%00b", "${jndi:ldap://example.com/a}", "' OR 1=1 --", "<script>", "../../etc/passwd", "%s%n%d",
		strings.Repeat("a", 1000), strings.Repeat("é", 300), "null", "true", "0", "bulkId:a", "urn:ietf:params:scim:", "*", "(", "[", "{{7*7}}", "\u0000", "\ufeff", "\uffff")
}

// value is a JSON value of a depth.
func (f fuzz) value(depth int) any {
	kinds := 6
	if depth > 0 {
		kinds = 8
	}
	switch f.N(kinds) {
	case 0:
		return nil
	case 1:
		return f.N(2) == 0
	case 2:
		return f.Int64() >> f.N(64)
	case 3:
		return f.NormFloat64() * 1e300
	case 4, 5:
		return f.text()
	case 6:
		list := []any{}
		for range f.N(4) {
			list = append(list, f.value(depth-1))
		}
		return list
	default:
		doc := document{}
		for range f.N(4) {
			doc[f.one("value", "type", "primary", "display", "$ref", "givenName", f.attribute(), f.text())] = f.value(depth - 1)
		}
		return doc
	}
}

// filter is pieces of filters, mostly in an order that is wrong.
func (f fuzz) filter() string {
	var b strings.Builder
	for range 1 + f.N(4) {
		if f.N(3) == 0 {
			b.WriteString(f.one("(", ")", "[", "]", "not ", "not(", " and ", " or ", ".", ":", `"`, " "))
		}
		fmt.Fprintf(&b, "%s %s %s", f.attribute(), f.one("eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le", "xx", ""), f.one(quoted(f.text()), "true", "null", "17", "1e999", f.text(), ""))
		b.WriteString(f.one(" and ", " or ", " ", ")", "]", "", ""))
	}
	return b.String()
}

// path is pieces of paths.
func (f fuzz) path() string {
	return f.attribute() + f.one("", "", "["+f.filter()+"]", `[type eq "work"]`, `[value eq "x"]`, "[", "]") + f.one("", ".value", ".", ".nope", ":", f.text())
}
