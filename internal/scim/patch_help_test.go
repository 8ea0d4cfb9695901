package scim

import (
	"strings"
	"testing"
)

// What an error of a PATCH says is what is taken, and helps.
func TestPatchErrorsHelp(t *testing.T) {
	anyCase := Leniency{OperationCase: true, RemoveValues: true}
	for _, c := range []struct {
		operation string
		l         Leniency
		says      string
		not       string
	}{
		{`{"op":"Add","path":"displayName","value":"x"}`, strict, "lower case", ""},
		{`{"op":"Delete","path":"members"}`, anyCase, "add, remove or replace", "lower case"},
		{`{"op":7,"path":"members"}`, anyCase, "add, remove or replace", "lower case"},
		{`{"op":"remove","path":"members.value","value":"a"}`, anyCase, `members[value eq "…"]`, "immutable"},
		{`{"op":"remove","path":"members[value eq \"a\"].value"}`, strict, `members[value eq "…"]`, "immutable"},
		{`{"op":"replace","path":"members.value","value":"z"}`, strict, "immutable", ""},
	} {
		_, _, err := apply(groupType, stored(t, groupType, groupDoc), c.l, c.operation)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.not != "" && strings.Contains(err.Error(), c.not) {
			t.Errorf("%s: %v", c.operation, err)
		}
	}
}
