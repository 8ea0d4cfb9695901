package scimapikey

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// state writes into the key's status what the scope has found, and returns what to tell.
// That all is well needs no event of its own: the delivery was one.
func (s *scope) state(failure error) []reconcile.Event {
	s.failure = failure
	ready, changed := setStatus(s)
	if !changed || ready.Outcome == conditions.Ready {
		return nil
	}
	return []reconcile.Event{reconcile.ReadyEvent(ready)}
}

// setStatus writes into the key's status what the scope has found. It returns what Ready
// says, and whether that has changed.
func setStatus(s *scope) (ready conditions.Summary, changed bool) {
	s.key.Status.Type = s.key.Type()
	if s.failure != nil {
		// Too little was read to say more.
		ready = because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.failure.Error())
		return ready, conditions.Set(s.key, ready)
	}
	s.key.Status.ObservedGeneration = s.key.Generation
	setCredentials(s)
	setDelivery(s)
	tenant, delivery, acceptance := tenantFound(s), delivered(s), accepted(s)
	ready = decideReady(s, tenant, delivery, acceptance)
	if !s.key.DeletionTimestamp.IsZero() {
		return ready, conditions.Set(s.key, ready)
	}
	parts := append(lifetimeConditions(s), tenant, delivery, acceptance)
	return ready, conditions.Set(s.key, ready, parts...)
}

// tenantFound reports whether there is a tenant that the token is good for.
func tenantFound(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionTenantFound
	name, namespace := s.key.Spec.TenantRef.Name, s.key.Namespace
	switch {
	case s.tenant == nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonTenantNotFound,
			fmt.Sprintf("there is no ScimTenant %q in namespace %q: create it", name, namespace))
	case !s.tenantExists():
		return conditions.False(conditionType, scimv1alpha1.ReasonTenantNotFound,
			fmt.Sprintf("ScimTenant %q in namespace %q is being deleted: create it again when it is gone", name, namespace))
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("ScimTenant %q exists", name))
	}
}

// delivered reports whether the token has been handed over, or its ScimCredential applied.
func delivered(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionDelivered
	status, word := s.key.Status, secretWord(s.key)
	switch {
	case s.key.IsFederated():
		return conditions.True(conditionType, scimv1alpha1.ReasonFederated, "the key is federated, and has no token that is handed over")
	case !status.DeliveredTime.IsZero() && status.SecretName != "":
		return conditions.True(conditionType, scimv1alpha1.ReasonDelivered,
			fmt.Sprintf("the %s was written into Secret %q", word, status.SecretName))
	case !status.DeliveredTime.IsZero() && isGone(status.Delivery, status.KeyID):
		return conditions.True(conditionType, scimv1alpha1.ReasonDelivered, withdrawn(s.key))
	case !status.DeliveredTime.IsZero():
		return conditions.True(conditionType, scimv1alpha1.ReasonProvided,
			fmt.Sprintf("ScimCredential %q was applied, which the operator has not made: whoever made it has the %s", status.KeyID, word))
	case s.expired():
		return conditions.False(conditionType, scimv1alpha1.ReasonExpired, expiry(s))
	case s.decision.problem != nil:
		return conditions.False(conditionType, s.decision.problem.reason, s.decision.problem.message)
	default:
		return conditions.False(conditionType, scimv1alpha1.ReasonTenantNotFound, fmt.Sprintf("the %s is made once the tenant exists", word))
	}
}

// withdrawn says that a token was handed over once, and why its Secret is gone.
func withdrawn(key *scimv1alpha1.ScimApiKey) string {
	why := "somebody acknowledged or deleted it"
	if key.Status.Delivery.State == scimv1alpha1.DeliveryExpired {
		why = "its time was over"
	}
	return fmt.Sprintf("the %s was handed over; Secret %q is gone, since %s", secretWord(key), key.HandoverSecretName(), why)
}

