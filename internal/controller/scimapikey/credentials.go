package scimapikey

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// stage is how far the token of a ScimCredential has come.
type stage int

// Stages.
const (
	// stageDelivered: its holder has it, or whoever applied the ScimCredential.
	stageDelivered stage = iota
	// stageHandedOver: it is in the hand-over Secret, and a crash kept that from being
	// recorded.
	stageHandedOver
	// stagePending: it is in memory, to be handed over.
	stagePending
	// stageAbandoned: nobody knows it, or it is not needed any more.
	stageAbandoned
)

// stageOf returns how far the token of one of the key's ScimCredentials has come.
func stageOf(s *scope, credential *scimv1alpha1.ScimCredential) stage {
	if isDelivered(credential) {
		return stageDelivered
	}
	verifier, err := contract.VerifierOf(credential)
	if err != nil {
		return stageAbandoned
	}
	if handedOver, ok := s.handedOver(); ok && sameToken(handedOver, verifier) {
		return stageHandedOver
	}
	if !isRotation(credential) && newestDelivered(s.credentials) != nil {
		return stageAbandoned
	}
	if sameToken(s.issued.verifier, verifier) {
		return stagePending
	}
	return stageAbandoned
}

// isDelivered reports whether the operator has handed over the token, or did not make it.
func isDelivered(credential *scimv1alpha1.ScimCredential) bool {
	_, undelivered := credential.Annotations[scimv1alpha1.AnnotationUndelivered]
	return !undelivered
}

// stays reports whether nobody has deleted the credential. One that is only kept by a
// finalizer of somebody else lets nobody in any more.
func stays(credential scimv1alpha1.ScimCredential) bool { return credential.DeletionTimestamp.IsZero() }

// sameToken reports whether two verifiers are of the same token.
func sameToken(a, b apikey.Verifier) bool { return a.KeyID == b.KeyID && a.SHA256 == b.SHA256 }

// restorable returns the ScimCredential of a token that was handed over, as the key's
// status and its hand-over Secret tell it; nil if they do not. The status must have it: who
// may only write Secrets must not get a token of theirs accepted. It comes back with the
// times that it had, so that what has ended stays so.
func restorable(s *scope) *scimv1alpha1.ScimCredential {
	verifier, ok := s.handedOver()
	if !ok {
		return nil
	}
	for _, recorded := range s.pass.Stored().Status.Credentials {
		credential := operand.Credential(verifier, s.key, recorded.IssueTime.Time)
		if recorded.KeyID != credential.Name || recorded.SHA256 != credential.Spec.SHA256 {
			continue
		}
		credential.Spec.NotBefore, credential.Spec.ExpirationTime = recorded.NotBefore, recorded.ExpirationTime
		return credential
	}
	return nil
}

// refusalOf returns why the key's tenant, if there is one, refuses a credential now.
func refusalOf(s *scope, credential *scimv1alpha1.ScimCredential) contract.Refusal {
	return contract.RefusalOf(credential, s.tenantNotBefore(), s.now)
}

// unrevoked reports whether any of the credentials has not been revoked.
func unrevoked(credentials []scimv1alpha1.ScimCredential, now time.Time) bool {
	for i := range credentials {
		if revoked, _ := revocation(&credentials[i], now); !revoked {
			return true
		}
	}
	return false
}

// revocation reports whether a credential is revoked, and the expirationTime that revokes
// it: when it was issued, or now, if that is still to come. That it has expired is not
// enough, since the clocks of the pods may be behind.
func revocation(credential *scimv1alpha1.ScimCredential, now time.Time) (revoked bool, at metav1.Time) {
	at = credential.Spec.IssueTime
	if now.Before(at.Time) {
		at = metav1.NewTime(now.UTC().Truncate(time.Second))
	}
	expiration := credential.Spec.ExpirationTime
	return !expiration.IsZero() && !expiration.After(at.Time), at
}

// sortCredentials orders the key's credentials by when they were made, newest first.
func sortCredentials(s *scope) {
	slices.SortFunc(s.credentials, func(a, b scimv1alpha1.ScimCredential) int {
		return cmp.Or(madeTime(s, &b).Compare(madeTime(s, &a)), strings.Compare(a.Name, b.Name))
	})
}

// madeTime is when a credential was made. What the operator says of its own is believed
// unless it is to come: by the API server's clock, which may be behind the operator's, a token
// that was just made could be older than the rotation that it was made for.
func madeTime(s *scope, credential *scimv1alpha1.ScimCredential) time.Time {
	if issued := credential.Spec.IssueTime; operand.IsOwnCredential(credential) && !issued.After(s.now) {
		return issued.Time
	}
	return contract.MadeTime(credential)
}

// newestRevision returns the highest resourceVersion of the credentials; none, "", if there
// are no credentials.
func newestRevision(credentials []scimv1alpha1.ScimCredential) (newest string) {
	for i := range credentials {
		order, err := resourceversion.CompareResourceVersion(credentials[i].ResourceVersion, newest)
		if newest == "" || err == nil && order > 0 {
			newest = credentials[i].ResourceVersion
		}
	}
	return newest
}
