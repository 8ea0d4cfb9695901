// Package conditions keeps the status of ScimTenants and ScimApiKeys in the form
// that kstatus reads (kubectl wait, Helm, Flux), and the health checks for Argo CD
// in config/argocd. Ready is always there
// and is False while Reconciling or Stalled holds; Reconciling and Stalled are
// there only while they are True, and never both. Every condition says for
// which generation it was found.
package conditions

import (
	"slices"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Object is a resource with conditions.
type Object interface {
	metav1.Object
	GetConditions() []metav1.Condition
	SetConditions([]metav1.Condition)
}

// Outcome is what a reconciliation amounts to.
type Outcome string

// Outcomes.
const (
	// Ready: the object does what its spec says.
	Ready Outcome = "Ready"
	// Reconciling: not yet, and nobody needs to act.
	Reconciling Outcome = scimv1alpha1.ConditionReconciling
	// Stalled: not before somebody acts.
	Stalled Outcome = scimv1alpha1.ConditionStalled
)

// Summary is the outcome and why it is so, for people.
type Summary struct {
	Outcome Outcome
	Reason  string
	Message string
}

// What is said is bounded, since some of it is what somebody else has written, such as
// the answer of a webhook or the keys of annotations.
const (
	// longestMessage is how many bytes the message of a condition has at most. The API
	// takes 32768 characters; nobody reads as many.
	longestMessage = 4096
	// longestNote is how many bytes the API takes for the note of an event.
	longestNote = 1024
	// longestQuote is how many bytes of what somebody else has said are repeated in a message.
	longestQuote = 256
)

// Note returns a message as it fits into an event.
func Note(message string) string { return shorten(message, longestNote) }

// Quote returns what somebody else has said as it fits into a message.
func Quote(said string) string { return shorten(said, longestQuote) }

// shorten cuts a text that has more bytes than the limit, and marks it as cut.
func shorten(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

// Set writes a summary and the conditions that it is made of into the object's
// status, for the object's generation. It reports whether what Ready says has
// changed: its status or its reason.
func Set(obj Object, summary Summary, parts ...metav1.Condition) (changed bool) {
	all := slices.Clone(obj.GetConditions())
	before := meta.FindStatusCondition(all, scimv1alpha1.ConditionReady)
	if before != nil {
		before = before.DeepCopy()
	}

	ready := condition(scimv1alpha1.ConditionReady, summary.Outcome == Ready, summary)
	set(&all, obj, ready)
	for _, part := range parts {
		set(&all, obj, part)
	}
	for _, abnormal := range []Outcome{Reconciling, Stalled} {
		if summary.Outcome == abnormal {
			set(&all, obj, condition(string(abnormal), true, summary))
		} else {
			meta.RemoveStatusCondition(&all, string(abnormal))
		}
	}
	obj.SetConditions(all)
	return before == nil || before.Status != ready.Status || before.Reason != ready.Reason
}

// True returns a condition that holds.
func True(conditionType, reason, message string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

// False returns a condition that does not hold.
func False(conditionType, reason, message string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

// Unknown returns a condition of which nothing is known.
func Unknown(conditionType, reason, message string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: metav1.ConditionUnknown, Reason: reason, Message: message}
}

func condition(conditionType string, holds bool, summary Summary) metav1.Condition {
	if holds {
		return True(conditionType, summary.Reason, summary.Message)
	}
	return False(conditionType, summary.Reason, summary.Message)
}

func set(all *[]metav1.Condition, obj Object, c metav1.Condition) {
	c.ObservedGeneration = obj.GetGeneration()
	c.Message = shorten(c.Message, longestMessage)
	meta.SetStatusCondition(all, c)
}
