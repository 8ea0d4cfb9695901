package scim

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// checkCanonical fails if a resource has anything that its schema does not, or if
// what is written does not read back alike.
func checkCanonical(t *testing.T, r *Resource) {
	t.Helper()
	checkFrozen(t, r)
	once := text(t, r)
	again, err := FromJSON(r.Type(), []byte(once))
	if err != nil {
		t.Fatalf("not canonical: %v\n%s", err, once)
	}
	if text(t, again) != once {
		t.Fatalf("reads back differently:\n%s\n%s", once, text(t, again))
	}
	checkNames(t, r)
	p, err := ParseProjection(r.Type(), "", "meta")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Render(r.Type(), r, p, "https://example.com")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), `"password"`) || strings.Contains(string(b), `"pin"`) {
		t.Fatalf("a secret is rendered: %s", b)
	}
	// What a client gets, it can send.
	if _, err := Decode(r.Type(), b, strict); err != nil {
		t.Fatalf("what is rendered is refused: %v\n%s", err, b)
	}
}

func checkNames(t *testing.T, r *Resource) {
	t.Helper()
	for name, v := range r.Attributes() {
		if s := r.Type().schemaNamed(name); s != nil {
			for sub, x := range v.(Complex) {
				checkValue(t, s.attr(sub), sub, x)
			}
			continue
		}
		checkValue(t, r.Type().attributeNamed(name), name, v)
	}
}

func checkValue(t *testing.T, a *Attribute, name string, v any) {
	t.Helper()
	if a == nil || a.Name != name || a.discarded() || !assigned(v) {
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
		if k := pairKey(a, e); pairs[k] {
			t.Fatalf("%q has a value with its type twice: %v", name, v)
		} else {
			pairs[k] = true
		}
		c, ok := e.(Complex)
		if ok != (a.Type == TypeComplex) {
			t.Fatalf("%q: %v", name, v)
		}
		for sub, x := range c {
			checkValue(t, a.sub(sub), sub, x)
		}
	}
	if countPrimary(a, list) > 1 {
		t.Fatalf("%q has two primaries: %v", name, v)
	}
}

