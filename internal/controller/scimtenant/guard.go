package scimtenant

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// actionGuard is the action of the event that the guard is open.
const actionGuard = "GuardDeactivations"

// deactivationsAllowed reports whether the guard of a tenant has stopped nothing lately, by what its pods say; nil
// for one without a guard. again is how soon that changes when nothing happens; 0 when it does not.
//
// What has been stopped is known in pods alone, which may start anew: so it is said for as long as the window is,
// whatever they say then, unless somebody opens the guard.
func deactivationsAllowed(tenant *scimv1alpha1.ScimTenant, guarded bool, now time.Time) (said *metav1.Condition, again time.Duration) {
	const conditionType = scimv1alpha1.ConditionDeactivationsAllowed
	guard := contract.Guard(tenant)
	if guard == nil {
		return nil, 0
	}
	condition := conditions.True(conditionType, scimv1alpha1.ReasonWithinGuard, "spec.users.deactivationGuard has stopped nothing lately")
	before := meta.FindStatusCondition(tenant.Status.Conditions, conditionType)
	switch left := stoppedFor(before, guard.Since(now)); {
	case guard.Open(now):
		condition = conditions.True(conditionType, scimv1alpha1.ReasonGuardOpen, fmt.Sprintf(
			"spec.users.deactivationGuard stops nothing until %s, which is its allowUntil", guard.AllowUntil.UTC().Format(time.RFC3339)))
		again = guard.AllowUntil.Sub(now)
	case guarded || left > 0:
		condition = conditions.False(conditionType, scimv1alpha1.ReasonDeactivationsGuarded, fmt.Sprintf(
			"requests are answered 503 by which more than %d %% of the active users would be deactivated or deleted, or taken out of groups: ask the customer "+
				"whether that is meant, and if so set spec.users.deactivationGuard.allowUntil to a time within 24 hours; 'kubectl scim log %s -n %s --refused' shows them",
			guard.MaxPercent, tenant.Name, tenant.Namespace))
		if !guarded {
			again = left
		}
	case guard.AllowUntil.After(now):
		condition.Message += fmt.Sprintf(", and stops nothing from %s to %s", guard.OpensAt().UTC().Format(time.RFC3339), guard.AllowUntil.UTC().Format(time.RFC3339))
		again = guard.OpensAt().Sub(now)
	}
	return &condition, again
}

// stoppedFor is for how long it is still to be said that something was stopped, which was said before: none when the
// guard counts since later.
func stoppedFor(before *metav1.Condition, since time.Time) time.Duration {
	if before == nil || before.Status != metav1.ConditionFalse {
		return 0
	}
	return before.LastTransitionTime.Sub(since)
}

// guardEvents tells that somebody has opened the guard, after the conditions were as they were before. What it
// stops, the events of refusals tell.
func guardEvents(before []metav1.Condition, after *scimv1alpha1.ScimTenant) []reconcile.Event {
	was := meta.FindStatusCondition(before, scimv1alpha1.ConditionDeactivationsAllowed)
	now := meta.FindStatusCondition(after.Status.Conditions, scimv1alpha1.ConditionDeactivationsAllowed)
	if now == nil || now.Reason != scimv1alpha1.ReasonGuardOpen || was != nil && was.Reason == now.Reason {
		return nil
	}
	return []reconcile.Event{{Type: corev1.EventTypeNormal, Reason: now.Reason, Action: actionGuard, Note: now.Message}}
}
