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

// scope is everything that one reconciliation of one key reads and finds. All that gather
// sets, it sets anew before each step.
type scope struct {
	// key is the key as it was read live; its status is set last.
	key *scimv1alpha1.ScimApiKey
	// pass writes the key, and knows its status as the API server has it.
	pass *reconcile.Pass[*scimv1alpha1.ScimApiKey]
	// now is the time of this reconciliation.
	now time.Time
	// maxLifetime is for how long a credential may last; zero: for ever.
	maxLifetime time.Duration
	// issuers are those that federated keys may be of.
	issuers contract.Hosts

	// credentials are the key's ScimCredentials, newest first. Set by gather.
	credentials []scimv1alpha1.ScimCredential
	// issued is the token in memory that is not handed over yet, if there is one. Set by
	// gather.
	issued token
	// tenant is the key's tenant; nil if there is none. Set by gather.
	tenant *scimv1alpha1.ScimTenant
	// handover is the Secret that has the hand-over Secret's name, whosever it
	// is; nil if there is none. Set by gather.
	handover *corev1.Secret
	// replicas are the Leases of the tenant's server pods that are alive. Set by gather.
	replicas []coordinationv1.Lease
	// answers are what those of the pods say that have been asked how much their tenants are
	// used. Set by gather.
	answers []contract.ServerUsage
	// migration is what pods of the release before know of the tenant's keys. Set by
	// gather.
	migration migration

	// taken is the key id that a credential was to be restored under, and that one of
	// another key has. Set by restore.
	taken string
	// decision is what comes next. Set before each step.
	decision decision
	// failure is the error that this reconciliation ends with. Set last.
	failure error
}

func newScope(frame reconcile.Frame, key *scimv1alpha1.ScimApiKey, now time.Time) *scope {
	return &scope{pass: reconcile.Begin(frame, key), key: key, now: now}
}

// expired reports whether the key's expirationTime has passed.
func (s *scope) expired() bool {
	expiration := s.key.Spec.ExpirationTime
	return !expiration.IsZero() && !s.now.Before(expiration.Time)
}

// tenantExists reports whether there is a tenant that tokens can be made for.
func (s *scope) tenantExists() bool { return s.tenant != nil && s.tenant.DeletionTimestamp.IsZero() }

// tenantNotBefore is when what the tenant accepts was issued at the earliest; zero for any
// time.
func (s *scope) tenantNotBefore() (notBefore metav1.Time) {
	if s.tenant != nil {
		notBefore = s.tenant.Spec.CredentialsNotBefore
	}
	return notBefore
}

// handedOver returns the verifier of the token in the hand-over Secret of this key.
func (s *scope) handedOver() (v apikey.Verifier, ok bool) {
	if s.handover == nil || !operand.IsHandoverSecret(s.handover, s.key) {
		return apikey.Verifier{}, false
	}
	return apikey.VerifierOf(operand.HandedOver(s.handover, s.key))
}

// acknowledging returns how many of the live replicas go by the newest state of the key's
// credentials, when that is to be refused, or accepted: a pod of the release before that
// knows of no Secret of verifiers refuses everything.
func (s *scope) acknowledging(refused bool) (acknowledging, live int) {
	verifiers := s.migration.version()
	if verifiers == "" && refused {
		verifiers = contract.NoVerifiers
	}
	return contract.Acknowledging(s.replicas, newestRevision(s.credentials), verifiers), len(s.replicas)
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
