package providers

import (
	"net/http"
	"slices"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
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
	needs    []*suite.Feature
	send     func(*suite.T) attempt
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
	a          *suite.Answer
	understood func()
	untouched  func()
}

// but are all profiles but some.
func but(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(suite.Profiles), func(p string) bool { return slices.Contains(names, p) })
}

// lenientCases are those of the tables.
func lenientCases() []suite.Case {
	var cases []suite.Case
	for _, l := range slices.Concat(lenientValues(), lenientElements(), lenientNames()) {
		cases = append(cases, suite.Case{Name: l.name, Source: l.source, Needs: l.needs, Run: l.check})
	}
	return cases
}

// check sends the request and judges what the server did.
func (l lenience) check(t *suite.T) {
	tried := l.send(t)
	accepted := tried.a.Status < 300
	switch {
	case t.Profile(l.by...):
		tried.a.Expect(accepted, "that a server for %s understands this", t.Suite.Profile)
		tried.understood()
	case !accepted:
		tried.a.Refused(http.StatusBadRequest)
		tried.untouched()
	case t.Generic() && l.strictly == mustRefuse:
		tried.a.Refused(http.StatusBadRequest)
	case l.strictly == mayIgnore && suite.Holds(t, func(*suite.T) { tried.untouched() }):
	default:
		tried.understood()
	}
}

// patchAttempt patches a resource.
func patchAttempt(r *suite.Resource, understood func(*suite.Answer), operations ...string) attempt {
	before := r.Get()
	a := r.T.Patch(r.Path, operations...)
	return attempt{a, func() { understood(r.Get()) }, func() { r.Get().SameBut(before.Doc) }}
}

// postAttempt creates a user of that name.
func postAttempt(t *suite.T, name, body string, understood func(*suite.Answer)) attempt {
	a := t.Post("/Users", body)
	return attempt{a, func() { understood(t.Get("/Users/" + a.Text("id")).OK(http.StatusOK)) }, func() {
		if a.Status >= 400 {
			t.Filter("/Users", `userName eq `+suite.Quoted(name)).Lists()
			return
		}
		a.Expect(false, "that nothing is made")
	}}
}

// filterAttempt queries for exactly these.
func filterAttempt(t *suite.T, endpoint, filter string, want ...*suite.Resource) attempt {
	a := t.Filter(endpoint, filter)
	return attempt{a, func() { a.Lists(want...) }, func() { a.Expect(a.Status >= 400, "an error") }}
}

