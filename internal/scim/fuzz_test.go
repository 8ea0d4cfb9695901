package scim_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// checkCanonical fails if a resource has anything that its schema does not, or if
// what is written does not read back alike.
func checkCanonical(t *testing.T, r *scim.Resource) {
	t.Helper()
	checkCompact(t, r)
	once := scimtest.Text(t, r)
	again, err := decode.FromJSON(r.Type(), []byte(once))
	if err != nil {
		t.Fatalf("not canonical: %v\n%s", err, once)
	}
	if scimtest.Text(t, again) != once {
		t.Fatalf("reads back differently:\n%s\n%s", once, scimtest.Text(t, again))
	}
	checkNames(t, r)
	p, err := render.ParseProjection(r.Type(), "", "meta")
	if err != nil {
		t.Fatal(err)
	}
	b, err := render.Resource(r.Type(), r, p, "https://example.com")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), `"password"`) || strings.Contains(string(b), `"pin"`) {
		t.Fatalf("a secret is rendered: %s", b)
	}
	// What a client gets, it can send.
	if _, err := document.Decode(r.Type(), b, scimtest.Strict); err != nil {
		t.Fatalf("what is rendered is refused: %v\n%s", err, b)
	}
}

func checkNames(t *testing.T, r *scim.Resource) {
	t.Helper()
	for name, v := range r.Attributes() {
		if s := r.Type().SchemaNamed(name); s != nil {
			for sub, x := range v.(scim.Complex) {
				checkValue(t, s.Attribute(sub), sub, x)
			}
			continue
		}
		checkValue(t, r.Type().Attribute(name), name, v)
	}
}

func checkValue(t *testing.T, a *schema.Attribute, name string, v any) {
	t.Helper()
	if a == nil || a.Name != name || a.Discarded() || !content.Assigned(v) {
		t.Fatalf("%q should not be there: %v", name, v)
	}
	list, ok := v.([]any)
	if ok != a.MultiValued {
		t.Fatalf("%q: %v", name, v)
	}
	if !ok {
		list = []any{v}
	}
	pairs := map[string]bool{}
	for _, e := range list {
		if k := content.PairKey(a, e); pairs[k] {
			t.Fatalf("%q has a value with its type twice: %v", name, v)
		} else {
			pairs[k] = true
		}
		c, ok := e.(scim.Complex)
		if ok != (a.Type == schema.TypeComplex) {
			t.Fatalf("%q: %v", name, v)
		}
		for sub, x := range c {
			checkValue(t, a.Sub(sub), sub, x)
		}
	}
	if content.CountPrimary(a, list) > 1 {
		t.Fatalf("%q has two primaries: %v", name, v)
	}
}

