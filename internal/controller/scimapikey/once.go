package scimapikey

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/operand"
)

// withdraw deletes the hand-over Secret of a key that is delivered once, when somebody has
// acknowledged it, or its time is over. Its token is the holder's by then: a Secret whose
// token has not been confirmed yet stays.
func withdraw(s *scope) (d decision, applies bool) {
	if !s.key.DeliveredOnce() || !hasHandover(s) || !s.handover.DeletionTimestamp.IsZero() {
		return decision{}, false
	}
	token, _ := s.handedOver()
	if acknowledged(s.key, token.KeyID) || !s.now.Before(availableUntil(s)) {
		return decision{step: stepWithdraw}, true
	}
	return decision{}, false
}

// forgetAcknowledgement takes an annotation away that does not say of the token in the
// Secret that it has been copied: it was acted upon, came too early, or is about another
// token. Otherwise the next token would be gone before anybody has read it.
func forgetAcknowledgement(s *scope) (d decision, applies bool) {
	_, annotated := s.key.Annotations[scimv1alpha1.AnnotationDeliveryAcknowledged]
	token, _ := s.handedOver()
	if s.key.DeliveredOnce() && annotated && !(hasHandover(s) && acknowledged(s.key, token.KeyID)) {
		return decision{step: stepForget}, true
	}
	return decision{}, false
}

// acknowledged reports whether somebody says that the token of a key id has been copied. A
// value that is no key id is about the token that the status says is in the Secret: whoever
// sets it knows of no later one, whatever has been written into the Secret meanwhile.
func acknowledged(key *scimv1alpha1.ScimApiKey, keyID string) bool {
	value, annotated := key.Annotations[scimv1alpha1.AnnotationDeliveryAcknowledged]
	stated := key.Status.Delivery
	switch {
	case !annotated:
		return false
	case apikey.IsKeyID(value):
		return value == keyID
	default:
		return stated.State == scimv1alpha1.DeliveryAvailable && stated.KeyID == keyID
	}
}

// hasHandover reports whether there is a hand-over Secret of this key.
func hasHandover(s *scope) bool {
	return s.handover != nil && operand.IsHandoverSecret(s.handover, s.key)
}

// availableUntil is when the time of a hand-over Secret is over that is there once.
func availableUntil(s *scope) time.Time { return availableSince(s).Add(s.key.DeliveryTTL()) }

// availableSince is since when the token is in the hand-over Secret. The status has it; if
// that got lost, a Secret that was made for this token says it, and one that was rewritten
// is taken for new.
func availableSince(s *scope) time.Time {
	token, _ := s.handedOver()
	status := s.key.Status.Delivery
	if status.State == scimv1alpha1.DeliveryAvailable && status.KeyID == token.KeyID && !status.TransitionTime.IsZero() {
		return status.TransitionTime.Time
	}
	for i := range s.credentials {
		if made := s.handover.CreationTimestamp; s.credentials[i].Name == token.KeyID && !made.Before(&s.credentials[i].Spec.IssueTime) {
			return made.Time
		}
	}
	return s.now
}

// setDelivery writes into the key's status what has become of its hand-over Secret. What
// it says of a token whose Secret is gone stays for good, and no Secret is named any more.
func setDelivery(s *scope) {
	if !s.key.DeliveredOnce() {
		return
	}
	status := &s.key.Status
	newest := newestDelivered(s.credentials)
	keyID := lastInSecret(s, newest)
	token, inSecret := s.handedOver()
	switch {
	case inSecret && holds(s.credentials, token):
		status.Delivery = stateSince(scimv1alpha1.DeliveryAvailable, token.KeyID, availableSince(s))
	case newest == nil && status.Delivery.State == "":
		status.Delivery = stateSince(scimv1alpha1.DeliveryPending, "", s.now)
	case keyID == "", isGone(status.Delivery, keyID):
	case !acknowledged(s.key, keyID) && isOverdue(s, status.Delivery, keyID):
		status.Delivery = stateSince(scimv1alpha1.DeliveryExpired, keyID, s.now)
	default:
		// Whoever deletes the Secret by hand has read it, or does not want it.
		status.Delivery = stateSince(scimv1alpha1.DeliveryAcknowledged, keyID, s.now)
	}
	if isGone(status.Delivery, status.Delivery.KeyID) {
		status.SecretName = ""
	}
}

// lastInSecret returns the key id of the token that was written into the hand-over Secret
// last, which is the newest unless that was applied; nothing when none was, as far as the
// status says.
func lastInSecret(s *scope, newest *scimv1alpha1.ScimCredential) (keyID string) {
	status := s.key.Status
	switch {
	case newest == nil, status.SecretName == "" && !isGone(status.Delivery, status.Delivery.KeyID):
		return ""
	case status.Delivery.KeyID != "" && !operand.IsOwnCredential(newest):
		return status.Delivery.KeyID
	default:
		return newest.Name
	}
}

// isGone reports whether a status says that the Secret of a token is gone.
func isGone(status scimv1alpha1.DeliveryStatus, keyID string) bool {
	return status.KeyID == keyID &&
		(status.State == scimv1alpha1.DeliveryAcknowledged || status.State == scimv1alpha1.DeliveryExpired)
}

// isOverdue reports whether the time of the Secret is over that the status still has.
func isOverdue(s *scope, status scimv1alpha1.DeliveryStatus, keyID string) bool {
	return status.State == scimv1alpha1.DeliveryAvailable && status.KeyID == keyID &&
		!s.now.Before(status.TransitionTime.Add(s.key.DeliveryTTL()))
}

func stateSince(state scimv1alpha1.DeliveryState, keyID string, since time.Time) scimv1alpha1.DeliveryStatus {
	return scimv1alpha1.DeliveryStatus{State: state, KeyID: keyID, TransitionTime: metav1.NewTime(since.UTC().Truncate(time.Second))}
}
