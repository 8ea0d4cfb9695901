package scim

import "testing"

// Whoever was blocked stays blocked until somebody says `true`: no request leaves a user
// of whom it is not known whether they are active.
func TestActiveIsNeverUnassigned(t *testing.T) {
	for _, active := range []string{"true", "false"} {
		current := stored(t, userType, user(`"active":`+active))
		for _, l := range []Leniency{strict, lenient} {
			for _, op := range []string{
				`{"op":"remove","path":"active"}`, `{"op":"replace","path":"active","value":null}`, `{"op":"replace","value":{"active":null}}`,
				`{"op":"add","path":"active","value":null}`, `{"op":"add","value":{"active":null}}`, `{"op":"remove","path":"active","value":true}`,
			} {
				got, changed, err := apply(userType, current, l, op)
				if err != nil || changed || text(t, got) != text(t, current) {
					t.Errorf("%s of %s: %v %v", op, active, changed, err)
				}
			}
			for _, member := range []string{``, `"active":null`} {
				got, err := Replace(userType, current, []byte(user(member)), l)
				if err != nil || text(t, got) != text(t, current) {
					t.Errorf("PUT %s of %s: %v", member, active, err)
				}
			}
		}
		for _, op := range []string{`{"op":"replace","path":"active","value":[]}`, `{"op":"replace","value":{"active":[]}}`, `{"op":"replace","path":"active","value":[null]}`} {
			got, changed, err := apply(userType, current, lenient, op)
			if err != nil || changed || text(t, got) != text(t, current) {
				t.Errorf("%s of %s: %v %v", op, active, changed, err)
			}
		}
		got, err := Replace(userType, current, []byte(user(`"active":[]`)), lenient)
		if err != nil || text(t, got) != text(t, current) {
			t.Error("PUT of an empty array:", err)
		}
	}
	got, _, err := apply(userType, stored(t, userType, user(`"active":true`)), strict, `{"op":"replace","path":"active","value":false}`, `{"op":"remove","path":"active"}`)
	if active, is := got.Active(); err != nil || active || !is {
		t.Error("what an operation before it set:", active, is, err)
	}
}
