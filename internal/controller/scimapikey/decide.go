package scimapikey

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// step is one thing that the operator does to a key.
type step string

// Steps.
const (
	// stepNone: there is nothing to do, or nothing to do now.
	stepNone step = ""
	// stepIssue makes a token, and its ScimCredential, with the annotation.
	stepIssue step = "issue"
	// stepHandOver writes the token into the hand-over Secret.
	stepHandOver step = "hand over"
	// stepConfirm takes the annotation from a ScimCredential whose token is handed over.
	stepConfirm step = "confirm"
	// stepDiscard deletes a ScimCredential whose token nobody knows, or is to know.
	stepDiscard step = "discard"
	// stepRestore creates the ScimCredential of a token that was handed over once more.
	stepRestore step = "restore"
	// stepFollowURL writes the tenant's URL into the hand-over Secret.
	stepFollowURL step = "follow the URL"
	// stepShorten brings the expirationTime of one of the key's ScimCredentials forward.
	stepShorten step = "shorten"
	// stepRetire deletes a ScimCredential that has been superseded and has ended.
	stepRetire step = "retire"
	// stepWithdraw deletes the hand-over Secret, since it was to be read once.
	stepWithdraw step = "withdraw"
	// stepForget takes the annotation away that acknowledges a delivery.
	stepForget step = "forget the acknowledgement"
	// stepRevoke brings the expirationTime of the key's ScimCredentials forward.
	stepRevoke step = "revoke"
	// stepRemove deletes the key's ScimCredentials, which are revoked.
	stepRemove step = "remove"
	// stepRelease lets the key go.
	stepRelease step = "release"
	// stepWriteVerifiers writes for pods of the release before what they are to accept.
	stepWriteVerifiers step = "write for the release before"
)

// decision is the next step, what it is about, and why there is none.
type decision struct {
	step step
	// credential is the ScimCredential that stepConfirm, stepDiscard, stepRestore,
	// stepShorten and stepRetire are about.
	credential *scimv1alpha1.ScimCredential
	// until is the end that stepShorten sets.
	until time.Time
	// problem is what the key waits for. It comes with stepNone.
	problem *problem
}

// problem is why the operator goes no further.
type problem struct {
	reason, message string
	// passing is true when it goes away without anybody acting.
	passing bool
}

// decide returns the next step for a key, by nothing but what was gathered.
func decide(s *scope) decision {
	if d, behind := decideMigration(s); behind {
		return d
	}
	if !s.key.DeletionTimestamp.IsZero() || s.expired() {
		return decideRevocation(s)
	}
	return decideDelivery(s)
}

// decideRevocation brings the key's tokens to an end.
func decideRevocation(s *scope) decision {
	acknowledging, live := s.acknowledging(true)
	switch {
	case unrevoked(s.credentials, s.now):
		return decision{step: stepRevoke}
	case acknowledging < live:
		return decision{problem: &problem{
			reason: scimv1alpha1.ReasonDeleting, passing: true,
			message: fmt.Sprintf("revoking the %s: %d of %d server replicas refuse it", secretWord(s.key), acknowledging, live),
		}}
	case slices.ContainsFunc(s.credentials, stays):
		return decision{step: stepRemove}
	case !s.key.DeletionTimestamp.IsZero():
		return decision{step: stepRelease}
	default:
		return decision{}
	}
}

// decideDelivery brings the key's token to whom it is for.
func decideDelivery(s *scope) decision {
	if s.key.IsFederated() {
		return decideFederated(s)
	}
	if credential := unmigrated(s); credential != nil {
		return decision{step: stepRestore, credential: credential}
	}
	// Nothing that the key's author does must keep this from being done.
	if limiting, applies := limitLifetimes(s); applies {
		return limiting
	}
	unwanted, settling := settle(s)
	pending := pendingOf(s)
	switch forgetting, stale := forgetAcknowledgement(s); {
	case settling:
		return unwanted
	case newestDelivered(s.credentials) != nil:
		return decideUpkeep(s)
	case unwanted.problem != nil:
		return unwanted
	case pending == nil:
		return decideToken(s)
	case stale:
		return forgetting
	default:
		return decideHandOver(s, pending)
	}
}

