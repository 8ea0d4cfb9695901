package scim

import (
	"strings"
	"testing"
	"time"
)

func TestResource(t *testing.T) {
	r := NewResource(userType, nil)
	if _, assigned := r.Active(); assigned || r.ID() != "" || r.UserName() != "" || r.MemberIDs() != nil {
		t.Error("an empty resource has something")
	}
	r.SetID("1")
	r.SetActive(false)
	r.SetMeta(Meta{Created: time.Unix(0, 0), Version: `W/"1"`})
	if v, assigned := r.Active(); v || !assigned || r.ID() != "1" || r.Meta().Version != `W/"1"` || r.Type() != userType {
		t.Error(r)
	}
	r = NewResource(userType, Complex{"schemas": []any{"x"}, "meta": Complex{"version": `W/"2"`, "created": "2010-01-23T04:56:22Z"}})
	if len(r.Attributes()) != 0 || r.Meta().Version != `W/"2"` || r.Meta().Created.IsZero() {
		t.Error(r.Attributes(), r.Meta())
	}
}

func TestClone(t *testing.T) {
	r := stored(t, userType, richUser)
	before := text(t, r)
	c := r.Clone()
	if text(t, c) != before || !c.Equal(r) || c.Meta() != r.Meta() {
		t.Error("not the same")
	}
	c.Attributes()["emails"].([]any)[0].(Complex)["value"] = "x"
	c.Attributes()[URNEnterpriseUser].(Complex)["manager"].(Complex)["value"] = "x"
	c.SetActive(false)
	if text(t, r) != before {
		t.Error("the original changed")
	}
}

func TestEqual(t *testing.T) {
	type change = func(Complex)
	for name, c := range map[string]struct {
		change change
		equal  bool
	}{
		"nothing":              {func(Complex) {}, true},
		"id":                   {func(c Complex) { c["id"] = "x" }, true},
		"groups":               {func(c Complex) { delete(c, "groups") }, true},
		"read-only sub":        {func(c Complex) { delete(c[URNEnterpriseUser].(Complex)["manager"].(Complex), "displayName") }, true},
		"order":                {func(c Complex) { l := c["emails"].([]any); l[0], l[1] = l[1], l[0] }, true},
		"empty is unassigned":  {func(c Complex) { c["ims"] = []any{}; c["locale"] = nil; c["roles"] = nil }, true},
		"externalId":           {func(c Complex) { c["externalId"] = "x" }, false},
		"case":                 {func(c Complex) { c["userName"] = "BJENSEN@example.com" }, false},
		"one less":             {func(c Complex) { c["emails"] = c["emails"].([]any)[:1] }, false},
		"one twice":            {func(c Complex) { l := c["emails"].([]any); l[1] = l[0] }, false},
		"unassigned":           {func(c Complex) { delete(c, "title") }, false},
		"sub unassigned":       {func(c Complex) { delete(c["name"].(Complex), "givenName") }, false},
		"complex unassigned":   {func(c Complex) { delete(c, "name") }, false},
		"extension unassigned": {func(c Complex) { delete(c, URNEnterpriseUser) }, false},
		"another kind":         {func(c Complex) { c["title"] = Complex{"x": "y"}; c["name"] = "x"; c["emails"] = "x" }, false},
		"a list of others":     {func(c Complex) { c["title"] = []any{"Tour Guide"} }, false},
	} {
		r := stored(t, userType, richUser)
		o := r.Clone()
		c.change(o.Attributes())
		if r.Equal(o) != c.equal || o.Equal(r) != c.equal {
			t.Errorf("%s: %v", name, !c.equal)
		}
	}
	r := stored(t, userType, richUser)
	if r.Equal(nil) || r.Equal(stored(t, groupType, groupDoc)) || !(*Resource)(nil).Equal(nil) {
		t.Error("nil, or another type")
	}
}

