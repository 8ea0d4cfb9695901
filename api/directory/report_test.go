package directory

import (
	"context"
	"errors"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

const someID = "2819c223-7f76-453a-919d-413861904646"

// directoryFor returns a directory that reports to the options, without a cluster.
func directoryFor(t *testing.T, o Options) *Directory {
	t.Helper()
	o.Namespace, o.Tenant, o.Cursor = "acme", "acme", File(t.TempDir()+"/cursor")
	o.Resync = func(context.Context, IDs) error { return nil }
	if o.OnUser == nil {
		o.OnUser = func(context.Context, Change[scimv1alpha1.ScimUser]) error { return nil }
	}
	return newDirectory(o, nil)
}

func groupAt(revision string, members ...scimv1alpha1.MemberID) *scimv1alpha1.ScimGroup {
	return &scimv1alpha1.ScimGroup{
		ObjectMeta: metav1.ObjectMeta{Name: someID, ResourceVersion: revision},
		Spec:       scimv1alpha1.ScimGroupSpec{DisplayName: "Tour Guides", Members: members},
	}
}

// A callback that fails may have done what it was asked to: what was there before is reported again, then.
func TestAGroupThatIsAsItWasIsReportedAfterAFailure(t *testing.T) {
	var after [][]string
	d := directoryFor(t, Options{OnGroup: func(_ context.Context, change Change[Group]) error {
		after = append(after, change.After.Members)
		if len(after) == 2 {
			return errors.New("the answer was lost")
		}
		return nil
	}})
	of := key{groups, someID}
	for _, written := range []*scimv1alpha1.ScimGroup{groupAt("1", "a"), groupAt("2", "a", "b"), groupAt("3", "a"), groupAt("4", "a")} {
		if err := (sink{d, groups}).Update(written); err != nil {
			t.Fatal(err)
		}
		if err := d.reportOne(t.Context(), of); (err != nil) != (len(after) == 2) {
			t.Fatal(err)
		}
	}
	want := [][]string{{"a"}, {"a", "b"}, {"a"}} // The last write has changed nothing.
	if !slices.EqualFunc(after, want, slices.Equal) {
		t.Errorf("reported were %v, want %v", after, want)
	}
}

// After a restore of etcd, revisions may be far higher than they were, and what is there older.
func TestWhatARestoreHasBroughtBackIsReported(t *testing.T) {
	d := directoryFor(t, Options{})
	user := func(revision string, active bool) *scimv1alpha1.ScimUser {
		return &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Name: someID, ResourceVersion: revision}, Spec: scimv1alpha1.ScimUserSpec{UserName: "babs", Active: &active}}
	}
	for _, step := range []struct {
		list     *scimv1alpha1.ScimUser
		revision string
		reported bool
	}{
		{user("9990", true), "10000", true},
		{user("9990", true), "10001", false},
		{user("8950", false), "1000010000", true},
	} {
		if err := (sink{d, users}).Replace([]any{step.list}, step.revision); err != nil {
			t.Fatal(err)
		}
		if reported := d.pending.waiting[key{users, someID}] != nil; reported != step.reported {
			t.Errorf("at %s, a report is waiting: %t, want %t", step.revision, reported, step.reported)
		}
		if err := d.reportOne(t.Context(), key{users, someID}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhoHasNoIDIsNotThere(t *testing.T) {
	d := directoryFor(t, Options{})
	by := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Name: "by-hand", ResourceVersion: "7"}, Spec: scimv1alpha1.ScimUserSpec{UserName: "babs"}}
	if err := (sink{d, users}).Add(by); err != nil {
		t.Fatal(err)
	}
	if ids := d.content.ids(); len(ids.Users) > 0 || d.UserByName("babs") != nil {
		t.Errorf("%v are there", ids.Users)
	}
}
