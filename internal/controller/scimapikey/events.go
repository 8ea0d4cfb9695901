package scimapikey

import (
	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// Actions of events.
const (
	actionReconcile = "Reconcile"
	actionDeliver   = "Deliver"
	actionRevoke    = "Revoke"
)

// tell records what Ready says. That all is well needs no event of its own: the
// delivery was one.
func (r *Reconciler) tell(key *scimv1alpha1.ScimApiKey, summary conditions.Summary) {
	kind := corev1.EventTypeNormal
	switch {
	case summary.Outcome == conditions.Ready:
		return
	case summary.Outcome == conditions.Stalled, summary.Reason == scimv1alpha1.ReasonReconcileFailed:
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(key, nil, kind, summary.Reason, actionReconcile, "%s", conditions.Note(summary.Message))
}

func (r *Reconciler) tellDelivered(key *scimv1alpha1.ScimApiKey) {
	r.Recorder.Eventf(key, nil, corev1.EventTypeNormal, scimv1alpha1.ReasonDelivered, actionDeliver,
		"Every server replica accepts the token of key %s; it is in Secret %q", key.Status.KeyID, key.Status.SecretName)
}

func (r *Reconciler) tellRevoked(key *scimv1alpha1.ScimApiKey) {
	r.Recorder.Eventf(key, nil, corev1.EventTypeNormal, scimv1alpha1.ReasonRevoked, actionRevoke,
		"No server replica accepts the token of key %s any more", key.Status.KeyID)
}