func clientError(t *testing.T, err error) {
	t.Helper()
	var e *scim.Error
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 || e.Detail == "" {
		t.Fatalf("not an error for a client: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{scimtest.RichUser, scimtest.User(scimtest.TwoEmails), scimtest.User(`"password":"x","name":{},"emails":[null,{"value":"x","primary":"True"}]`),
		scimtest.User(scimtest.EnterpriseKey + `:{"manager":"271"}`), scimtest.User(scimtest.EnterpriseKey + `:{"manager":{"managerId":"271","value":""}}`), scimtest.User(`"emails":{"value":"a"},"roles":["x"],"title":["x"]`),
		`{"schemas":["urn:scim:schemas:core:1.0"],"userName":"b","urn:scim:schemas:extension:enterprise:1.0":{"department":"D"}}`,
		`{"schemas":["` + schema.URNUser + `","` + scimtest.URNTest + `"],"userName":"b","` + scimtest.URNTest + `":{"badge":1,"height":1e3,"hired":"2020-01-01T00:00:00Z","key":"YQ==","tags":["a","a"],"pin":"1","sites":[{"name":"x"}]}}`} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	current, err := decode.FromJSON(scimtest.UserType, []byte(scimtest.RichUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte, lax bool) {
		l := scimtest.Strict
		if lax {
			l = scimtest.Lenient
		}
		r, err := document.Decode(scimtest.UserType, doc, l)
		if err != nil {
			clientError(t, err)
			return
		}
		checkCanonical(t, r)
		if r, err = document.Replace(scimtest.UserType, current, doc, l); err != nil {
			clientError(t, err)
			return
		}
		if r.ID() != current.ID() {
			t.Fatal("the id changed")
		}
		checkCanonical(t, r)
	})
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{`userName eq "bjensen"`, `not (title pr) or emails[type eq "work" and value co "@"].value sw "b"`, `meta.lastModified ge "2011-05-13T04:42:34Z"`,
		schema.URNEnterpriseUser + `:manager.displayName ew "x" and active eq true`, scimtest.URNTest + `:height gt -1.5e3`, `emails ne null`, `externalId eq jyoung`,
		scimtest.URNTest + `:tags[value eq "Red"]`, `roles[primary eq "True"]`, `(((title pr)))`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	r, err := decode.FromJSON(scimtest.UserType, []byte(scimtest.RichUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string, lax bool) {
		l := scimtest.Strict
		if lax {
			l = scimtest.Lenient
		}
		parsed, err := filter.Parse(scimtest.UserType, s, l)
		if err != nil {
			clientError(t, err)
			return
		}
		match := parsed.Match(r)
		if kept := r.Clone(); parsed.MatchCompact(compact.Of(kept), nil) != parsed.Match(withoutDerived(kept)) {
			t.Fatal("the filter finds something else in the compact form")
		}
		for _, e := range parsed.Equalities() {
			if !match {
				break
			}
			// A match must satisfy each equality.
			one, err := filter.Parse(scimtest.UserType, e.Path+" eq "+string(appendjson.String(nil, e.Value)), scimtest.Strict)
			if err != nil || !one.Match(r) {
				t.Fatalf("%s matches, but not %v: %v", s, e, err)
			}
		}
		if len(s) > filter.MaxLength-10 {
			return
		}
		if negated, err := filter.Parse(scimtest.UserType, "not ("+s+")", l); err == nil && negated.Match(r) == match {
			t.Fatalf("%s and its negation are both %v", s, match)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"title", "name.givenName", `emails[type eq "work"].value`, `emails[type eq "work" and not (primary eq true)]`,
		schema.URNEnterpriseUser, schema.URNEnterpriseUser + ":manager.value", scimtest.URNTest + `:tags[value eq "Red"]`, schema.URNUser + ":userName", "emails[", "a.b.c", ".", ":"} {
		f.Add(s)
	}
	current, err := decode.FromJSON(scimtest.UserType, []byte(scimtest.RichUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		quoted := string(appendjson.String(nil, path))
		for _, op := range []string{`{"op":"remove","path":` + quoted + `}`, `{"op":"add","path":` + quoted + `,"value":"x"}`} {
			for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
				p, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(op), l)
				if err != nil {
					clientError(t, err)
					continue
				}
				r, _, err := p.Apply(current)
				if err != nil {
					clientError(t, err)
					continue
				}
				checkCanonical(t, r)
				// What is removed, or added, stays so when it is done again.
				again, _, err := p.Apply(r)
				if err == nil && !again.Equal(r) {
					t.Fatalf("%s is not idempotent:\n%s\n%s", op, scimtest.Text(t, r), scimtest.Text(t, again))
				}
			}
		}
	})
}

func FuzzParsePatch(f *testing.F) {
	for _, s := range []string{`{"op":"add","path":"emails","value":[{"value":"x","primary":true}]}`, `{"op":"Remove","path":"emails","value":[{"value":"babs@example.com"}]}`,
		`{"op":"replace","path":"emails[type eq \"other\"].value","value":"x"},{"op":"remove","path":"name"}`, `{"op":"replace","value":{"name.givenName":"x","` + schema.URNEnterpriseUser + `:manager":"2"}}`,
		`{"op":"replace","path":"manager","value":""}`, `{"op":"remove","path":"` + scimtest.URNTest + `:tags[value eq \"Red\"]"}`, `{"op":"add","value":{"` + scimtest.URNTest + `":{"device":{"ports":[1,80]}}}}`,
		`{"op":"replace","path":"addresses[type eq \"work\"]","value":{"locality":"x"}}`, `{"op":"remove","path":"` + schema.URNEnterpriseUser + `"}`, `{"op":"add","path":"` + scimtest.URNTest + `:sites","value":[{"name":"x"}]}`,
		`{"op":"replace","path":"roles[primary eq \"True\"].display","value":"x"}`, `{"op":"add","path":"emails.primary","value":"True"}`, `{"op":"remove","path":"emails.type"}`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	current, err := decode.FromJSON(scimtest.UserType, []byte(scimtest.RichUser))
	if err != nil {
		f.Fatal(err)
	}
	before := string(render.JSON(current))
	f.Fuzz(func(t *testing.T, s string, lax bool) {
		l := scimtest.Strict
		if lax {
			l = scimtest.Lenient
		}
		p, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(s), l)
		if err != nil {
			clientError(t, err)
			return
		}
		r, changed, err := p.Apply(current)
		if scimtest.Text(t, current) != before {
			t.Fatal("the current resource changed")
		}
		if err != nil {
			clientError(t, err)
			return
		}
		if changed == r.Equal(current) {
			t.Fatalf("changed is %v: %s", changed, scimtest.Text(t, r))
		}
		if r.ID() != current.ID() || r.UserName() == "" {
			t.Fatalf("id or userName: %s", scimtest.Text(t, r))
		}
		checkCanonical(t, r)
		again, _, err := p.Apply(current)
		if err != nil || scimtest.Text(t, again) != scimtest.Text(t, r) {
			t.Fatalf("applied again: %v\n%s\n%s", err, scimtest.Text(t, r), scimtest.Text(t, again))
		}
	})
}

// checkCompact checks that the compact form of a resource is the resource.
func checkCompact(t *testing.T, r *scim.Resource) {
	t.Helper()
	want := withoutDerived(r.Clone())
	got := compact.Of(r.Clone()).Expand(nil)
	if !reflect.DeepEqual(got.Attributes(), want.Attributes()) {
		t.Fatalf("made compact and expanded, it is %v instead of %v", got.Attributes(), want.Attributes())
	}
}

// withoutDerived takes the derived attribute off a resource, as compact.Of does.
func withoutDerived(r *scim.Resource) *scim.Resource {
	r.SetDerived(nil)
	return r
}
