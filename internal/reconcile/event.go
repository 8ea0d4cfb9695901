package reconcile

import (
	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// Event is what is told about an object once its status is written.
type Event struct {
	// Type is corev1.EventTypeNormal or corev1.EventTypeWarning.
	Type string
	// Reason is that of the condition that the event is about.
	Reason string
	// Action is what the operator was doing, as a verb in CamelCase.
	Action string
	// Note is for people, in at most as many bytes as the API takes.
	Note string
}

// actionReconcile is the action of an event about a whole pass.
const actionReconcile = "Reconcile"

// ReadyEvent tells what Ready says: a warning of what somebody has to act on or has
// failed.
func ReadyEvent(summary conditions.Summary) Event {
	event := Event{
		Type: corev1.EventTypeNormal, Reason: summary.Reason, Action: actionReconcile, Note: conditions.Note(summary.Message),
	}
	if summary.Outcome == conditions.Stalled || summary.Reason == scimv1alpha1.ReasonReconcileFailed {
		event.Type = corev1.EventTypeWarning
	}
	return event
}
