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
	if s.failure == nil {
		s.key.Status.ObservedGeneration = s.key.Generation
	}
	tenant, delivery := tenantFound(s), delivered(s)
	ready = decideReady(s, tenant, delivery)
	if s.failure != nil || !s.key.DeletionTimestamp.IsZero() {
		// Too little was read to say more.
		return ready, conditions.Set(s.key, ready)
	}
	return ready, conditions.Set(s.key, ready, tenant, delivery)
}

// tenantFound reports whether there is a tenant that the token is good for.
func tenantFound(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionTenantFound
	name, namespace := s.key.Spec.TenantRef.Name, s.key.Namespace
	switch {
	case s.tenant == nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonTenantNotFound,
			fmt.Sprintf("there is no ScimTenant %q in namespace %q: create it", name, namespace))
	case !s.tenant.DeletionTimestamp.IsZero():
		return conditions.False(conditionType, scimv1alpha1.ReasonTenantNotFound,
			fmt.Sprintf("ScimTenant %q in namespace %q is being deleted: create it again when it is gone", name, namespace))
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("ScimTenant %q exists", name))
	}
}

// delivered reports whether the token has been handed over.
func delivered(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionDelivered
	switch {
	case s.delivered():
		return conditions.True(conditionType, scimv1alpha1.ReasonDelivered,
			fmt.Sprintf("the token was written into Secret %q", s.key.Status.SecretName))
	case s.expired():
		return conditions.False(conditionType, scimv1alpha1.ReasonExpired, expiry(s))
	case s.problem != nil:
		return conditions.False(conditionType, s.problem.reason, s.problem.message)
	case s.tenant == nil || !s.tenant.DeletionTimestamp.IsZero():
		return conditions.False(conditionType, scimv1alpha1.ReasonTenantNotFound, "the token is made once the tenant exists")
	default:
		return conditions.False(conditionType, scimv1alpha1.ReasonWaitingForServer, waitsFor(s))
	}
}

// decideReady weighs the conditions TenantFound and Delivered: what needs somebody comes
// before what only needs time.
func decideReady(s *scope, tenant, delivery metav1.Condition) conditions.Summary {
	switch {
	case s.failure != nil:
		return because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.failure.Error())
	case !s.key.DeletionTimestamp.IsZero() && s.problem != nil:
		return because(conditions.Stalled, s.problem.reason, "the token still works, and cannot be revoked: "+s.problem.message)
	case !s.key.DeletionTimestamp.IsZero():
		return because(conditions.Reconciling, scimv1alpha1.ReasonDeleting, revoking(s))
	case s.expired():
		return because(conditions.Stalled, scimv1alpha1.ReasonExpired, expiry(s))
	case s.problem != nil && s.problem.passing:
		return because(conditions.Reconciling, s.problem.reason, s.problem.message)
	case s.problem != nil:
		return because(conditions.Stalled, s.problem.reason, s.problem.message)
	case tenant.Status != metav1.ConditionTrue:
		return because(conditions.Stalled, tenant.Reason, tenant.Message)
	case delivery.Status != metav1.ConditionTrue:
		return because(conditions.Reconciling, delivery.Reason, delivery.Message)
	default:
		return because(conditions.Ready, scimv1alpha1.ReasonSucceeded, "the token works; "+delivery.Message)
	}
}

func because(outcome conditions.Outcome, reason, message string) conditions.Summary {
	return conditions.Summary{Outcome: outcome, Reason: reason, Message: message}
}

// expiry says what the expirationTime of a key has ended that has expired: nothing, if it
// had passed before the key was made.
func expiry(s *scope) string {
	at, created := s.key.Spec.ExpirationTime.UTC(), s.key.CreationTimestamp.UTC()
	switch {
	case s.delivered():
		return fmt.Sprintf("the token stopped working at %s: create another ScimApiKey and delete this one", at.Format(time.RFC3339))
	case !at.After(created):
		return fmt.Sprintf("no token was made, since spec.expirationTime, %s, had passed already when the key was created at %s: "+
			"set it to a time to come, or take it out", at.Format(time.RFC3339), created.Format(time.RFC3339))
	default:
		return fmt.Sprintf("the key expired at %s, before its token was handed over: set spec.expirationTime to a time to come, or take it out",
			at.Format(time.RFC3339))
	}
}

// revoking says how far the revocation has come.
func revoking(s *scope) string {
	accepting, live := contract.Accepting(s.replicas, s.verifiersVersion()), len(s.replicas)
	return fmt.Sprintf("revoking the token: %d of %d server replicas refuse it", accepting, live)
}
