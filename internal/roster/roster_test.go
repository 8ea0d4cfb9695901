package roster

import (
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func person(id string, change ...func(*scimv1alpha1.ScimUser)) *scimv1alpha1.ScimUser {
	u := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Name: id}, Spec: scimv1alpha1.ScimUserSpec{UserName: id + "@example.com"}}
	for _, c := range change {
		c(u)
	}
	return u
}

func team(id string, users, groups []scimv1alpha1.MemberID, change ...func(*scimv1alpha1.ScimGroup)) *scimv1alpha1.ScimGroup {
	g := &scimv1alpha1.ScimGroup{ObjectMeta: metav1.ObjectMeta{Name: id}, Spec: scimv1alpha1.ScimGroupSpec{DisplayName: "Team " + id, Members: users, MemberGroups: groups}}
	for _, c := range change {
		c(g)
	}
	return g
}

func slice(name, of string, users ...scimv1alpha1.MemberID) *scimv1alpha1.ScimGroupMembers {
	return &scimv1alpha1.ScimGroupMembers{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       scimv1alpha1.ScimGroupMembersSpec{GroupRef: scimv1alpha1.GroupReference{Name: of}, Members: users},
	}
}

func idsOf(members []Member) (ids []string) {
	for _, m := range members {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestMembersAreActiveUsersOfAGroupAndTheGroupsInIt(t *testing.T) {
	r := New()
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		r.PutUser(person(id))
	}
	r.PutUser(person("off", func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(false) }))
	r.PutUser(person("kept", func(u *scimv1alpha1.ScimUser) { u.Spec.Meta.DeletedTime = metav1.NowMicro() }))
	r.PutUser(person("going", func(u *scimv1alpha1.ScimUser) { u.DeletionTimestamp = ptr.To(metav1.Now()) }))
	r.PutGroup(team("g", []scimv1alpha1.MemberID{"b", "a", "off", "kept", "going", "unknown"}, []scimv1alpha1.MemberID{"h"}))
	r.PutGroup(team("h", []scimv1alpha1.MemberID{"a", "c"}, []scimv1alpha1.MemberID{"g", "h", "gone"}))
	r.PutMembers(slice("g-1", "g", "d"))
	r.PutMembers(slice("gone-1", "gone", "e"))

	check := func(when string, want ...string) {
		t.Helper()
		if got := idsOf(r.Members("g", scimv1alpha1.SubjectUserName)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v are in the group, and not %v", when, got, want)
		}
	}
	check("at first", "a", "b", "c", "d")
	r.DeleteMembers("g-1")
	check("without a slice", "a", "b", "c")
	r.PutGroup(team("h", nil, nil))
	check("without those of a group in it", "a", "b")
	r.PutUser(person("a", func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(false) }))
	check("without one who was deactivated", "b")
	r.DeleteUser("b")
	check("without one who was deleted")
	r.PutUser(person("a"))
	check("with one who is back", "a")
	r.DeleteGroup("g")
	check("without the group")
}

func TestOnlyWhatMattersIsAChange(t *testing.T) {
	r := New()
	if !r.PutUser(person("a")) || !r.PutGroup(team("g", []scimv1alpha1.MemberID{"a"}, nil)) || !r.PutMembers(slice("g-1", "g", "a")) {
		t.Error("what is new is a change")
	}
	titled := func(u *scimv1alpha1.ScimUser) { u.Spec.Title = ptr.To("Dr."); u.ResourceVersion = "7" }
	if r.PutUser(person("a", titled)) || r.PutGroup(team("g", []scimv1alpha1.MemberID{"a"}, nil)) || r.PutMembers(slice("g-1", "g", "a")) {
		t.Error("what nobody sees is no change")
	}
	if r.PutUser(person("z", func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(false) })) || r.DeleteUser("z") {
		t.Error("who is not active is nobody")
	}
	if !r.PutUser(person("a", func(u *scimv1alpha1.ScimUser) { u.Spec.UserName = "b@example.com" })) {
		t.Error("another name is a change")
	}
}

func TestFind(t *testing.T) {
	r := New()
	named := func(name, external string) func(*scimv1alpha1.ScimGroup) {
		return func(g *scimv1alpha1.ScimGroup) { g.Spec.DisplayName, g.Spec.ExternalID = name, external }
	}
	r.PutGroup(team("1", nil, nil, named("Administrators", "x")))
	r.PutGroup(team("2", nil, nil, named("Ärzte", "y")))
	r.PutGroup(team("3", nil, nil, named("Others", "y")))
	r.PutGroup(team("4", nil, nil, named("Going", "z"), func(g *scimv1alpha1.ScimGroup) { g.DeletionTimestamp = ptr.To(metav1.Now()) }))
	for name, tc := range map[string]struct {
		selector scimv1alpha1.GroupSelector
		want     []string
	}{
		"by name, whatever its case":      {scimv1alpha1.GroupSelector{DisplayName: "ADMINistrators"}, []string{"1"}},
		"by name, in other letters":       {scimv1alpha1.GroupSelector{DisplayName: "ärzte"}, []string{"2"}},
		"by external id":                  {scimv1alpha1.GroupSelector{ExternalID: "x"}, []string{"1"}},
		"by external id, in another case": {scimv1alpha1.GroupSelector{ExternalID: "X"}, nil},
		"several":                         {scimv1alpha1.GroupSelector{ExternalID: "y"}, []string{"2", "3"}},
		"by id":                           {scimv1alpha1.GroupSelector{ID: "3"}, []string{"3"}},
		"by an unknown id":                {scimv1alpha1.GroupSelector{ID: "5"}, nil},
		"one that is being deleted":       {scimv1alpha1.GroupSelector{DisplayName: "Going"}, nil},
	} {
		if got := r.Find(tc.selector); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v and not %v", name, got, tc.want)
		}
	}
}

func TestNamesOfMembers(t *testing.T) {
	r := New()
	email := func(value string, primary bool) scimv1alpha1.MultiValue {
		return scimv1alpha1.MultiValue{Value: &value, Primary: &primary}
	}
	r.PutUser(person("a", func(u *scimv1alpha1.ScimUser) {
		u.Spec.ExternalID = "00u1"
		u.Spec.Emails = []scimv1alpha1.MultiValue{email("first@example.com", false), email("main@example.com", true)}
	}))
	r.PutGroup(team("g", []scimv1alpha1.MemberID{"a"}, nil))
	for attribute, want := range map[scimv1alpha1.SubjectAttribute]string{
		scimv1alpha1.SubjectUserName: "a@example.com", scimv1alpha1.SubjectPrimaryEmail: "main@example.com",
		scimv1alpha1.SubjectExternalID: "00u1", scimv1alpha1.SubjectID: "a",
	} {
		if got := r.Members("g", attribute); len(got) != 1 || got[0].Name != want {
			t.Errorf("%s: %v and not %q", attribute, got, want)
		}
	}
}