// lenientValues are departures in the type of values.
func lenientValues() []lenience {
	booleans := []string{"Entra", "JumpCloud", "OneLogin", "Keycloak"}
	references := []string{"Entra", "OneLogin"}
	arrays := []string{"Entra", "OneLogin", "Keycloak"}
	return []lenience{
		{"BooleanStrings", `"False" for a boolean`, "Entra ID without its flag", booleans, mustRefuse, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) { a.Has("active", false) }, `{"op":"replace","path":"active","value":"False"}`)
		}},
		{"BooleanStrings", `"true" for a boolean`, "Keycloak's extensions", booleans, mustRefuse, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(`"active":false`), func(a *suite.Answer) { a.Has("active", true) }, `{"op":"replace","path":"active","value":"true"}`)
		}},
		{"BooleanStrings", `"active":"true" in a document`, "templates of OneLogin", booleans, mustRefuse, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"active":"true"`), func(a *suite.Answer) { a.Has("active", true) })
		}},
		{"BooleanStrings", `primary eq "True" in a path`, "Entra ID", booleans, mustRefuse, nil, func(t *suite.T) attempt {
			u := t.User(`"roles":[{"value":"a","primary":true},{"value":"b"}]`)
			return patchAttempt(u, func(a *suite.Answer) {
				a.Expect(a.Element("roles", "value", "a")["display"] == "d", "the display of the primary role").Expect(a.Element("roles", "value", "b")["display"] == nil, "no other changed")
			}, `{"op":"replace","path":"roles[primary eq \"True\"].display","value":"d"}`)
		}},
		{"ScalarForComplex", "a manager as a string", "Entra ID", references, mustRefuse, nil, func(t *suite.T) attempt {
			manager := t.User()
			return patchAttempt(t.User(), func(a *suite.Answer) { a.Has(suite.URNEnterprise+"/manager/value", manager.ID) }, `{"op":"add","path":"`+suite.URNEnterprise+`:manager","value":"`+manager.ID+`"}`)
		}},
		{"ScalarForComplex", `"" for no manager`, "Entra ID", references, mustRefuse, nil, func(t *suite.T) attempt {
			u := t.User(`"` + suite.URNEnterprise + `":{"manager":{"value":"` + t.User().ID + `"}}`)
			return patchAttempt(u, func(a *suite.Answer) { a.Lacks(suite.URNEnterprise + "/manager/value") }, `{"op":"replace","path":"`+suite.URNEnterprise+`:manager","value":""}`)
		}},
		{"ArrayForSingle", "a manager as an array", "Entra ID; scim-patch#453", arrays, mustRefuse, nil, func(t *suite.T) attempt {
			manager := t.User()
			return patchAttempt(t.User(), func(a *suite.Answer) { a.Has(suite.URNEnterprise+"/manager/value", manager.ID) },
				`{"op":"add","path":"`+suite.URNEnterprise+`:manager","value":[{"$ref":"`+t.Target.URL+manager.Path+`","value":"`+manager.ID+`"}]}`)
		}},
		{"ArrayForSingle", "a text as an array", "Keycloak's extensions; SCIM-SDK#968", arrays, mustRefuse, nil, func(t *suite.T) attempt {
			return patchAttempt(t.User(), func(a *suite.Answer) { a.Has("preferredLanguage", "de") }, `{"path":"preferredLanguage","op":"replace","value":["de"]}`)
		}},
		{"SingleForArray", "one e-mail address without brackets", "templates of OneLogin", but("Generic"), mayUnderstand, nil, func(t *suite.T) attempt {
			name := t.UserName()
			return postAttempt(t, name, t.UserBody(`"userName":`+suite.Quoted(name), `"emails":{"value":`+suite.Quoted(name)+`,"type":"work"}`), func(a *suite.Answer) { a.HasValues("emails", name) })
		}},
		{"SingleForArray", "one member without brackets", "operations of several clients", but("Generic"), mayUnderstand, nil, func(t *suite.T) attempt {
			u, other := t.User(), t.User()
			return patchAttempt(t.Group(other), func(a *suite.Answer) { a.HasMembers(u, other) }, `{"op":"add","path":"members","value":{"value":"`+u.ID+`"}}`)
		}},
		{"names", "managerId for the manager's value", "templates of OneLogin", but("Generic"), mayUnderstand, nil, func(t *suite.T) attempt {
			manager := t.User()
			u := t.User()
			a := t.Put(u.Path, t.UserBody(`"userName":`+suite.Quoted(u.Name), `"`+suite.URNEnterprise+`":{"manager":{"managerId":"`+manager.ID+`"}}`))
			return attempt{a, func() { u.Get().Has(suite.URNEnterprise+"/manager/value", manager.ID) }, func() { u.Get().Lacks(suite.URNEnterprise + "/manager") }}
		}},
		{"UnquotedLiterals", "a userName without quotes", "PingFederate; versions of authentik", []string{"Entra", "PingOne", "Authentik"}, mustRefuse, suite.Needs(suite.FilterFeature), func(t *suite.T) attempt {
			u := t.User()
			return filterAttempt(t, "/Users", "userName eq "+u.Name, u)
		}},
		{"UnquotedLiterals", "an externalId without quotes", "Entra ID's documentation", []string{"Entra", "PingOne", "Authentik"}, mustRefuse, suite.Needs(suite.FilterFeature), func(t *suite.T) attempt {
			word := "jyoung" + t.Random()
			u := t.User(`"externalId":"` + word + `"`)
			return filterAttempt(t, "/Users", "externalId eq "+word, u)
		}},
	}
}