func clientError(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 || e.Detail == "" {
		t.Fatalf("not an error for a client: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{richUser, user(twoEmails), user(`"password":"x","name":{},"emails":[null,{"value":"x","primary":"True"}]`),
		user(ent + `:{"manager":"271"}`), user(ent + `:{"manager":{"managerId":"271","value":""}}`), user(`"emails":{"value":"a"},"roles":["x"],"title":["x"]`),
		`{"schemas":["urn:scim:schemas:core:1.0"],"userName":"b","urn:scim:schemas:extension:enterprise:1.0":{"department":"D"}}`,
		`{"schemas":["` + URNUser + `","` + urnTest + `"],"userName":"b","` + urnTest + `":{"badge":1,"height":1e3,"hired":"2020-01-01T00:00:00Z","key":"YQ==","tags":["a","a"],"pin":"1","sites":[{"name":"x"}]}}`} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	current, err := FromJSON(userType, []byte(richUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte, lax bool) {
		l := strict
		if lax {
			l = lenient
		}
		r, err := Decode(userType, doc, l)
		if err != nil {
			clientError(t, err)
			return
		}
		checkCanonical(t, r)
		if r, err = Replace(userType, current, doc, l); err != nil {
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
		URNEnterpriseUser + `:manager.displayName ew "x" and active eq true`, urnTest + `:height gt -1.5e3`, `emails ne null`, `externalId eq jyoung`,
		urnTest + `:tags[value eq "Red"]`, `roles[primary eq "True"]`, `(((title pr)))`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	r, err := FromJSON(userType, []byte(richUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string, lax bool) {
		l := strict
		if lax {
			l = lenient
		}
		filter, err := ParseFilter(userType, s, l)
		if err != nil {
			clientError(t, err)
			return
		}
		match := filter.Match(r)
		if kept := r.Clone(); filter.MatchFrozen(Freeze(kept), nil) != filter.Match(withoutDerived(kept)) {
			t.Fatal("the filter finds something else in the frozen form")
		}
		for _, e := range filter.Equalities() {
			if !match {
				break
			}
			// A match must satisfy each equality.
			one, err := ParseFilter(userType, e.Path+" eq "+string(appendString(nil, e.Value)), strict)
			if err != nil || !one.Match(r) {
				t.Fatalf("%s matches, but not %v: %v", s, e, err)
			}
		}
		if len(s) > MaxFilterLength-10 {
			return
		}
		if negated, err := ParseFilter(userType, "not ("+s+")", l); err == nil && negated.Match(r) == match {
			t.Fatalf("%s and its negation are both %v", s, match)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"title", "name.givenName", `emails[type eq "work"].value`, `emails[type eq "work" and not (primary eq true)]`,
		URNEnterpriseUser, URNEnterpriseUser + ":manager.value", urnTest + `:tags[value eq "Red"]`, URNUser + ":userName", "emails[", "a.b.c", ".", ":"} {
		f.Add(s)
	}
	current, err := FromJSON(userType, []byte(richUser))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		quoted := string(appendString(nil, path))
		for _, op := range []string{`{"op":"remove","path":` + quoted + `}`, `{"op":"add","path":` + quoted + `,"value":"x"}`} {
			for _, l := range []Leniency{strict, lenient} {
				p, err := ParsePatch(userType, patchOp(op), l)
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
					t.Fatalf("%s is not idempotent:\n%s\n%s", op, text(t, r), text(t, again))
				}
			}
		}
	})
}

func FuzzParsePatch(f *testing.F) {
	for _, s := range []string{`{"op":"add","path":"emails","value":[{"value":"x","primary":true}]}`, `{"op":"Remove","path":"emails","value":[{"value":"babs@example.com"}]}`,
		`{"op":"replace","path":"emails[type eq \"other\"].value","value":"x"},{"op":"remove","path":"name"}`, `{"op":"replace","value":{"name.givenName":"x","` + URNEnterpriseUser + `:manager":"2"}}`,
		`{"op":"replace","path":"manager","value":""}`, `{"op":"remove","path":"` + urnTest + `:tags[value eq \"Red\"]"}`, `{"op":"add","value":{"` + urnTest + `":{"device":{"ports":[1,80]}}}}`,
		`{"op":"replace","path":"addresses[type eq \"work\"]","value":{"locality":"x"}}`, `{"op":"remove","path":"` + URNEnterpriseUser + `"}`, `{"op":"add","path":"` + urnTest + `:sites","value":[{"name":"x"}]}`,
		`{"op":"replace","path":"roles[primary eq \"True\"].display","value":"x"}`, `{"op":"add","path":"emails.primary","value":"True"}`, `{"op":"remove","path":"emails.type"}`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	current, err := FromJSON(userType, []byte(richUser))
	if err != nil {
		f.Fatal(err)
	}
	before := string(JSON(current))
	f.Fuzz(func(t *testing.T, s string, lax bool) {
		l := strict
		if lax {
			l = lenient
		}
		p, err := ParsePatch(userType, patchOp(s), l)
		if err != nil {
			clientError(t, err)
			return
		}
		r, changed, err := p.Apply(current)
		if text(t, current) != before {
			t.Fatal("the current resource changed")
		}
		if err != nil {
			clientError(t, err)
			return
		}
		if changed == r.Equal(current) {
			t.Fatalf("changed is %v: %s", changed, text(t, r))
		}
		if r.ID() != current.ID() || r.UserName() == "" {
			t.Fatalf("id or userName: %s", text(t, r))
		}
		checkCanonical(t, r)
		again, _, err := p.Apply(current)
		if err != nil || text(t, again) != text(t, r) {
			t.Fatalf("applied again: %v\n%s\n%s", err, text(t, r), text(t, again))
		}
	})
}

// checkFrozen checks that the frozen form of a resource is the resource.
func checkFrozen(t *testing.T, r *Resource) {
	t.Helper()
	want := withoutDerived(r.Clone())
	got := Freeze(r.Clone()).Thaw(nil)
	if !reflect.DeepEqual(got.Attributes(), want.Attributes()) {
		t.Fatalf("frozen and thawed, it is %v instead of %v", got.Attributes(), want.Attributes())
	}
}

// withoutDerived takes the derived attribute off a resource, as Freeze does.
func withoutDerived(r *Resource) *Resource {
	r.SetDerived(nil)
	return r
}
