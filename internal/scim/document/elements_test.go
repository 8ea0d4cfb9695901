package document_test

import (
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Only null, an empty array and absence unassign an attribute with several values (RFC
// 7643 section 2.5). A list whose elements name nobody is refused, whoever sends it: it
// would empty a group.
func TestMembersThatNameNobody(t *testing.T) {
	nobody := []string{`[{"value":null}]`, `[{}]`, `[null]`, `{}`, `[{"value":["a"]}]`, `[{"value":[]}]`, `[{"value":""}]`, `[{"$ref":null,"value":null}]`,
		`[{"display":"Bob"}]`, `[{"nope":"a"}]`, `[{"value":"a"},{"value":null}]`, `[{"value":"a"},null]`, `{"value":null}`, `[""]`, `[[]]`}
	current := scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)
	for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
		for _, value := range nobody {
			for _, op := range []string{
				`{"op":"replace","path":"members","value":` + value + `}`, `{"op":"replace","value":{"members":` + value + `}}`,
				`{"op":"add","path":"members","value":` + value + `}`, `{"op":"remove","path":"members","value":` + value + `}`,
			} {
				got, _, err := scimtest.Apply(scimtest.GroupType, current, l, op)
				if err == nil {
					t.Errorf("accepted %s: %v", op, got.Members().IDs())
				}
			}
			doc := []byte(`{"schemas":["` + schema.URNGroup + `"],"displayName":"Tour Guides","members":` + value + `}`)
			if _, err := document.Decode(scimtest.GroupType, doc, l); err == nil {
				t.Errorf("created %s", doc)
			}
			if got, err := document.Replace(scimtest.GroupType, current, doc, l); err == nil {
				t.Errorf("replaced by %s: %v", doc, got.Members().IDs())
			}
		}
		for _, value := range []string{`[{"value":null}]`, `[{}]`, `[null]`} {
			_, _, err := scimtest.Apply(scimtest.GroupType, current, l, `{"op":"replace","path":"members","value":`+value+`}`)
			scimtest.Want(t, err, 400, scim.InvalidValue)
		}
		for _, value := range []string{`{}`, `{"value":null}`} {
			_, _, err := scimtest.Apply(scimtest.GroupType, current, l, `{"op":"replace","path":"members[value eq \"a\"]","value":`+value+`}`)
			scimtest.Want(t, err, 400, scim.InvalidValue)
		}
		for _, value := range []string{`[]`, `null`} {
			got, _, err := scimtest.Apply(scimtest.GroupType, current, l, `{"op":"replace","path":"members","value":`+value+`}`)
			if err != nil || got.Members().IDs() != nil {
				t.Error(value, got, err)
			}
		}
	}
}

// The same goes for the elements of every other attribute, unless a provider is known to
// send empty ones; and for all that must have something.
func TestElementsWithNothingInThem(t *testing.T) {
	empty := []string{`"emails":[{"value":null}]`, `"addresses":[{}]`, `"phoneNumbers":[null]`, `"roles":[{"value":null,"type":null}]`}
	full := []string{`"emails":[{"value":["a"]}]`, `"emails":[{"nope":"a"}]`, scimtest.TestKey + `:{"sites":[{}]}`, scimtest.TestKey + `:{"sites":[{"name":null,"desk":"4"}]}`, scimtest.TestKey + `:{"sites":[null]}`}
	for _, member := range append(empty, full...) {
		_, err := document.Decode(scimtest.UserType, []byte(scimtest.User(member)), scimtest.Strict)
		if err == nil {
			t.Error("created", member)
		}
		_, err = scimtest.Patched(t, scimtest.UserType, scimtest.User(scimtest.TwoEmails), scimtest.Strict, `{"op":"replace","value":{`+member+`}}`)
		if err == nil {
			t.Error("patched", member)
		}
	}
	for _, member := range empty {
		l := scimtest.Lenient
		l.EmptyElements = false
		_, err := document.Decode(scimtest.UserType, []byte(scimtest.User(member)), l)
		scimtest.Want(t, err, 400, scim.InvalidValue)
		r, err := document.Decode(scimtest.UserType, []byte(scimtest.User(member)), scimtest.Lenient)
		if err != nil || scimtest.Text(t, r) != scimtest.Text(t, scimtest.Stored(t, scimtest.UserType, scimtest.User(``))) {
			t.Error(member, err)
		}
	}
	for _, member := range full {
		_, err := document.Decode(scimtest.UserType, []byte(scimtest.User(member)), scimtest.Lenient)
		scimtest.Want(t, err, 400, scim.InvalidValue)
	}
}

// A remove takes away no more than its value names: what cannot be understood, and null
// for what would tell one element from others, is refused.
func TestRemoveValuesThatNameTooMuch(t *testing.T) {
	for _, value := range []string{`[{"type":"work","value":null}]`, `[{"type":"work","nope":"x"}]`, `[{"value":null}]`, `[{"nope":"x"}]`, `[{}]`} {
		got, err := scimtest.Patched(t, scimtest.UserType, scimtest.User(scimtest.TwoEmails), scimtest.Lenient, `{"op":"remove","path":"emails","value":`+value+`}`)
		if err == nil && got != "=" {
			t.Errorf("%s: %s", value, got)
		}
	}
	got, err := scimtest.Patched(t, scimtest.GroupType, scimtest.GroupDoc, scimtest.Lenient, `{"op":"remove","path":"members","value":[{"value":"a","$ref":null,"nope":"x"}]}`)
	if err != nil || got == "=" {
		t.Error("a member is known by its value:", err)
	}
}
