// Package conditionscheck finds out, for tests, whether what an object's status says is in
// the form that kstatus reads, whatever it says. It asks the library that Helm and Flux
// read a status with as well. Flux checks its own objects like that
// (github.com/fluxcd/pkg/runtime/conditions/check).
package conditionscheck

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// Check returns what is wrong with an object's status; nothing when it is as it has to be
// after a pass of its reconciler.
func Check(obj conditions.Object) []string {
	wrong := &findings{}
	seen := map[string]bool{}
	for _, c := range obj.GetConditions() {
		if seen[c.Type] {
			wrong.add("condition %s is there twice", c.Type)
		}
		seen[c.Type] = true
		wrong.form(c)
		if c.ObservedGeneration <= 0 || c.ObservedGeneration > obj.GetGeneration() {
			wrong.add("condition %s is about generation %d of %d", c.Type, c.ObservedGeneration, obj.GetGeneration())
		}
	}
	ready := meta.FindStatusCondition(obj.GetConditions(), scimv1alpha1.ConditionReady)
	if ready == nil {
		wrong.add("there is no condition Ready")
		return wrong.all
	}
	wrong.outcome(obj.GetConditions(), *ready)
	wrong.kstatus(obj)
	return wrong.all
}

type findings struct{ all []string }

func (f *findings) add(format string, args ...any) {
	f.all = append(f.all, fmt.Sprintf(format, args...))
}

// reason is what the API conventions ask of a reason: one word in CamelCase.
var reason = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// form checks one condition by itself.
func (f *findings) form(c metav1.Condition) {
	switch {
	case c.Reason == "" || c.Message == "":
		f.add("condition %s has no reason or no message", c.Type)
	case !reason.MatchString(c.Reason):
		f.add("condition %s has the reason %q, which is no word in CamelCase", c.Type, c.Reason)
	case strings.TrimSpace(c.Message) != c.Message:
		f.add("condition %s has white space around its message %q", c.Type, c.Message)
	}
	if c.LastTransitionTime.IsZero() {
		f.add("condition %s has no time", c.Type)
	}
}

// outcome checks that one of Ready, Reconciling and Stalled holds, and that the other
// ones agree with it.
func (f *findings) outcome(all []metav1.Condition, ready metav1.Condition) {
	if ready.Status == metav1.ConditionUnknown {
		f.add("Ready is Unknown")
	}
	holding := 0
	if ready.Status == metav1.ConditionTrue {
		holding++
	}
	for _, abnormal := range []string{scimv1alpha1.ConditionReconciling, scimv1alpha1.ConditionStalled} {
		c := meta.FindStatusCondition(all, abnormal)
		if c == nil {
			continue
		}
		holding++
		if c.Status != metav1.ConditionTrue {
			f.add("%s is %s; it may be there only while it is True", c.Type, c.Status)
		}
		if c.Reason != ready.Reason || c.Message != ready.Message {
			f.add("%s and Ready give different reasons: %s and %s", c.Type, c.Reason, ready.Reason)
		}
		if c.ObservedGeneration != ready.ObservedGeneration {
			f.add("%s and Ready are about different generations", c.Type)
		}
	}
	if holding != 1 {
		f.add("of Ready, Reconciling and Stalled, %d hold and not one", holding)
	}
}

// neverObserved is the status.observedGeneration of an object with which no pass has ended
// well: a default of the CustomResourceDefinition, without which kstatus would take an
// object for Current that has no status yet.
const neverObserved = -1

// kstatus checks that a reader of kstatus takes the object for what the conditions say.
// One that is being deleted is Terminating, and one whose newest generation no pass has
// ended with is InProgress, whatever they say.
func (f *findings) kstatus(obj conditions.Object) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		f.add("it cannot be converted: %v", err)
		return
	}
	read := &unstructured.Unstructured{Object: content}
	if read.GetKind() == "" { // Objects that were read by a typed client have none.
		read.SetAPIVersion(scimv1alpha1.GroupVersion.String())
		read.SetKind("Scim")
	}
	result, err := status.Compute(read)
	if err != nil {
		f.add("kstatus cannot read it: %v", err)
		return
	}
	observed, _, err := unstructured.NestedInt64(content, "status", "observedGeneration")
	if err != nil || observed < neverObserved || observed > obj.GetGeneration() {
		f.add("status.observedGeneration is %d of %d", observed, obj.GetGeneration())
	}
	if want := expected(obj, observed); result.Status != want {
		f.add("kstatus takes it for %s and not for %s: %s", result.Status, want, result.Message)
	}
}

// expected is what kstatus has to take an object for whose conditions are in order.
func expected(obj conditions.Object, observed int64) status.Status {
	holds := func(conditionType string) bool { return meta.IsStatusConditionTrue(obj.GetConditions(), conditionType) }
	switch {
	case !obj.GetDeletionTimestamp().IsZero():
		return status.TerminatingStatus
	case observed != obj.GetGeneration(), holds(scimv1alpha1.ConditionReconciling):
		return status.InProgressStatus
	case holds(scimv1alpha1.ConditionStalled):
		return status.FailedStatus
	default:
		return status.CurrentStatus
	}
}
