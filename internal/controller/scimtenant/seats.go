package scimtenant

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// actionCountSeats is the action of the events about seats.
const actionCountSeats = "CountSeats"

// setSeats writes how many of the tenant's seats are taken into its status, and
// whether one is left. Nothing is said of a tenant with any number of seats, and of
// one whose users have not been counted yet.
func setSeats(tenant *scimv1alpha1.ScimTenant) {
	status, seats := &tenant.Status, tenant.Spec.Users.Seats
	if seats == 0 || status.ActiveUsers == nil {
		status.Seats = ""
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionSeatsAvailable)
		return
	}
	status.Seats = fmt.Sprintf("%d/%d", *status.ActiveUsers, seats)
	condition := seatsAvailable(*status.ActiveUsers, seats)
	condition.ObservedGeneration = tenant.Generation
	meta.SetStatusCondition(&status.Conditions, condition)
}

// seatsAvailable reports whether one more user may be active.
func seatsAvailable(taken, seats int32) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionSeatsAvailable
	if taken < seats {
		return conditions.True(conditionType, scimv1alpha1.ReasonSeatsAvailable, fmt.Sprintf("%d seats are left", seats-taken))
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonSeatsExhausted, fmt.Sprintf("%d of %d seats are taken: "+
		"a request that would make one more user active is answered 403; have users deactivated, or raise spec.users.seats",
		taken, seats))
}

// seatsEvents tells that the last seat was taken, or that there is one again, after the
// condition was as it was before.
func seatsEvents(before []metav1.Condition, after *scimv1alpha1.ScimTenant) []reconcile.Event {
	was := meta.IsStatusConditionFalse(before, scimv1alpha1.ConditionSeatsAvailable)
	now := meta.FindStatusCondition(after.Status.Conditions, scimv1alpha1.ConditionSeatsAvailable)
	switch {
	case now == nil:
		return nil
	case now.Status == metav1.ConditionFalse && !was:
		return []reconcile.Event{{Type: corev1.EventTypeWarning, Reason: now.Reason, Action: actionCountSeats, Note: now.Message}}
	case now.Status == metav1.ConditionTrue && was:
		return []reconcile.Event{{Type: corev1.EventTypeNormal, Reason: now.Reason, Action: actionCountSeats, Note: now.Message}}
	default:
		return nil
	}
}
