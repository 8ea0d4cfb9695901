package conditions

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func tenant() *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
}

func summary(outcome Outcome, reason string) Summary {
	return Summary{Outcome: outcome, Reason: reason, Message: "because of " + reason}
}

func TestSetWalksThroughAllOutcomes(t *testing.T) {
	obj := tenant()
	for _, outcome := range []Outcome{Reconciling, Stalled, Ready, Stalled, Reconciling, Ready, Ready} {
		Set(obj, summary(outcome, "Reason"), True("Part", "Fine", "fine"))
		if wrong := Check(obj); len(wrong) > 0 {
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
		summary Summary
		changed bool
	}{
		{summary(Reconciling, "A"), true},
		{summary(Reconciling, "A"), false},
		{Summary{Outcome: Reconciling, Reason: "A", Message: "another message"}, false},
		{summary(Reconciling, "B"), true},
		{summary(Stalled, "C"), true},
		{summary(Ready, "C"), true},
		{summary(Ready, "C"), false},
	} {
		if changed := Set(obj, step.summary); changed != step.changed {
			t.Errorf("step %d: changed = %v", i, changed)
		}
	}
}

func TestSetKeepsTheTimeWhenNothingChanges(t *testing.T) {
	obj := tenant()
	Set(obj, summary(Ready, "A"))
	then := metav1.NewTime(time.Now().Add(-time.Hour))
	obj.Status.Conditions[0].LastTransitionTime = then
	obj.Generation++
	Set(obj, summary(Ready, "A"))
	if c := obj.Status.Conditions[0]; !c.LastTransitionTime.Equal(&then) || c.ObservedGeneration != 4 {
		t.Errorf("the condition is %+v", c)
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*scimv1alpha1.ScimTenant)
		want  string
	}{
		"no Ready":        {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions = nil }, "no condition Ready"},
		"twice":           {func(t *scimv1alpha1.ScimTenant) { add(t, t.Status.Conditions[0]) }, "twice"},
		"Ready unknown":   {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Status = metav1.ConditionUnknown }, "Unknown"},
		"Stalled False":   {func(t *scimv1alpha1.ScimTenant) { add(t, stamped(False("Stalled", "A", "a"))) }, "only while it is True"},
		"Ready, stalled":  {func(t *scimv1alpha1.ScimTenant) { add(t, stamped(True("Stalled", "A", "a"))) }, "not one"},
		"nothing holds":   {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Status = metav1.ConditionFalse }, "not one"},
		"no reason":       {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].Reason = "" }, "no reason"},
		"no time":         {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].LastTransitionTime = metav1.Time{} }, "no time"},
		"no generation":   {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].ObservedGeneration = 0 }, "generation 0"},
		"from the future": {func(t *scimv1alpha1.ScimTenant) { t.Status.Conditions[0].ObservedGeneration = 9 }, "generation 9"},
	} {
		t.Run(name, func(t *testing.T) {
			obj := tenant()
			Set(obj, summary(Ready, "A"))
			tc.spoil(obj)
			if wrong := strings.Join(Check(obj), "; "); !strings.Contains(wrong, tc.want) {
				t.Errorf("Check found %q, want %q", wrong, tc.want)
			}
		})
	}
}

func add(t *scimv1alpha1.ScimTenant, c metav1.Condition) {
	t.Status.Conditions = append(t.Status.Conditions, c)
}

func stamped(c metav1.Condition) metav1.Condition {
	c.ObservedGeneration, c.LastTransitionTime = 3, metav1.Now()
	return c
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
			Set(obj, Summary{Outcome: Stalled, Reason: "Reason", Message: tc.message}, False("Part", "Reason", tc.message))
			for _, c := range obj.Status.Conditions {
				if c.Message != tc.condition {
					t.Errorf("%s has a message of %d bytes, and not of %d", c.Type, len(c.Message), len(tc.condition))
				}
			}
			if note := Note(tc.message); note != tc.note {
				t.Errorf("the note of an event has %d bytes, and not %d", len(note), len(tc.note))
			}
		})
	}
}
