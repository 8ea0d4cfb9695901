package content_test

import (
	"reflect"
	"testing"

	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

type complexValue = content.Complex

// attribute is one of a user by its name, or of the extension of the tests.
func attribute(t *testing.T, name string) *schema.Attribute {
	t.Helper()
	if a := scimtest.UserType.Attribute(name); a != nil {
		return a
	}
	if a := scimtest.UserType.SchemaNamed(scimtest.URNTest).Attribute(name); a != nil {
		return a
	}
	t.Fatalf("there is no attribute %s", name)
	return nil
}

// What is unassigned (RFC 7643 section 2.5), what `pr` finds (RFC 7644 section 3.4.2.2),
// and what fulfils that an attribute is required.
func TestWhatIsAValue(t *testing.T) {
	for name, c := range map[string]struct {
		value                    any
		assigned, present, blank bool
	}{
		"null":                        {nil, false, false, true},
		"an empty list":               {[]any{}, false, false, true},
		"nothing in an object":        {complexValue{}, false, false, true},
		"an empty text":               {"", true, false, true},
		"a blank":                     {" ", true, true, true},
		"false":                       {false, true, true, false},
		"zero":                        {int64(0), true, true, false},
		"a text":                      {"x", true, true, false},
		"a list of empty texts":       {[]any{""}, true, false, false},
		"a list with one value":       {[]any{"", "x"}, true, true, false},
		"an object of empty texts":    {complexValue{"givenName": ""}, true, false, false},
		"an object with one value":    {complexValue{"givenName": "", "familyName": "J"}, true, true, false},
		"a list of objects with none": {[]any{complexValue{"value": ""}}, true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := content.Assigned(c.value); got != c.assigned {
				t.Errorf("Assigned is %v", got)
			}
			if got := content.Present(c.value); got != c.present {
				t.Errorf("Present is %v", got)
			}
			if got := content.IsBlank(c.value); got != c.blank {
				t.Errorf("IsBlank is %v", got)
			}
		})
	}
}

// What a change is: order counts in no list, case does in every value.
func TestEqual(t *testing.T) {
	work, home := complexValue{"value": "w@example.com", "type": "work"}, complexValue{"value": "h@example.com", "type": "home"}
	for name, c := range map[string]struct {
		attribute string
		x, y      any
		equal     bool
	}{
		"the same":                        {"title", "a", "a", true},
		"another case":                    {"title", "a", "A", false},
		"unassigned and empty list":       {"emails", nil, []any{}, true},
		"unassigned and an empty object":  {"name", complexValue{}, nil, true},
		"unassigned and empty text":       {"title", nil, "", false},
		"another order":                   {"emails", []any{work, home}, []any{home, work}, true},
		"one twice for two":               {"emails", []any{work, work}, []any{work, home}, false},
		"one more":                        {"emails", []any{work}, []any{work, home}, false},
		"a sub-attribute that is null":    {"emails", []any{work}, []any{complexValue{"value": "w@example.com", "type": "work", "display": nil}}, true},
		"what the server makes":           {"groups", []any{complexValue{"value": "g", "$ref": "x"}}, []any{complexValue{"value": "g", "$ref": "y"}}, true},
		"another primary":                 {"emails", []any{complexValue{"value": "a", "primary": true}}, []any{complexValue{"value": "a"}}, false},
		"a number of another type":        {"height", 1.0, int64(1), false},
		"a text and a list of it":         {"tags", []any{"a"}, "a", false},
		"an object and a text":            {"name", complexValue{"givenName": "a"}, "a", false},
		"texts in another order":          {"tags", []any{"a", "b"}, []any{"b", "a"}, true},
		"a list where one name is longer": {"tags", []any{"a", "bc"}, []any{"ab", "c"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := attribute(t, c.attribute)
			if content.Equal(a, c.x, c.y) != c.equal || content.Equal(a, c.y, c.x) != c.equal {
				t.Errorf("equal is not %v, one way or the other", c.equal)
			}
		})
	}
}

