package patch_test

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
)

// What an error of a PATCH says is what is taken, and helps.
func TestPatchErrorsHelp(t *testing.T) {
	anyCase := scim.Leniency{OperationCase: true, RemoveValues: true}
	for _, c := range []struct {
		operation string
		l         scim.Leniency
		says      string
		not       string
	}{
		{`{"op":"Add","path":"displayName","value":"x"}`, scimtest.Strict, "lower case", ""},
		{`{"op":"Delete","path":"members"}`, anyCase, "add, remove or replace", "lower case"},
		{`{"op":7,"path":"members"}`, anyCase, "add, remove or replace", "lower case"},
		{`{"op":"remove","path":"members.value","value":"a"}`, anyCase, `members[value eq "…"]`, "immutable"},
		{`{"op":"remove","path":"members[value eq \"a\"].value"}`, scimtest.Strict, `members[value eq "…"]`, "immutable"},
		{`{"op":"replace","path":"members.value","value":"z"}`, scimtest.Strict, "immutable", ""},
	} {
		_, _, err := scimtest.Apply(scimtest.GroupType, scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc), c.l, c.operation)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.not != "" && strings.Contains(err.Error(), c.not) {
			t.Errorf("%s: %v", c.operation, err)
		}
	}
}
