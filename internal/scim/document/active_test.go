package document_test

import (
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
)

// Whoever was blocked stays blocked until somebody says `true`: no request leaves a user
// of whom it is not known whether they are active.
func TestActiveIsNeverUnassigned(t *testing.T) {
	for _, active := range []string{"true", "false"} {
		current := scimtest.Stored(t, scimtest.UserType, scimtest.User(`"active":`+active))
		for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
			for _, op := range []string{
				`{"op":"remove","path":"active"}`, `{"op":"replace","path":"active","value":null}`, `{"op":"replace","value":{"active":null}}`,
				`{"op":"add","path":"active","value":null}`, `{"op":"add","value":{"active":null}}`, `{"op":"remove","path":"active","value":true}`,
			} {
				got, changed, err := scimtest.Apply(scimtest.UserType, current, l, op)
				if err != nil || changed || scimtest.Text(t, got) != scimtest.Text(t, current) {
					t.Errorf("%s of %s: %v %v", op, active, changed, err)
				}
			}
			for _, member := range []string{``, `"active":null`} {
				got, err := document.Replace(scimtest.UserType, current, []byte(scimtest.User(member)), l)
				if err != nil || scimtest.Text(t, got) != scimtest.Text(t, current) {
					t.Errorf("PUT %s of %s: %v", member, active, err)
				}
			}
		}
		for _, op := range []string{`{"op":"replace","path":"active","value":[]}`, `{"op":"replace","value":{"active":[]}}`, `{"op":"replace","path":"active","value":[null]}`} {
			got, changed, err := scimtest.Apply(scimtest.UserType, current, scimtest.Lenient, op)
			if err != nil || changed || scimtest.Text(t, got) != scimtest.Text(t, current) {
				t.Errorf("%s of %s: %v %v", op, active, changed, err)
			}
		}
		got, err := document.Replace(scimtest.UserType, current, []byte(scimtest.User(`"active":[]`)), scimtest.Lenient)
		if err != nil || scimtest.Text(t, got) != scimtest.Text(t, current) {
			t.Error("PUT of an empty array:", err)
		}
	}
	got, _, err := scimtest.Apply(scimtest.UserType, scimtest.Stored(t, scimtest.UserType, scimtest.User(`"active":true`)), scimtest.Strict, `{"op":"replace","path":"active","value":false}`, `{"op":"remove","path":"active"}`)
	if active, is := got.Active(); err != nil || active || !is {
		t.Error("what an operation before it set:", active, is, err)
	}
}
