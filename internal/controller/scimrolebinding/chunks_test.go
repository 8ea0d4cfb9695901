package scimrolebinding

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	rbacv1 "k8s.io/api/rbac/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/roster"
)

// people are so many members, who are the same ones in every run.
func people(count int) wanted {
	all := make(wanted, count)
	for i := range all {
		id := uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8)}).String()
		all[i] = subject{id: id, name: fmt.Sprintf("oidc:%s@example.com", id)}
	}
	return all
}

// bindings are chunks with these subjects.
func bindings(parts [][]string) chunks {
	all := chunks{}
	for i, names := range parts {
		if len(names) == 0 {
			continue
		}
		one := chunk{}
		for _, name := range names {
			one.subjects = append(one.subjects, rbacv1.Subject{Kind: rbacv1.UserKind, Name: name})
		}
		all[i] = one
	}
	return all
}

// written is how many parts are others than before, or are gone.
func written(before, after [][]string) int {
	count := 0
	for i := range max(len(before), len(after)) {
		switch {
		case i >= len(before) || i >= len(after), !slices.Equal(before[i], after[i]):
			count++
		}
	}
	return count
}

func TestOneWhoComesOrGoesChangesOneBinding(t *testing.T) {
	all := people(20_000)
	for _, count := range []int{10, 100, 1000, 10_000, 19_999} {
		now := all[:count].count(0)
		before := all[:count].split(now)
		for name, after := range map[string]wanted{"comes": all[:count+1], "goes": all[1:count]} {
			chunks := after.count(bindings(before).count())
			if got := written(before, after.split(chunks)); got != 1 {
				t.Errorf("of %d in %d bindings, one %s: %d bindings are written", count, now, name, got)
			}
		}
	}
}

func TestAGroupThatGrowsIsSpreadAgainNowAndThen(t *testing.T) {
	all, spread, now := people(20_000), 0, 0
	for count := 1; count <= len(all); count += 7 {
		if next := all[:count].count(now); next != now {
			spread, now = spread+1, next
		}
		if count > now*fullChunk {
			t.Fatalf("%d are in %d bindings", count, now)
		}
	}
	for _, names := range all.split(now) {
		if len(names) > 2*fullChunk {
			t.Errorf("a binding has %d subjects", len(names))
		}
	}
	if spread > 7 {
		t.Errorf("they were spread %d times", spread)
	}
	for count := len(all); count > 0; count -= 7 {
		if next := all[:count].count(now); next != now {
			spread, now = spread+1, next
		}
	}
	if now != 1 || spread > 14 {
		t.Errorf("in the end there are %d bindings, after they were spread %d times", now, spread)
	}
}

// While some are written and others are not yet, nobody is missing: bindings are written from the last one on, and those
// that are not needed any more are deleted after that.
func TestNobodyLosesTheRoleWhileTheSubjectsAreSpreadAnew(t *testing.T) {
	all := people(3000)
	for _, counts := range [][2]int{{4, 8}, {8, 4}, {1, 16}, {16, 1}} {
		has := bindings(all.split(counts[0]))
		after := all.split(counts[1])
		for i, names := range slices.Backward(after) {
			has[i] = bindings([][]string{names})[0]
			if got := len(tallyOf(has).in); got != len(all) {
				t.Fatalf("from %d to %d bindings, %d of %d have the role after number %d was written", counts[0], counts[1], got, len(all), i)
			}
		}
	}
}

func TestSubjects(t *testing.T) {
	members := []roster.Member{{ID: "1", Name: "a"}, {ID: "2"}, {ID: "3", Name: "a"}, {ID: "4", Name: "ystem:admin"}, {ID: "5", Name: strings.Repeat("a", 1024)}}
	got, without := subjectsOf(members, "s")
	if want := (wanted{{"1", "sa"}, {"3", "sa"}}); !reflect.DeepEqual(got, want) || without != 3 {
		t.Errorf("%v, and %d without", got, without)
	}
	if names := got.names(); !reflect.DeepEqual(names, []string{"sa"}) {
		t.Errorf("%v", names)
	}
}

func TestTarget(t *testing.T) {
	all := people(3)
	names := func(of wanted) [][]string { return of.split(1) }
	base := func(change func(*scope)) *scope {
		s := &scope{binding: &scimv1alpha1.ScimRoleBinding{}, groups: []string{"g"}, wanted: all, existing: bindings(names(all[:2]))}
		change(s)
		return s
	}
	for name, tc := range map[string]struct {
		scope *scope
		want  [][]string
	}{
		"all is well":                  {base(func(*scope) {}), names(all)},
		"the role is refused":          {base(func(s *scope) { s.refused = "no" }), nil},
		"the tenant is gone":           {base(func(s *scope) { s.noTenant = true }), nil},
		"there is no such group":       {base(func(s *scope) { s.groups = nil }), nil},
		"there are two":                {base(func(s *scope) { s.groups = []string{"g", "h"} }), nil},
		"nothing is to be done":        {base(func(s *scope) { s.binding.Spec.Mode = scimv1alpha1.ModeDryRun }), nil},
		"nobody checks who writes":     {base(func(s *scope) { s.unvouched = &doubt{} }), names(all[:2])},
		"somebody goes meanwhile":      {base(func(s *scope) { s.unvouched, s.wanted = &doubt{}, all[1:] }), names(all[1:2])},
		"somebody writes all the time": {base(func(s *scope) { s.withdraws, s.wanted = true, all[1:] }), names(all[1:2])},
		"there are too many": {base(func(s *scope) {
			s.wanted = append(slices.Clone(all), people(maxSubjects + 1)[3:]...)
		}), names(all[:2])},
	} {
		if got := tc.scope.target(); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %v and not %v", name, got, tc.want)
		}
	}
}
