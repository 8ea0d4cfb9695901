package scimapikey

import (
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

// maxListed is how many credentials a status lists.
const maxListed = 16

// setCredentials writes into the key's status what its credentials are, and which token is
// the newest. What the status says of a token that is gone stays, so that nobody takes the
// key for one that never had any; but not of one that was made elsewhere, which comes back
// when it is applied again.
func setCredentials(s *scope) {
	status := &s.key.Status
	used := s.lastUsed()
	status.Credentials = listed(s, used)
	if s.key.IsFederated() {
		setFederated(s, used)
		return
	}
	if len(s.credentials) == 0 {
		if status.DeliveredTime.IsZero() || s.key.TokenIssuer() == scimv1alpha1.TokenIssuerOffline {
			status.KeyID, status.DeliveredTime = "", metav1.Time{}
		}
		return
	}
	newest := newestDelivered(s.credentials)
	if newest == nil {
		status.KeyID = s.credentials[0].Name
		return
	}
	another := status.KeyID != newest.Name && !status.DeliveredTime.IsZero()
	status.KeyID = newest.Name
	if verifier, ok := s.handedOver(); ok && holds(s.credentials, verifier) {
		status.SecretName = s.handover.Name
		switch {
		case another && verifier.KeyID == newest.Name:
			status.DeliveredTime = metav1.NewTime(s.now.UTC().Truncate(time.Second))
			return
		case status.DeliveredTime.IsZero():
			status.DeliveredTime = s.handover.CreationTimestamp
		}
	}
	if another || status.DeliveredTime.IsZero() {
		status.DeliveredTime = newest.CreationTimestamp
	}
}

// lastUsed returns when each token was last used, by its key id. Pods of the release before say
// it in their Leases.
func (s *scope) lastUsed() map[string]time.Time {
	counted, known := contract.UsageOf(s.key.Spec.TenantRef.Name, s.answers)
	if !known {
		counted, _ = contract.LatestUsage(s.replicas)
	}
	return counted.LastUsedTimes
}

// listed is what the status says of each credential, newest first. The Lease of a pod has
// when a token was last used there, and goes with the pod: what was known stays.
func listed(s *scope, uses map[string]time.Time) (all []scimv1alpha1.APIKeyCredential) {
	known := map[string]metav1.Time{}
	for _, recorded := range s.key.Status.Credentials {
		known[recorded.KeyID] = recorded.LastUsedTime
	}
	for i := range min(len(s.credentials), maxListed) {
		keyID, spec := s.credentials[i].Name, s.credentials[i].Spec
		used := later(known[keyID], uses[keyID])
		all = append(all, scimv1alpha1.APIKeyCredential{
			KeyID: keyID, SHA256: spec.SHA256,
			IssueTime: spec.IssueTime, NotBefore: spec.NotBefore, ExpirationTime: spec.ExpirationTime, LastUsedTime: used,
		})
	}
	return all
}

// later returns the later of two times.
func later(a metav1.Time, b time.Time) metav1.Time {
	if b.After(a.Time) {
		return metav1.NewTime(b)
	}
	return a
}

// newestDelivered returns the newest credential whose token its holder has; nil if there is
// none.
func newestDelivered(credentials []scimv1alpha1.ScimCredential) *scimv1alpha1.ScimCredential {
	for i := range credentials {
		if isDelivered(&credentials[i]) {
			return &credentials[i]
		}
	}
	return nil
}

// holds reports whether one of the credentials is that of a token.
func holds(credentials []scimv1alpha1.ScimCredential, token apikey.Verifier) bool {
	for i := range credentials {
		verifier, err := contract.VerifierOf(&credentials[i])
		if err == nil && sameToken(verifier, token) {
			return true
		}
	}
	return false
}

// accepted reports whether every server replica goes by the newest state of the key's
// credentials, and one of them is good.
func accepted(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionCredentialsAccepted
	if s.key.IsFederated() {
		return acceptedFederated(s)
	}
	stated := stating(s.replicas)
	acknowledging := contract.Acknowledging(stated, newestRevision(s.credentials), s.migration.version())
	reason, message := refusal(s)
	switch {
	case reason != "":
		return conditions.False(conditionType, reason, message)
	case len(stated) == 0, serverNotFound(s.tenant) != nil:
		return acceptedByNobody(s)
	case acknowledging < len(stated):
		return conditions.False(conditionType, scimv1alpha1.ReasonWaitingForServer,
			fmt.Sprintf("%d of %d server replicas go by the newest state of the key's credentials", acknowledging, len(stated)))
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "every server replica goes by the newest state of the key's credentials")
	}
}

