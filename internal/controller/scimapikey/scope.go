package scimapikey

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// scope is everything that one reconciliation of one key reads and finds.
type scope struct {
	// key is the key as it was read live; its status is set last.
	key *scimv1alpha1.ScimApiKey
	// pass writes the key, and knows its status as the API server has it.
	pass *reconcile.Pass[*scimv1alpha1.ScimApiKey]
	// now is the time of this reconciliation.
	now time.Time

	// tenant is the key's tenant; nil if there is none. Set by gather.
	tenant *scimv1alpha1.ScimTenant
	// verifiers is the Secret with the tenant's verifiers; nil if there is none.
	// Set by gather, and by writeVerifiers to what was written.
	verifiers *corev1.Secret
	// known has the verifiers of tokens that are not recorded in any status
	// yet, by the UID of their key. Set by gather, and by provideToken for this
	// key.
	known verifiersByKey
	// siblings are all keys of the tenant, this one included. Set by gather.
	siblings []scimv1alpha1.ScimApiKey
	// handover is the Secret that has the hand-over Secret's name, whosever it
	// is; nil if there is none. Set by gather, and by handOver.
	handover *corev1.Secret
	// replicas are the Leases of the tenant's server pods that are alive. Set by gather, and
	// read again by writeVerifiers.
	replicas []coordinationv1.Lease

	// token is the plaintext to hand over; empty when there is nothing to hand
	// over. Set by provideToken.
	token string
	// problem is why somebody has to act, or nil. Set by any phase.
	problem *problem

	// failure is the error that this reconciliation ends with. Set last.
	failure error
}

// problem is something that the operator cannot mend.
type problem struct {
	reason, message string
	// passing is true when it goes away without anybody acting.
	passing bool
}

func newScope(frame reconcile.Frame, key *scimv1alpha1.ScimApiKey, now time.Time) *scope {
	return &scope{pass: reconcile.Begin(frame, key), key: key, now: now}
}

// recorded is the key id that the stored status has.
func (s *scope) recorded() string { return s.pass.Stored().Status.KeyID }

// delivered reports whether the token has been handed over, ever.
func (s *scope) delivered() bool { return !s.key.Status.DeliveredTime.IsZero() }

// expired reports whether the token has stopped working.
func (s *scope) expired() bool { return operand.KeyExpired(s.key, s.now) }

// verifiersVersion is the version of the verifiers that the replicas have to
// reach.
func (s *scope) verifiersVersion() string {
	if s.verifiers == nil {
		return contract.NoVerifiers
	}
	return s.verifiers.ResourceVersion
}

// verifiersData is the content of the verifiers Secret; nil if there is none.
func (s *scope) verifiersData() map[string][]byte {
	if s.verifiers == nil {
		return nil
	}
	return s.verifiers.Data
}

// verifiersAreOurs is false when somebody else's Secret has the name.
func (s *scope) verifiersAreOurs() bool {
	return s.verifiers == nil || operand.IsVerifiersSecret(s.verifiers, s.key.Spec.TenantRef.Name)
}

// handedOver returns the verifier of the token in the hand-over Secret of this key.
func (s *scope) handedOver() (v apikey.Verifier, ok bool) {
	if s.handover == nil || !operand.IsHandoverSecret(s.handover, s.key) {
		return apikey.Verifier{}, false
	}
	return apikey.VerifierOf(string(s.handover.Data[operand.HandoverToken]))
}

// url is the tenant's URL; empty while the tenant has none for its newest spec.
// The tenant's status decides, not its spec: a host that belongs to another
// tenant must never get this tenant's tokens.
func (s *scope) url() string {
	if s.tenant == nil || !s.urlKnown() {
		return ""
	}
	return s.tenant.Status.URL
}

// urlKnown is false while the tenant's status is not about its newest spec. A tenant
// that is not there has no URL.
func (s *scope) urlKnown() bool {
	return s.tenant == nil || s.tenant.Status.ObservedGeneration == s.tenant.Generation
}

// requeueAfter is when to look again for what no watch tells about.
func (s *scope) requeueAfter() time.Duration {
	switch {
	case s.expired():
		return 0
	case s.problem != nil && s.problem.passing:
		return pollInterval
	case s.problem != nil:
		return conflictInterval
	case s.recorded() != s.key.Status.KeyID:
		return recordInterval
	case !s.delivered() && s.tenant != nil:
		return pollInterval
	case !s.key.Spec.ExpirationTime.IsZero():
		return min(s.key.Spec.ExpirationTime.Sub(s.now), longestSleep) + time.Second
	default:
		return 0
	}
}

func (s *scope) markDelivered(keyID string, at metav1.Time) {
	s.key.Status.KeyID = keyID
	s.key.Status.DeliveredTime = at
	s.key.Status.SecretName = s.key.HandoverSecretName()
}
