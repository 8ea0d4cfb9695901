package scimapikey

import (
	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Actions of events, beside those of what Ready says.
const (
	actionDeliver  = "Deliver"
	actionRevoke   = "Revoke"
	actionWithdraw = "Withdraw"
)

func (r *Reconciler) recordDelivered(key *scimv1alpha1.ScimApiKey, keyID string) {
	r.Recorder.Eventf(key, nil, corev1.EventTypeNormal, scimv1alpha1.ReasonDelivered, actionDeliver,
		"Every server replica accepts the %s of key id %s; it is in Secret %q", secretWord(key), keyID, key.HandoverSecretName())
}

// recordRevoked tells of credentials that every replica has acknowledged to be revoked.
func (r *Reconciler) recordRevoked(key *scimv1alpha1.ScimApiKey, credentials []scimv1alpha1.ScimCredential) {
	for i := range credentials {
		r.Recorder.Eventf(key, nil, corev1.EventTypeNormal, scimv1alpha1.ReasonRevoked, actionRevoke,
			"No server replica accepts the %s of key id %s any more", secretWord(key), credentials[i].Name)
	}
}

// recordWithdrawn tells that the hand-over Secret was deleted, and why.
func (r *Reconciler) recordWithdrawn(key *scimv1alpha1.ScimApiKey, state scimv1alpha1.DeliveryState) {
	why := "its time was over"
	if state == scimv1alpha1.DeliveryAcknowledged {
		why = "somebody acknowledged it"
	}
	r.Recorder.Eventf(key, nil, corev1.EventTypeNormal, scimv1alpha1.ReasonWithdrawn, actionWithdraw,
		"Secret %q was deleted, since %s; the %s goes on working", key.HandoverSecretName(), why, secretWord(key))
}
