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
	switch left := seats - taken; {
	case left > 0 && int64(taken)*10 >= int64(seats)*9:
		return conditions.True(conditionType, scimv1alpha1.ReasonFewSeatsLeft, fmt.Sprintf("%d of %d seats are left: "+
			"have users deactivated, or raise spec.users.seats, before a request is refused", left, seats))
	case left > 0:
		return conditions.True(conditionType, scimv1alpha1.ReasonSeatsAvailable, fmt.Sprintf("%d seats are left", left))
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonSeatsExhausted, fmt.Sprintf("%d of %d seats are taken: "+
		"a request that would make one more user active is answered 403; have users deactivated, or raise spec.users.seats",
		taken, seats))
}

// seatsEvents tells that few seats are left, that the last one was taken, or that there are some
// again, after the condition was as it was before.
func seatsEvents(before []metav1.Condition, after *scimv1alpha1.ScimTenant) []reconcile.Event {
	was := scimv1alpha1.ReasonSeatsAvailable
	if c := meta.FindStatusCondition(before, scimv1alpha1.ConditionSeatsAvailable); c != nil {
		was = c.Reason
	}
	now := meta.FindStatusCondition(after.Status.Conditions, scimv1alpha1.ConditionSeatsAvailable)
	if now == nil || now.Reason == was {
		return nil
	}
	kind := corev1.EventTypeWarning
	if now.Reason == scimv1alpha1.ReasonSeatsAvailable {
		kind = corev1.EventTypeNormal
	}
	return []reconcile.Event{{Type: kind, Reason: now.Reason, Action: actionCountSeats, Note: now.Message}}
}
