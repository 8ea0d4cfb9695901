package scim_test

import (
	"slices"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
)

func TestMembers(t *testing.T) {
	group := scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)
	members := group.Members()
	if got := slices.Collect(members.All()); members.Len() != 3 || got[0] != (scim.Reference{Value: "a", Type: "User", Display: "A"}) {
		t.Error(got)
	}
	users := members.Only(func(m scim.Reference) bool { return m.Type == "User" })
	after := members.After([]scim.MemberChange{{ID: "B"}, {ID: "d", Add: true}, {ID: "A", Add: true}, {ID: "a"}})
	for what, c := range map[string]struct{ got, want []string }{
		"those that are kept":         {users.IDs(), []string{"a", "b"}},
		"the first":                   {members.First(1).IDs(), []string{"a"}},
		"those and others":            {users.And(scim.MembersOf([]scim.Reference{{Value: "z"}})).IDs(), []string{"a", "b", "z"}},
		"after changes":               {after.IDs(), []string{"c", "d"}},
		"before, which are unchanged": {group.Members().IDs(), []string{"a", "b", "c"}},
		"of a user":                   {scimtest.Stored(t, scimtest.UserType, scimtest.User("")).Members().IDs(), nil},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v", what, c.got)
		}
	}
	group.SetMembers(scim.Members{})
	if _, is := group.Attributes()["members"]; is {
		t.Error("nobody is unassigned")
	}
}