// decideReady weighs the conditions that Ready is made of: what needs somebody comes
// before what only needs time.
func decideReady(s *scope, tenant, delivery, acceptance metav1.Condition) conditions.Summary {
	problem, word := s.decision.problem, secretWord(s.key)
	blocked := problem != nil && !problem.passing
	switch {
	case !s.key.DeletionTimestamp.IsZero() && blocked:
		return because(conditions.Stalled, problem.reason, fmt.Sprintf("servers of this release refuse the %s already; %s", word, problem.message))
	case !s.key.DeletionTimestamp.IsZero():
		return because(conditions.Reconciling, scimv1alpha1.ReasonDeleting, revoking(s))
	case s.expired():
		return because(conditions.Stalled, scimv1alpha1.ReasonExpired, expiry(s))
	case blocked:
		return because(conditions.Stalled, problem.reason, problem.message)
	case problem != nil:
		return because(conditions.Reconciling, problem.reason, problem.message)
	case tenant.Status != metav1.ConditionTrue:
		return because(conditions.Stalled, tenant.Reason, tenant.Message)
	case acceptance.Status == metav1.ConditionFalse && passes(acceptance.Reason):
		return because(conditions.Reconciling, acceptance.Reason, acceptance.Message)
	case acceptance.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, acceptance.Reason, acceptance.Message)
	case s.key.IsFederated():
		return because(conditions.Ready, works(s), howFederated(s))
	case s.key.State() == scimv1alpha1.APIKeySuspended:
		return because(conditions.Ready, works(s), "every request with the key is refused, as spec.state says; "+delivery.Message)
	default:
		return because(conditions.Ready, works(s), fmt.Sprintf("the %s works; %s", word, delivery.Message))
	}
}

// works is the reason of Ready for a key that is as its spec says.
func works(s *scope) string {
	if s.key.State() == scimv1alpha1.APIKeySuspended {
		return scimv1alpha1.ReasonSuspended
	}
	return scimv1alpha1.ReasonSucceeded
}

func because(outcome conditions.Outcome, reason, message string) conditions.Summary {
	return conditions.Summary{Outcome: outcome, Reason: reason, Message: message}
}

// passes reports whether a token that is not accepted for a reason will be without anybody
// acting.
func passes(reason string) bool {
	return reason == scimv1alpha1.ReasonWaitingForServer || reason == scimv1alpha1.ReasonEarly
}

// expiry says what the expirationTime of a key has ended that has expired: nothing, if it
// had passed before the key was made.
func expiry(s *scope) string {
	at, created, word := s.key.Spec.ExpirationTime.UTC(), s.key.CreationTimestamp.UTC(), secretWord(s.key)
	switch {
	case s.key.IsFederated():
		return fmt.Sprintf("the key stopped working at %s: set spec.expirationTime to a time to come, or take it out", at.Format(time.RFC3339))
	case !s.key.Status.DeliveredTime.IsZero():
		return fmt.Sprintf("the %s stopped working at %s: create another ScimApiKey and delete this one", word, at.Format(time.RFC3339))
	case !at.After(created):
		return fmt.Sprintf("no %s was made, since spec.expirationTime, %s, had passed already when the key was created at %s: "+
			"set it to a time to come, or take it out", word, at.Format(time.RFC3339), created.Format(time.RFC3339))
	default:
		return fmt.Sprintf("the key expired at %s, before its %s was handed over: set spec.expirationTime to a time to come, or take it out",
			at.Format(time.RFC3339), word)
	}
}

// revoking says how far the revocation has come.
func revoking(s *scope) string {
	if s.decision.problem != nil {
		return s.decision.problem.message
	}
	return "revoking the " + secretWord(s.key)
}

// requeueAfter is when to look again for what no watch tells about.
func requeueAfter(s *scope) time.Duration {
	problem := s.decision.problem
	switch {
	case problem != nil && problem.passing:
		return pollInterval
	case problem != nil:
		return conflictInterval
	case s.expired():
		return 0
	case s.handover != nil && !s.handover.DeletionTimestamp.IsZero():
		return conflictInterval
	case s.tenantExists() && accepted(s).Reason == scimv1alpha1.ReasonWaitingForServer:
		return pollInterval
	}
	next, sleeps := nextTime(s)
	if !sleeps {
		return 0
	}
	return min(next.Sub(s.now), longestSleep) + time.Second
}

// nextTime is the next time at which something of the key begins or ends.
func nextTime(s *scope) (next time.Time, found bool) {
	times := []time.Time{s.key.Spec.ExpirationTime.Time, lifetimeOf(s).notice(), nextRotation(s)}
	if s.key.IsFederated() {
		times = append(times, s.tenantNotBefore().Time)
	}
	for i := range s.credentials {
		times = append(times, contract.BeginTime(&s.credentials[i]), s.credentials[i].Spec.ExpirationTime.Time)
	}
	if s.key.DeliveredOnce() && hasHandover(s) {
		times = append(times, availableUntil(s))
	}
	for _, t := range times {
		if t.After(s.now) && (!found || t.Before(next)) {
			next, found = t, true
		}
	}
	return next, found
}
