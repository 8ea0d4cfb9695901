package main

import (
	"net/http"
	"slices"
)

// lenience is a request of an identity provider that departs from the RFC, or that
// the RFC leaves to the server.
type lenience struct {
	// field is the switch in the server's own code, for those who mend it, or "names"
	// where the spelling of a name is understood for everybody.
	field        string
	name, source string
	// by are the profiles whose server must understand the request.
	by []string
	// strictly is what a Generic server may do instead of understanding it.
	strictly reaction
	needs    []*feature
	send     func(*T) attempt
}

// reaction is what a server that does not depart from the RFC does.
type reaction int

const (
	// mustRefuse is an error that leaves everything as it was.
	mustRefuse reaction = iota
	// mayUnderstand is an error, or what the client meant.
	mayUnderstand
	// mayIgnore is an error, or what the client meant, or a success without effect.
	mayIgnore
)

// attempt is a request that was sent, and how to see what it did. Both checks fail
// the case.
type attempt struct {
	a          *answer
	understood func()
	untouched  func()
}

// but are all profiles but some.
func but(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(profiles), func(p string) bool { return slices.Contains(names, p) })
}

// lenientCases are those of the table, and what every server must put up with.
func lenientCases() []testCase {
	var cases []testCase
	count := map[string]int{}
	for _, l := range slices.Concat(lenientValues(), lenientElements(), lenientNames()) {
		id := "lenient-" + l.field + "-" + string(rune('a'+count[l.field]))
		count[l.field]++
		cases = append(cases, testCase{id, l.name, l.source, l.needs, l.check})
	}
	return append(cases, clientCases()...)
}

// check sends the request and judges what the server did.
func (l lenience) check(t *T) {
	tried := l.send(t)
	accepted := tried.a.status < 300
	switch {
	case t.profile(l.by...):
		tried.a.expect(accepted, "that a server for %s understands this", t.suite.profile)
		tried.understood()
	case !accepted:
		tried.a.refused(http.StatusBadRequest)
		tried.untouched()
	case t.generic() && l.strictly == mustRefuse:
		tried.a.refused(http.StatusBadRequest)
	case l.strictly == mayIgnore && t.attempt(func(*T) { tried.untouched() }) == nil:
	default:
		tried.understood()
	}
}

// patchAttempt patches a resource.
func patchAttempt(r *resource, understood func(*answer), operations ...string) attempt {
	before := r.get()
	a := r.t.patch(r.path, operations...)
	return attempt{a, func() { understood(r.get()) }, func() { r.get().sameBut(before.doc) }}
}

// postAttempt creates a user of that name.
func postAttempt(t *T, name, body string, understood func(*answer)) attempt {
	a := t.post("/Users", body)
	return attempt{a, func() { understood(t.get("/Users/" + a.text("id")).ok(http.StatusOK)) }, func() {
		if a.status >= 400 {
			t.filter("/Users", `userName eq `+quoted(name)).lists()
			return
		}
		a.expect(false, "that nothing is made")
	}}
}

// filterAttempt queries for exactly these.
func filterAttempt(t *T, endpoint, filter string, want ...*resource) attempt {
	a := t.filter(endpoint, filter)
	return attempt{a, func() { a.lists(want...) }, func() { a.expect(a.status >= 400, "an error") }}
}

