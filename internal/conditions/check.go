package conditions

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Check returns what is wrong with the form of an object's conditions, whatever
// they say. Tests call it after each scenario.
func Check(obj Object) []string {
	var wrong []string
	report := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	all := obj.GetConditions()
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.Type] {
			report("condition %s is there twice", c.Type)
		}
		seen[c.Type] = true
		if c.Reason == "" || c.Message == "" {
			report("condition %s has no reason or no message", c.Type)
		}
		if c.ObservedGeneration <= 0 || c.ObservedGeneration > obj.GetGeneration() {
			report("condition %s is about generation %d of %d", c.Type, c.ObservedGeneration, obj.GetGeneration())
		}
		if c.LastTransitionTime.IsZero() {
			report("condition %s has no time", c.Type)
		}
	}

	ready := meta.FindStatusCondition(all, scimv1alpha1.ConditionReady)
	if ready == nil {
		return append(wrong, "there is no condition Ready")
	}
	if ready.Status == metav1.ConditionUnknown {
		report("Ready is Unknown")
	}
	holding := 0
	if ready.Status == metav1.ConditionTrue {
		holding++
	}
	for _, abnormal := range []Outcome{Reconciling, Stalled} {
		c := meta.FindStatusCondition(all, string(abnormal))
		if c == nil {
			continue
		}
		holding++
		if c.Status != metav1.ConditionTrue {
			report("%s is %s; it may be there only while it is True", c.Type, c.Status)
		}
		if c.Reason != ready.Reason || c.Message != ready.Message {
			report("%s and Ready give different reasons: %s and %s", c.Type, c.Reason, ready.Reason)
		}
		if c.ObservedGeneration != ready.ObservedGeneration {
			report("%s and Ready are about different generations", c.Type)
		}
	}
	if holding != 1 {
		report("of Ready, Reconciling and Stalled, %d hold and not one", holding)
	}
	return wrong
}
