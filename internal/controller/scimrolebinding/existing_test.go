package scimrolebinding

import (
	"maps"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestByWhichBindingsTheRoleIsGiven(t *testing.T) {
	view := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}
	narrow := func(name string, change func(*rbacv1.RoleBinding)) client.Object {
		one := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "globex", Name: name}, RoleRef: view}
		if change != nil {
			change(one)
		}
		return one
	}
	controlledBy := func(uid types.UID) func(*rbacv1.RoleBinding) {
		return func(b *rbacv1.RoleBinding) {
			b.OwnerReferences = []metav1.OwnerReference{{UID: "other"}, {UID: uid, Controller: ptr.To(true)}}
		}
	}
	wide := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "scim:globex:admins:3"}, RoleRef: view}
	for name, tc := range map[string]struct {
		object client.Object
		scope  scimv1alpha1.RoleBindingScope
		number int
		is     bool
	}{
		"one of it":                        {narrow("scim:admins:127", controlledBy("uid")), "", 127, true},
		"controlled by nobody":             {narrow("scim:admins:0", nil), "", 0, true},
		"controlled by something else":     {narrow("scim:admins:0", controlledBy("another")), "", 0, false},
		"a number that is never used":      {narrow("scim:admins:128", nil), "", 128, false},
		"a number beyond all":              {narrow("scim:admins:1152921504606846975", nil), "", 1<<60 - 1, false},
		"a number in other words":          {narrow("scim:admins:01", nil), "", 1, false},
		"no number":                        {narrow("scim:admins:x", nil), "", 0, false},
		"of another role":                  {narrow("scim:admins:0", func(b *rbacv1.RoleBinding) { b.RoleRef.Name = "empty" }), "", 0, false},
		"of a Role of that name":           {narrow("scim:admins:0", func(b *rbacv1.RoleBinding) { b.RoleRef.Kind = "Role" }), "", 0, false},
		"in the whole cluster":             {wide, scimv1alpha1.ScopeCluster, 3, true},
		"in the whole cluster, not so any": {wide, scimv1alpha1.ScopeNamespace, 0, false},
	} {
		b := &scimv1alpha1.ScimRoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "globex", Name: "admins", UID: "uid"}}
		b.Spec.RoleRef, b.Spec.Scope = scimv1alpha1.BoundRoleReference{Kind: scimv1alpha1.BoundClusterRole, Name: "view"}, tc.scope
		number, _, is := asChunk(b, tc.object)
		if is != tc.is || is && number != tc.number {
			t.Errorf("%s: it is number %d, %t", name, number, is)
		}
	}
}

// Somebody who may not give the role, but may make RoleBindings of others, gains nothing by them.
func TestWhoHasTheRoleWhileNothingChecksWhoGivesIt(t *testing.T) {
	members := people(600)
	has := bindings(members[:500].split(4))
	for name, tc := range map[string]struct {
		existing chunks
		wanted   wanted
		want     wanted
	}{
		"who has it":          {has, members, members[:500]},
		"who is to lose it":   {has, members[10:], members[10:500]},
		"nobody has it":       {chunks{}, members, nil},
		"one binding is gone": {without(has, 2), members, slices.DeleteFunc(slices.Clone(members[:500]), func(s subject) bool { return chunkOf(s.id, 4) == 2 })},
		"a ServiceAccount or a group of a name": {chunks{0: {subjects: []rbacv1.Subject{
			{Kind: rbacv1.ServiceAccountKind, Name: members[0].name}, {Kind: rbacv1.GroupKind, Name: members[1].name},
		}}}, members, nil},
	} {
		s := &scope{binding: &scimv1alpha1.ScimRoleBinding{}, groups: []string{"g"}, wanted: tc.wanted, existing: tc.existing, unvouched: &doubt{}}
		target := s.target()
		if got := slices.Sorted(maps.Keys(setOf(target))); !slices.Equal(got, tc.want.names()) {
			t.Errorf("%s: %d have the role, and not %d", name, len(got), len(tc.want))
		}
		for number, names := range target {
			if len(names) > 0 && tc.existing[number].subjects == nil {
				t.Errorf("%s: binding %d is made", name, number)
			}
		}
	}
}

func without(all chunks, number int) chunks {
	some := maps.Clone(all)
	delete(some, number)
	return some
}