// lenientValues are departures in the type of values.
func lenientValues() []lenience {
	booleans := []string{"Entra", "JumpCloud", "OneLogin", "Keycloak"}
	references := []string{"Entra", "OneLogin"}
	arrays := []string{"Entra", "OneLogin", "Keycloak"}
	return []lenience{
		{"BooleanStrings", `"False" for a boolean`, "Entra ID without its flag", booleans, mustRefuse, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) { a.has("active", false) }, `{"op":"replace","path":"active","value":"False"}`)
		}},
		{"BooleanStrings", `"true" for a boolean`, "Keycloak's extensions", booleans, mustRefuse, nil, func(t *T) attempt {
			return patchAttempt(t.user(`"active":false`), func(a *answer) { a.has("active", true) }, `{"op":"replace","path":"active","value":"true"}`)
		}},
		{"BooleanStrings", `"active":"true" in a document`, "templates of OneLogin", booleans, mustRefuse, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"active":"true"`), func(a *answer) { a.has("active", true) })
		}},
		{"BooleanStrings", `primary eq "True" in a path`, "Entra ID", booleans, mustRefuse, nil, func(t *T) attempt {
			u := t.user(`"roles":[{"value":"a","primary":true},{"value":"b"}]`)
			return patchAttempt(u, func(a *answer) {
				a.expect(a.element("roles", "value", "a")["display"] == "d", "the display of the primary role").expect(a.element("roles", "value", "b")["display"] == nil, "no other changed")
			}, `{"op":"replace","path":"roles[primary eq \"True\"].display","value":"d"}`)
		}},
		{"ScalarForComplex", "a manager as a string", "Entra ID", references, mustRefuse, nil, func(t *T) attempt {
			manager := t.user()
			return patchAttempt(t.user(), func(a *answer) { a.has(urnEnterprise+"/manager/value", manager.id) }, `{"op":"add","path":"`+urnEnterprise+`:manager","value":"`+manager.id+`"}`)
		}},
		{"ScalarForComplex", `"" for no manager`, "Entra ID", references, mustRefuse, nil, func(t *T) attempt {
			u := t.user(`"` + urnEnterprise + `":{"manager":{"value":"` + t.user().id + `"}}`)
			return patchAttempt(u, func(a *answer) { a.lacks(urnEnterprise + "/manager/value") }, `{"op":"replace","path":"`+urnEnterprise+`:manager","value":""}`)
		}},
		{"ArrayForSingle", "a manager as an array", "Entra ID; scim-patch#453", arrays, mustRefuse, nil, func(t *T) attempt {
			manager := t.user()
			return patchAttempt(t.user(), func(a *answer) { a.has(urnEnterprise+"/manager/value", manager.id) },
				`{"op":"add","path":"`+urnEnterprise+`:manager","value":[{"$ref":"`+t.target.url+manager.path+`","value":"`+manager.id+`"}]}`)
		}},
		{"ArrayForSingle", "a text as an array", "Keycloak's extensions; SCIM-SDK#968", arrays, mustRefuse, nil, func(t *T) attempt {
			return patchAttempt(t.user(), func(a *answer) { a.has("preferredLanguage", "de") }, `{"path":"preferredLanguage","op":"replace","value":["de"]}`)
		}},
		{"SingleForArray", "one e-mail address without brackets", "templates of OneLogin", but("Generic"), mayUnderstand, nil, func(t *T) attempt {
			name := t.userName()
			return postAttempt(t, name, t.userBody(`"userName":`+quoted(name), `"emails":{"value":`+quoted(name)+`,"type":"work"}`), func(a *answer) { a.hasValues("emails", name) })
		}},
		{"SingleForArray", "one member without brackets", "operations of several clients", but("Generic"), mayUnderstand, nil, func(t *T) attempt {
			u, other := t.user(), t.user()
			return patchAttempt(t.group(other), func(a *answer) { a.hasMembers(u, other) }, `{"op":"add","path":"members","value":{"value":"`+u.id+`"}}`)
		}},
		{"names", "managerId for the manager's value", "templates of OneLogin", but("Generic"), mayUnderstand, nil, func(t *T) attempt {
			manager := t.user()
			u := t.user()
			a := t.put(u.path, t.userBody(`"userName":`+quoted(u.name), `"`+urnEnterprise+`":{"manager":{"managerId":"`+manager.id+`"}}`))
			return attempt{a, func() { u.get().has(urnEnterprise+"/manager/value", manager.id) }, func() { u.get().lacks(urnEnterprise + "/manager") }}
		}},
		{"UnquotedLiterals", "a userName without quotes", "PingFederate; versions of authentik", []string{"Entra", "PingOne", "Authentik"}, mustRefuse, needs(filterFeature), func(t *T) attempt {
			u := t.user()
			return filterAttempt(t, "/Users", "userName eq "+u.name, u)
		}},
		{"UnquotedLiterals", "an externalId without quotes", "Entra ID's documentation", []string{"Entra", "PingOne", "Authentik"}, mustRefuse, needs(filterFeature), func(t *T) attempt {
			word := "jyoung" + t.random()
			u := t.user(`"externalId":"` + word + `"`)
			return filterAttempt(t, "/Users", "externalId eq "+word, u)
		}},
	}
}
