package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// T is one running case: it sends requests and fails the case. Its methods panic
// when the case is over; the runner knows these panics.
type T struct {
	suite    *suite
	target   target
	journal  *journal
	deadline time.Time
}

type failure struct {
	at       *answer
	expected string
}

type skip struct{ why string }

func (s *suite) newT() *T {
	return &T{suite: s, target: s.main, journal: &journal{}, deadline: time.Now().Add(s.caseTimeout)}
}

// on is the same case as seen from another tenant, or with another token.
func (t *T) on(other target) *T {
	c := *t
	c.target = other
	return &c
}

// profile says whether the run is for one of the identity providers.
func (t *T) profile(names ...string) bool { return slices.Contains(names, t.suite.profile) }

// generic says whether the server is to keep to the RFC.
func (t *T) generic() bool { return t.profile("Generic") }

func (t *T) exchanges() []*answer {
	t.journal.mu.Lock()
	defer t.journal.mu.Unlock()
	return slices.Clone(t.journal.exchanges)
}

// fail ends the case. What is expected is said in the report after the exchange.
func (t *T) fail(at *answer, expected string, args ...any) {
	panic(&failure{at, fmt.Sprintf(expected, args...)})
}

// skip ends the case as not applicable.
func (t *T) skip(why string) { panic(&skip{why}) }

// try sends a request, and returns an error when no answer comes.
func (t *T) try(r request) (*answer, error) {
	a := t.suite.send(t.target, r, t.deadline)
	a.t = t
	t.journal.note(t.target, a)
	return a, a.err
}

// do sends a request. Headers are names and values.
func (t *T) do(method, path, body string, headers ...string) *answer {
	a, err := t.try(request{method, path, body, headers})
	if err != nil {
		t.fail(a, "an answer within %s", t.suite.requestTimeout)
	}
	return a
}

func (t *T) get(path string, headers ...string) *answer {
	return t.do(http.MethodGet, path, "", headers...)
}

func (t *T) post(path, body string, headers ...string) *answer {
	return t.do(http.MethodPost, path, body, headers...)
}

func (t *T) put(path, body string, headers ...string) *answer {
	return t.do(http.MethodPut, path, body, headers...)
}

func (t *T) delete(path string, headers ...string) *answer {
	return t.do(http.MethodDelete, path, "", headers...)
}

// patch sends operations, each the JSON text of one.
func (t *T) patch(path string, operations ...string) *answer {
	t.need(patchFeature)
	return t.do(http.MethodPatch, path, patchOf(operations...))
}

func patchOf(operations ...string) string {
	return `{"schemas":["` + urnPatch + `"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// filter queries an endpoint and returns the answer.
func (t *T) filter(endpoint, filter string, parameters ...string) *answer {
	t.need(filterFeature)
	return t.get(query(endpoint, append([]string{"filter", filter}, parameters...)...))
}

// resource is a user or group that the case has made.
type resource struct {
	t        *T
	id, path string
	name     string // the userName or displayName
	doc      document
	etag     string
}

// random is a word that nobody else has.
func (t *T) random() string { return t.suite.mark + strings.ToLower(rand.Text()[:10]) }

// userName is one that nobody else has.
func (t *T) userName() string { return "u-" + t.random() + "@example.com" }

// userDoc is an ordinary user, with the members of a JSON object in addition or
// instead.
func (t *T) userDoc(members ...string) document {
	name := t.userName()
	doc := document{
		"schemas":     []any{urnUser},
		"userName":    name,
		"name":        document{"givenName": "Barbara", "familyName": "Jensen"},
		"displayName": "Babs Jensen",
		"emails":      []any{document{"value": name, "type": "work", "primary": true}},
		"active":      true,
	}
	more := parsed("{" + strings.Join(members, ",") + "}")
	if more[urnEnterprise] != nil {
		doc["schemas"] = []any{urnUser, urnEnterprise}
	}
	maps.Copy(doc, more)
	return doc
}

// userBody is userDoc as text.
func (t *T) userBody(members ...string) string { return jsonOf(t.userDoc(members...)) }

// groupDoc is a group, with the members of a JSON object in addition or instead.
func (t *T) groupDoc(members ...string) document {
	doc := document{"schemas": []any{urnGroup}, "displayName": "g-" + t.random()}
	maps.Copy(doc, parsed("{"+strings.Join(members, ",")+"}"))
	return doc
}

// user makes a user.
func (t *T) user(members ...string) *resource {
	return t.create("/Users", t.userBody(members...))
}

// users makes several.
func (t *T) users(n int, members ...string) []*resource {
	made := make([]*resource, n)
	for i := range made {
		made[i] = t.user(members...)
	}
	return made
}

// group makes a group of the resources.
func (t *T) group(members ...*resource) *resource {
	return t.create("/Groups", jsonOf(t.groupDoc(`"members":`+membersOf(members...))))
}

// create makes a resource of which the body is given, and reads what it is then.
func (t *T) create(endpoint, body string) *resource {
	return t.post(endpoint, body).ok(http.StatusCreated).resource(endpoint)
}

// resource is the one that an answer shows.
func (a *answer) resource(endpoint string) *resource {
	id := a.text("id")
	r := &resource{t: a.t, id: id, path: endpoint + "/" + id, doc: a.doc, etag: a.header.Get("ETag")}
	if r.name, _ = a.doc["userName"].(string); r.name == "" {
		r.name, _ = a.doc["displayName"].(string)
	}
	return r
}

// get reads the resource as it is now.
func (r *resource) get(parameters ...string) *answer {
	return r.t.get(query(r.path, parameters...)).ok(http.StatusOK)
}

// patched changes the resource, which must succeed, and reads what it is then.
func (r *resource) patched(operations ...string) *answer {
	r.t.patch(r.path, operations...).ok(http.StatusOK, http.StatusNoContent)
	return r.get()
}

// replaced puts a document in its place, which must succeed, and reads what it is
// then.
func (r *resource) replaced(doc document) *answer {
	r.t.put(r.path, jsonOf(doc)).ok(http.StatusOK)
	return r.get()
}

// membersOf is the value of `members` for the resources.
func membersOf(members ...*resource) string {
	list := make([]document, len(members))
	for i, m := range members {
		list[i] = document{"value": m.id}
	}
	return jsonOf(list)
}

// parsed reads a JSON object that the suite itself has written.
func parsed(text string) document {
	var doc document
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return doc
}

func jsonOf(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// quoted is a JSON string.
func quoted(s string) string { return jsonOf(s) }
