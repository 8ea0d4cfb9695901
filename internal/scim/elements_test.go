package scim

import "testing"

// Only null, an empty array and absence unassign an attribute with several values (RFC
// 7643 section 2.5). A list whose elements name nobody is refused, whoever sends it: it
// would empty a group.
func TestMembersThatNameNobody(t *testing.T) {
	nobody := []string{`[{"value":null}]`, `[{}]`, `[null]`, `{}`, `[{"value":["a"]}]`, `[{"value":[]}]`, `[{"value":""}]`, `[{"$ref":null,"value":null}]`,
		`[{"display":"Bob"}]`, `[{"nope":"a"}]`, `[{"value":"a"},{"value":null}]`, `[{"value":"a"},null]`, `{"value":null}`, `[""]`, `[[]]`}
	current := stored(t, groupType, groupDoc)
	for _, l := range []Leniency{strict, lenient} {
		for _, value := range nobody {
			for _, op := range []string{
				`{"op":"replace","path":"members","value":` + value + `}`, `{"op":"replace","value":{"members":` + value + `}}`,
				`{"op":"add","path":"members","value":` + value + `}`, `{"op":"remove","path":"members","value":` + value + `}`,
			} {
				got, _, err := apply(groupType, current, l, op)
				if err == nil {
					t.Errorf("accepted %s: %v", op, got.MemberIDs())
				}
			}
			doc := []byte(`{"schemas":["` + URNGroup + `"],"displayName":"Tour Guides","members":` + value + `}`)
			if _, err := Decode(groupType, doc, l); err == nil {
				t.Errorf("created %s", doc)
			}
			if got, err := Replace(groupType, current, doc, l); err == nil {
				t.Errorf("replaced by %s: %v", doc, got.MemberIDs())
			}
		}
		for _, value := range []string{`[{"value":null}]`, `[{}]`, `[null]`} {
			_, _, err := apply(groupType, current, l, `{"op":"replace","path":"members","value":`+value+`}`)
			want(t, err, 400, InvalidValue)
		}
		for _, value := range []string{`{}`, `{"value":null}`} {
			_, _, err := apply(groupType, current, l, `{"op":"replace","path":"members[value eq \"a\"]","value":`+value+`}`)
			want(t, err, 400, InvalidValue)
		}
		for _, value := range []string{`[]`, `null`} {
			got, _, err := apply(groupType, current, l, `{"op":"replace","path":"members","value":`+value+`}`)
			if err != nil || got.MemberIDs() != nil {
				t.Error(value, got, err)
			}
		}
	}
}

// The same goes for the elements of every other attribute, unless a provider is known to
// send empty ones; and for all that must have something.
func TestElementsWithNothingInThem(t *testing.T) {
	empty := []string{`"emails":[{"value":null}]`, `"addresses":[{}]`, `"phoneNumbers":[null]`, `"roles":[{"value":null,"type":null}]`}
	full := []string{`"emails":[{"value":["a"]}]`, `"emails":[{"nope":"a"}]`, tst + `:{"sites":[{}]}`, tst + `:{"sites":[{"name":null,"desk":"4"}]}`, tst + `:{"sites":[null]}`}
	for _, member := range append(empty, full...) {
		_, err := Decode(userType, []byte(user(member)), strict)
		if err == nil {
			t.Error("created", member)
		}
		_, err = patched(t, userType, user(twoEmails), strict, `{"op":"replace","value":{`+member+`}}`)
		if err == nil {
			t.Error("patched", member)
		}
	}
	for _, member := range empty {
		l := lenient
		l.EmptyElements = false
		_, err := Decode(userType, []byte(user(member)), l)
		want(t, err, 400, InvalidValue)
		r, err := Decode(userType, []byte(user(member)), lenient)
		if err != nil || text(t, r) != text(t, stored(t, userType, user(``))) {
			t.Error(member, err)
		}
	}
	for _, member := range full {
		_, err := Decode(userType, []byte(user(member)), lenient)
		want(t, err, 400, InvalidValue)
	}
}

// A remove takes away no more than its value names: what cannot be understood, and null
// for what would tell one element from others, is refused.
func TestRemoveValuesThatNameTooMuch(t *testing.T) {
	for _, value := range []string{`[{"type":"work","value":null}]`, `[{"type":"work","nope":"x"}]`, `[{"value":null}]`, `[{"nope":"x"}]`, `[{}]`} {
		got, err := patched(t, userType, user(twoEmails), lenient, `{"op":"remove","path":"emails","value":`+value+`}`)
		if err == nil && got != "=" {
			t.Errorf("%s: %s", value, got)
		}
	}
	got, err := patched(t, groupType, groupDoc, lenient, `{"op":"remove","path":"members","value":[{"value":"a","$ref":null,"nope":"x"}]}`)
	if err != nil || got == "=" {
		t.Error("a member is known by its value:", err)
	}
}