// No pair of value and type occurs twice (RFC 7643 section 2.4); nothing else is lost.
func TestDistinct(t *testing.T) {
	for name, c := range map[string]struct {
		attribute string
		in, want  []any
	}{
		"one":                            {"emails", []any{complexValue{"value": "a"}}, []any{complexValue{"value": "a"}}},
		"other types":                    {"emails", []any{complexValue{"value": "a", "type": "work"}, complexValue{"value": "a", "type": "home"}}, []any{complexValue{"value": "a", "type": "work"}, complexValue{"value": "a", "type": "home"}}},
		"the type in another case":       {"emails", []any{complexValue{"value": "a", "type": "work"}, complexValue{"value": "a", "type": "WORK"}}, []any{complexValue{"value": "a", "type": "work"}}},
		"the value in another case":      {"emails", []any{complexValue{"value": "a"}, complexValue{"value": "A"}}, []any{complexValue{"value": "a"}, complexValue{"value": "A"}}},
		"what the second has besides":    {"emails", []any{complexValue{"value": "a", "type": "work"}, complexValue{"value": "a", "type": "work", "display": "A", "primary": true}}, []any{complexValue{"value": "a", "type": "work", "display": "A", "primary": true}}},
		"what both have is of the first": {"emails", []any{complexValue{"value": "a", "display": "1"}, complexValue{"value": "a", "display": "2"}}, []any{complexValue{"value": "a", "display": "1"}}},
		"primary if one of them is":      {"emails", []any{complexValue{"value": "a", "primary": false}, complexValue{"value": "a", "primary": true}}, []any{complexValue{"value": "a", "primary": true}}},
		"no value, other content":        {"addresses", []any{complexValue{"locality": "Oslo"}, complexValue{"locality": "Bergen"}}, []any{complexValue{"locality": "Oslo"}, complexValue{"locality": "Bergen"}}},
		"no value, the same content":     {"addresses", []any{complexValue{"locality": "Oslo"}, complexValue{"locality": "Oslo"}}, []any{complexValue{"locality": "Oslo"}}},
		"texts":                          {"tags", []any{"a", "b", "a", "A"}, []any{"a", "b", "A"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := content.Clone(c.in).([]any)
			first := c.in[0]
			if got := content.Distinct(attribute(t, c.attribute), c.in); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if !reflect.DeepEqual(first, before[0]) {
				t.Error("an element was changed, which is not the caller's to change")
			}
		})
	}
	a := scimtest.GroupType.Attribute("members")
	members := []any{complexValue{"value": "1", "type": "User"}, complexValue{"value": "1", "display": "B"}}
	if got := content.Distinct(a, members); !reflect.DeepEqual(got, []any{complexValue{"value": "1", "type": "User"}}) {
		t.Errorf("a member is one by its value: %v", got)
	}
}

// Two elements that a client would take for the same one, when it removes or replaces it.
func TestElementKey(t *testing.T) {
	for name, c := range map[string]struct {
		attribute string
		x, y      any
		same      bool
	}{
		"value and type in another case": {"emails", complexValue{"value": "A@example.com", "type": "Work"}, complexValue{"value": "a@example.com", "type": "work"}, true},
		"another type":                   {"emails", complexValue{"value": "a", "type": "work"}, complexValue{"value": "a", "type": "home"}, false},
		"display does not count":         {"emails", complexValue{"value": "a", "display": "1"}, complexValue{"value": "a", "display": "2"}, true},
		"the whole, without a value":     {"addresses", complexValue{"locality": "Oslo"}, complexValue{"locality": "Oslo", "type": "work"}, false},
		"a certificate with its padding": {"x509Certificates", complexValue{"value": "QQ=="}, complexValue{"value": "QQ"}, true},
		"a certificate in another case":  {"x509Certificates", complexValue{"value": "QQ"}, complexValue{"value": "qq"}, false},
		"one time in two zones":          {"dates", "2020-01-31T10:00:00+02:00", "2020-01-31T08:00:00Z", true},
		"two times":                      {"dates", "2020-01-31T10:00:00Z", "2020-01-31T08:00:00Z", false},
		"texts whose case counts":        {"tags", "a", "A", false},
		"numbers":                        {"scores", int64(1), int64(1), true},
		"value and type are apart":       {"emails", complexValue{"value": "a", "type": "bc"}, complexValue{"value": "ab", "type": "c"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := attribute(t, c.attribute)
			if (content.ElementKey(a, c.x) == content.ElementKey(a, c.y)) != c.same {
				t.Errorf("%q and %q", content.ElementKey(a, c.x), content.ElementKey(a, c.y))
			}
		})
	}
}

// A multi-valued attribute sorts by its primary value or else the first (RFC 7644 section 3.4.2.3).
func TestFirst(t *testing.T) {
	one, two, primary := complexValue{"value": "1"}, complexValue{"value": "2", "primary": false}, complexValue{"value": "3", "primary": true}
	for name, c := range map[string]struct{ value, want any }{
		"no list":            {"x", "x"},
		"nothing":            {nil, nil},
		"an empty list":      {[]any{}, nil},
		"no primary":         {[]any{one, two}, one},
		"the primary":        {[]any{one, two, primary}, primary},
		"texts have no such": {[]any{"a", "b"}, "a"},
	} {
		if got := content.First(attribute(t, "emails"), c.value); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if n := content.CountPrimary(attribute(t, "emails"), []any{one, two, primary, primary}); n != 2 {
		t.Errorf("%d primary values", n)
	}
}

func TestAppendJSON(t *testing.T) {
	for want, c := range map[string]struct {
		attribute string
		value     any
	}{
		`{"familyName":"J","givenName":"B"}`:           {"name", complexValue{"givenName": "B", "familyName": "J", "middleName": nil}},
		`[{"value":"a","type":"work","primary":true}]`: {"emails", []any{complexValue{"primary": true, "type": "work", "value": "a"}}},
		`["<a>","\"\\\n"]`:                             {"tags", []any{"<a>", "\"\\\n"}},
		`[1,-9223372036854775808]`:                     {"scores", []any{int64(1), int64(-9223372036854775808)}},
		`[0.1,1e+21,1e-07,100]`:                        {"ratios", []any{0.1, 1e21, 1e-7, 100.0}},
		`{"id":"d","ports":[80,443]}`:                  {"device", complexValue{"ports": []any{int64(80), int64(443)}, "id": "d"}},
		`{}`:                                           {"name", complexValue{}},
		`[true,false]`:                                 {"flags", []any{true, false}},
	} {
		if got := string(content.AppendJSON(nil, attribute(t, c.attribute), c.value)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