// settle says what comes next for a credential of which it was not recorded that its token
// is handed over, or whose token nobody knows. One that is kept by a finalizer is only waited
// for: what has to be done to others is done meanwhile.
func settle(s *scope) (d decision, settling bool) {
	for i := range s.credentials {
		credential := &s.credentials[i]
		switch stageOf(s, credential) {
		case stageHandedOver:
			return decision{step: stepConfirm, credential: credential}, true
		case stageAbandoned:
			if d = discard(credential); d.step != stepNone {
				return d, true
			}
		case stagePending, stageDelivered:
		}
	}
	return d, false
}

// decideToken says where a key without any ScimCredential gets its token from.
func decideToken(s *scope) decision {
	if credential := restorable(s); credential != nil && s.taken != credential.Name {
		return decision{step: stepRestore, credential: credential}
	}
	offline := s.key.TokenIssuer() == scimv1alpha1.TokenIssuerOffline
	switch {
	case offline:
		return decision{problem: waitingForCredential(s.key)}
	case !s.key.Status.DeliveredTime.IsZero():
		return decision{problem: lost(s.key)}
	case !s.tenantExists():
		return decision{}
	case s.handover != nil:
		return decision{problem: inTheWay(s)}
	case s.tenant.Spec.CredentialsNotBefore.After(s.now):
		return decision{problem: tooEarly(s)}
	default:
		return decision{step: stepIssue}
	}
}

// decideHandOver says what comes next for a ScimCredential that is pending.
func decideHandOver(s *scope, pending *scimv1alpha1.ScimCredential) decision {
	acknowledging, live := s.acknowledging(false)
	waiting := func(message string) decision {
		return decision{problem: &problem{
			reason: scimv1alpha1.ReasonWaitingForServer, message: message + tenantStalled(s), passing: true,
		}}
	}
	switch blocked := handoverBlocked(s, isRotation(pending)); {
	case !s.tenantExists():
		return decision{}
	case refusalOf(s, pending).ForGood():
		return discard(pending)
	case blocked != nil:
		return decision{problem: blocked}
	case live == 0:
		return waiting(fmt.Sprintf("waiting for a server replica of ScimTenant %q to run", s.key.Spec.TenantRef.Name))
	case acknowledging < live:
		return waiting(fmt.Sprintf("%d of %d server replicas accept the %s", acknowledging, live, secretWord(s.key)))
	case s.url() == "":
		return waiting(fmt.Sprintf("waiting until ScimTenant %q has a URL of its own: see its conditions", s.key.Spec.TenantRef.Name))
	default:
		return decision{step: stepHandOver}
	}
}

// discard lets go of a credential, unless somebody has deleted it: it may be kept by a
// finalizer that is not the operator's.
func discard(credential *scimv1alpha1.ScimCredential) decision {
	if !stays(*credential) {
		return decision{problem: kept(credential)}
	}
	return decision{step: stepDiscard, credential: credential}
}

// tenantStalled says that the tenant goes no further until somebody acts; nothing when it does.
func tenantStalled(s *scope) string {
	stalled := meta.FindStatusCondition(s.tenant.Status.Conditions, scimv1alpha1.ConditionStalled)
	if stalled == nil || stalled.Status != metav1.ConditionTrue {
		return ""
	}
	return fmt.Sprintf("; the tenant is Stalled until somebody acts (%s): %s", stalled.Reason, stalled.Message)
}

// urlIsBehind reports whether the URL in the hand-over Secret, if that is there, is not the
// tenant's. While the tenant has none, it is to be empty: whoever is told of a host that
// belongs to somebody else by then sends the token there.
func urlIsBehind(s *scope) bool {
	_, ok := s.handedOver()
	return ok && s.urlKnown() && !operand.HandoverIsAt(s.handover, s.key, s.url()) &&
		!ptr.Deref(s.handover.Immutable, false)
}