// acceptedByNobody says why there is nobody who could accept the key. Leases of pods of a ScimServer
// that was deleted may be left.
func acceptedByNobody(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionCredentialsAccepted
	name := s.key.Spec.TenantRef.Name
	if gone := serverNotFound(s.tenant); gone != nil {
		return conditions.False(conditionType, gone.Reason, fmt.Sprintf("no server accepts keys of ScimTenant %q: %s", name, gone.Message))
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonWaitingForServer, fmt.Sprintf("waiting for a server replica of ScimTenant %q to run", name))
}

// serverNotFound returns what a tenant says of a ScimServer that is not there, so that nobody serves the
// tenant; nil when that is not so.
func serverNotFound(tenant *scimv1alpha1.ScimTenant) *metav1.Condition {
	if tenant == nil {
		return nil
	}
	available := meta.FindStatusCondition(tenant.Status.Conditions, scimv1alpha1.ConditionServerAvailable)
	if available == nil || available.Reason != scimv1alpha1.ReasonServerNotFound {
		return nil
	}
	return available
}

// stating returns the Leases of the pods that have read which tokens to accept. One that
// has just been started has not, and answers nobody yet.
func stating(replicas []coordinationv1.Lease) (stated []coordinationv1.Lease) {
	for _, lease := range replicas {
		if _, ok := lease.Annotations[contract.AnnotationCredentialsRevision]; ok || contract.GoesByVerifiers(lease) {
			stated = append(stated, lease)
		}
	}
	return stated
}

// refusal says why a server refuses all of the key's tokens now; nothing when it does not.
func refusal(s *scope) (reason, message string) {
	if len(s.credentials) == 0 {
		return scimv1alpha1.ReasonNoCredential, "the key has no ScimCredential"
	}
	if s.expired() {
		return scimv1alpha1.ReasonExpired, expiry(s)
	}
	var early, late, before, leaving *scimv1alpha1.ScimCredential
	for i := range s.credentials {
		credential := &s.credentials[i]
		switch refusalOf(s, credential) {
		case contract.RefusedDeleted:
			leaving = credential
		case contract.RefusedIssue:
			before = credential
		case contract.RefusedExpired:
			late = credential
		case contract.RefusedEarly:
			early = credential
		case contract.NotRefused:
			return "", ""
		}
	}
	word := secretWord(s.key)
	switch {
	case early != nil:
		return scimv1alpha1.ReasonEarly, fmt.Sprintf("the %s of ScimCredential %q works from %s on",
			word, early.Name, contract.BeginTime(early).UTC().Format(time.RFC3339))
	case before != nil:
		return scimv1alpha1.ReasonCredentialsNotBefore, fmt.Sprintf("the %s of ScimCredential %q was made at %s, and ScimTenant %q refuses what was made before %s: %s",
			word, before.Name, contract.MadeTime(before).UTC().Format(time.RFC3339), s.tenant.Name, s.tenant.Spec.CredentialsNotBefore.UTC().Format(time.RFC3339), again(s.key))
	case late == nil:
		return scimv1alpha1.ReasonNoCredential, fmt.Sprintf("ScimCredential %q is being deleted: %s", leaving.Name, again(s.key))
	default:
		return scimv1alpha1.ReasonExpired, fmt.Sprintf("the %s of ScimCredential %q stopped working at %s: %s",
			word, late.Name, late.Spec.ExpirationTime.UTC().Format(time.RFC3339), again(s.key))
	}
}

// again says how a key gets a token once more that lets somebody in.
func again(key *scimv1alpha1.ScimApiKey) string {
	if makesTokens(key) {
		return fmt.Sprintf("have another %s made, by setting annotation %s to the time now, or create another ScimApiKey", secretWord(key), scimv1alpha1.AnnotationRotateAt)
	}
	return makeElsewhere(key) + ", or create another ScimApiKey"
}