func TestFold(t *testing.T) {
	for in, out := range map[string]string{
		"": "", "bob": "bob", "BOB@Example.COM": "bob@example.com", "Bob Smith": "bob smith",
		"ÉLODIE": "élodie", "E\u0301lodie": "élodie", "Ｂｏｂ": "bob", "STRASSE": "strasse", "Straße": "strasse", "ẞ": "ss",
		"ΟΔΟΣ": "οδοσ", "οδος": "οδοσ", "\u212A": "k", "ﬁ": "fi", "ｶﾞ": "ガ", "Ǆ": "ǆ", "a\x00B": "a\x00b", "\xffA": "\xffa",
	} {
		if got := Fold(in); got != out {
			t.Errorf("%q: got %q, want %q", in, got, out)
		}
		if !EqualFold(in, Fold(in)) || EqualFold(in+"x", Fold(in)) || EqualFold(in, Fold(in)+"x") {
			t.Errorf("%q: EqualFold", in)
		}
	}
	if testing.AllocsPerRun(10, func() { EqualFold("Bjensen@Example.com", "bjensen@example.com"); Fold("bob") }) > 0 {
		t.Error("ASCII allocates")
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Bob", "É", "ΐ", "İ", "\u0345", "ﾞ", "\xff", "ᾳ\u0301"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Fold(s)
		if again := Fold(once); again != once {
			t.Errorf("%q folds to %q, and that to %q", s, once, again)
		}
		if !EqualFold(s, once) {
			t.Errorf("%q is not equal to its fold", s)
		}
	})
}

// EqualFold does not fold what is so much longer than the key that it cannot be equal.
func TestFoldShrinksSoMuchAtMost(t *testing.T) {
	short := func(s string) {
		if folded := Fold(s); len(s) > mostShrink*len(folded) || !EqualFold(s, folded) {
			t.Errorf("%q, of %d bytes, folds to %q, of %d", s, len(s), folded, len(folded))
		}
	}
	for r := range rune(0x30000) {
		short(string(r))
		short("a" + string(r))
		short("\uff21" + string(r)) // a full-width A
	}
	for _, s := range []string{"\u1112\u1161\u11ab", "\uff76\uff9e", "u\u0308\u0304", "\uff35\u0308\u0304", "\u0391\u0313\u0300\u0345", "\U0001d400\u0301"} {
		short(s)
		short(strings.Repeat(s, 100))
	}
}

func TestDateTime(t *testing.T) {
	for in, out := range map[string]string{
		"2008-01-23T04:56:22Z":              "2008-01-23T04:56:22Z",
		"2008-01-23T04:56:22.123456789123Z": "2008-01-23T04:56:22.123456789Z",
		"2008-01-23T04:56:22.5-05:30":       "2008-01-23T10:26:22.5Z",
		"2008-01-23T24:00:00Z":              "2008-01-24T00:00:00Z",
		"2008-02-29T00:00:00+14:00":         "2008-02-28T10:00:00Z",
	} {
		got, ok := parseDateTime(in)
		if !ok || got.UTC().Format(time.RFC3339Nano) != out {
			t.Errorf("%s: %v %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "T", "2008-01-23", "2008-01-23T04:56:22", "2008-01-23 04:56:22Z", "2008-01-23t04:56:22z", "2008-1-23T04:56:22Z", "208-01-23T04:56:22Z",
		"2008-13-23T04:56:22Z", "2008-00-23T04:56:22Z", "2008-01-32T04:56:22Z", "2009-02-29T04:56:22Z", "2008-01-23T25:00:00Z", "2008-01-23T24:00:01Z", "2008-01-23T04:60:22Z", "2008-01-23T04:56:60Z",
		"2008-01-23T04:56Z", "2008-01-23T04:56:22.Z", "2008-01-23T04:56:22.xZ", "2008-01-23T04:56:22+1:00", "2008-01-23T04:56:22+14:01", "2008-01-23T04:56:22+15:00", "2008-01-23T04:56:22+01:60",
		"2008-01-23T04:56:22+0100", "2008-01-23T04:56:22,5Z", "0000-01-23T04:56:22Z", "02008-01-23T04:56:22Z", "+008-01-23T04:56:22Z", "2008-01-23T-4:56:22Z", "2008-01-23TZ", "2008-01-00T04:56:22Z", "9999999-01-01T00:00:00Z"} {
		if got, ok := parseDateTime(in); ok {
			t.Errorf("%s: %v", in, got)
		}
	}
}
