package conditions_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
)

func tenant() *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Generation: 3},
		Status:     scimv1alpha1.ScimTenantStatus{ObservedGeneration: 3},
	}
}

func summary(outcome conditions.Outcome, reason string) conditions.Summary {
	return conditions.Summary{Outcome: outcome, Reason: reason, Message: "because of " + reason}
}

func TestSetWalksThroughAllOutcomes(t *testing.T) {
	obj := tenant()
	for _, outcome := range []conditions.Outcome{
		conditions.Reconciling, conditions.Stalled, conditions.Ready, conditions.Stalled, conditions.Reconciling, conditions.Ready, conditions.Ready,
	} {
		conditions.Set(obj, summary(outcome, "Reason"), conditions.True("Part", "Fine", "fine"))
		if wrong := conditionscheck.Check(obj); len(wrong) > 0 {
			t.Errorf("after %s: %v", outcome, wrong)
		}
		if !meta.IsStatusConditionTrue(obj.Status.Conditions, string(outcome)) {
			t.Errorf("%s is not True: %v", outcome, obj.Status.Conditions)
		}
		if !meta.IsStatusConditionTrue(obj.Status.Conditions, "Part") {
			t.Error("the part is missing")
		}
	}
}

func TestSetReportsChangesOfReady(t *testing.T) {
	obj := tenant()
	for i, step := range []struct {
		summary conditions.Summary
		changed bool
	}{
		{summary(conditions.Reconciling, "A"), true},
		{summary(conditions.Reconciling, "A"), false},
		{conditions.Summary{Outcome: conditions.Reconciling, Reason: "A", Message: "another message"}, false},
		{summary(conditions.Reconciling, "B"), true},
		{summary(conditions.Stalled, "C"), true},
		{summary(conditions.Ready, "C"), true},
		{summary(conditions.Ready, "C"), false},
	} {
		if changed := conditions.Set(obj, step.summary); changed != step.changed {
			t.Errorf("step %d: changed = %v", i, changed)
		}
	}
}

func TestSetKeepsTheTimeWhenNothingChanges(t *testing.T) {
	obj := tenant()
	conditions.Set(obj, summary(conditions.Ready, "A"))
	then := metav1.NewTime(time.Now().Add(-time.Hour))
	obj.Status.Conditions[0].LastTransitionTime = then
	obj.Generation++
	conditions.Set(obj, summary(conditions.Ready, "A"))
	if c := obj.Status.Conditions[0]; !c.LastTransitionTime.Equal(&then) || c.ObservedGeneration != 4 {
		t.Errorf("the condition is %+v", c)
	}
}

// What somebody else has written must not keep a status or an event from being written.
func TestMessagesAreBounded(t *testing.T) {
	for name, tc := range map[string]struct{ message, condition, note string }{
		"short":      {"fine", "fine", "fine"},
		"an event's": {strings.Repeat("a", 1025), strings.Repeat("a", 1025), strings.Repeat("a", 1021) + "…"},
		"long":       {strings.Repeat("a", 5000), strings.Repeat("a", 4093) + "…", strings.Repeat("a", 1021) + "…"},
		"of three bytes each, which are not cut": {
			strings.Repeat("…", 2000), strings.Repeat("…", 1365), strings.Repeat("…", 341),
		},
	} {
		t.Run(name, func(t *testing.T) {
			obj := tenant()
			conditions.Set(obj, conditions.Summary{Outcome: conditions.Stalled, Reason: "Reason", Message: tc.message}, conditions.False("Part", "Reason", tc.message))
			for _, c := range obj.Status.Conditions {
				if c.Message != tc.condition {
					t.Errorf("%s has a message of %d bytes, and not of %d", c.Type, len(c.Message), len(tc.condition))
				}
			}
			if note := conditions.Note(tc.message); note != tc.note {
				t.Errorf("the note of an event has %d bytes, and not %d", len(note), len(tc.note))
			}
		})
	}
}
