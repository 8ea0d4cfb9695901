package safety

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// fuzz makes hostile input, the same for the same seed.
type fuzz struct{ *rand.Rand }

// newFuzz returns the fuzz of one form of requests.
func newFuzz(seed uint64, form int) fuzz {
	return fuzz{rand.New(rand.NewPCG(seed, uint64(form)))}
}

// hostileForms are the forms of hostile requests. Each gets its share of --requests.
var hostileForms = []struct {
	name string
	make func(f fuzz, u, g *suite.Resource) suite.Request
}{
	{"documents with bytes changed, lost and doubled", func(f fuzz, u, _ *suite.Resource) suite.Request {
		body := f.damaged(u.T.UserBody(suite.TourGuide))
		if f.N(2) == 0 {
			return suite.Request{Method: http.MethodPut, Path: u.Path, Body: body}
		}
		return suite.Request{Method: http.MethodPost, Path: "/Users", Body: body}
	}},
	{"documents with values of any kind", func(f fuzz, u, _ *suite.Resource) suite.Request {
		doc := u.T.UserDoc(suite.TourGuide)
		for range 1 + f.N(4) {
			doc[f.attribute()] = f.value(3)
		}
		if f.N(2) == 0 {
			return suite.Request{Method: http.MethodPut, Path: u.Path, Body: suite.JSON(doc)}
		}
		return suite.Request{Method: http.MethodPost, Path: "/Users", Body: suite.JSON(doc)}
	}},
	{"filters with pieces in any order", func(f fuzz, _, _ *suite.Resource) suite.Request {
		endpoint := f.one("/Users", "/Groups")
		filter := f.filter()
		if f.N(3) == 0 {
			return suite.Request{Method: http.MethodPost, Path: endpoint + "/.search", Body: suite.Search(`"count":1,"filter":` + suite.Quoted(filter))}
		}
		return suite.Request{Method: http.MethodGet, Path: suite.Query(endpoint, "count", "1", "filter", filter)}
	}},
	{"paths of a PATCH with pieces in any order", func(f fuzz, u, g *suite.Resource) suite.Request {
		r := []*suite.Resource{u, g}[f.N(2)]
		operation := suite.Document{"op": f.one("add", "replace", "remove"), "path": f.path()}
		if f.N(3) > 0 {
			operation["value"] = f.value(2)
		}
		return suite.Request{Method: http.MethodPatch, Path: r.Path, Body: suite.PatchOf(suite.JSON(operation))}
	}},
	{"operations of any form", func(f fuzz, u, g *suite.Resource) suite.Request {
		r := []*suite.Resource{u, g}[f.N(2)]
		var operations []string
		for range f.N(4) {
			operation := suite.Document{}
			for _, name := range []string{"op", "path", "value", "Op", "x"} {
				switch f.N(4) {
				case 0:
					operation[name] = f.value(2)
				case 1:
					operation[name] = f.one("add", "replace", "remove", "ADD", f.attribute(), f.path())
				}
			}
			operations = append(operations, suite.JSON(operation))
		}
		body := suite.PatchOf(operations...)
		if f.N(3) == 0 {
			body = f.damaged(body)
		}
		return suite.Request{Method: http.MethodPatch, Path: r.Path, Body: body}
	}},
	{"URLs of any form", func(f fuzz, _, _ *suite.Resource) suite.Request {
		path := "/" + f.one("Users", "Groups", "Schemas", "ResourceTypes", "Me", "", "users", ".search", "Bulk", "..") + "/"
		path += url.PathEscape(f.text())
		return suite.Request{Method: f.one(http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, "BREW"), Path: path}
	}},
	{"parameters of any form", func(f fuzz, u, _ *suite.Resource) suite.Request {
		path := f.one("/Users", "/Groups", u.Path, "/Schemas", "/")
		var parameters []string
		for range 1 + f.N(3) {
			name := f.one("startIndex", "count", "attributes", "excludedAttributes", "sortBy", "sortOrder", "cursor")
			parameters = append(parameters, name, f.one("", "-1", "0", "1", "2147483648", "1e9", "ascending", f.text(), f.attribute(), f.path(), f.attribute()+","+f.path()))
		}
		return suite.Request{Method: http.MethodGet, Path: suite.Query(path, append(parameters, "count", "1")...)}
	}},
	{"bulk requests of any form", func(f fuzz, u, _ *suite.Resource) suite.Request {
		// Only what is the case's own may be changed.
		operation := suite.Document{"method": f.one("POST", "PUT", "PATCH", "BREW", ""), "path": f.one(u.Path, "/Users", "/Groups", "Users", "", "/Bulk"), "bulkId": f.one("a", "bulkId:a", "")}
		for _, name := range []string{"data", "version", "bulkId"} {
			if f.N(3) == 0 {
				operation[name] = f.value(2)
			}
		}
		body := `{"schemas":["` + suite.URNBulk + `"],"failOnErrors":` + suite.JSON(f.value(0)) + `,"Operations":[` + suite.JSON(operation) + `]}`
		if f.N(3) == 0 {
			body = f.damaged(body)
		}
		return suite.Request{Method: http.MethodPost, Path: "/Bulk", Body: body}
	}},
}

// hostileCases are the random ones, and some that are known to hurt.
func hostileCases() []suite.Case {
	var cases []suite.Case
	for i, form := range hostileForms {
		cases = append(cases, suite.Case{Name: form.name, Source: "RFC 7644 §3.12", Run: func(t *suite.T) {
			f := newFuzz(t.Suite.Seed, i)
			u, g := t.User(), t.Group()
			for range max(1, t.Suite.Requests/len(hostileForms)) {
				survives(t, form.make(f, u, g))
			}
			g.Get()
			u.Get().Text("userName")
		}})
	}
	return append(cases, hostileKnown()...)
}

// survives checks that a request hurts nobody: the answer is quick, no 5xx, and
// if an error then a SCIM Error.
func survives(t *suite.T, r suite.Request) *suite.Answer {
	a := t.Do(r.Method, r.Path, r.Body)
	a.Expect(a.Status < 500 || a.Status == http.StatusNotImplemented, "no 5xx (seed %d)", t.Suite.Seed)
	a.Expect(a.Took < t.Suite.Slow, "an answer within %s (seed %d)", t.Suite.Slow, t.Suite.Seed)
	if a.Status >= 400 && r.Method != http.MethodHead {
		a.IsError()
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
		"password", "title", "displayName", "roles", "x509Certificates", "photos", suite.URNUser, suite.URNEnterprise, suite.URNEnterprise+":manager", suite.URNEnterprise+":department", "", "$ref", "nope", "a.b.c", "é")
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
		doc := suite.Document{}
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
		fmt.Fprintf(&b, "%s %s %s", f.attribute(), f.one("eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le", "xx", ""), f.one(suite.Quoted(f.text()), "true", "null", "17", "1e999", f.text(), ""))
		b.WriteString(f.one(" and ", " or ", " ", ")", "]", "", ""))
	}
	return b.String()
}

// path is pieces of paths.
func (f fuzz) path() string {
	return f.attribute() + f.one("", "", "["+f.filter()+"]", `[type eq "work"]`, `[value eq "x"]`, "[", "]") + f.one("", ".value", ".", ".nope", ":", f.text())
}
