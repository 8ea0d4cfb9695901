package scimtenant

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

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

// seatsAvailable says whether one more user may be active.
func seatsAvailable(taken, seats int32) metav1.Condition {
	const kind = scimv1alpha1.ConditionSeatsAvailable
	if taken < seats {
		return conditions.True(kind, scimv1alpha1.ReasonSeatsAvailable, fmt.Sprintf("%d seats are left", seats-taken))
	}
	return conditions.False(kind, scimv1alpha1.ReasonSeatsExhausted, fmt.Sprintf("%d of %d seats are taken: "+
		"a request that would make one more user active is answered 403; have users deactivated, or raise spec.users.seats",
		taken, seats))
}

// tellSeats records as an event that the last seat was taken, or that there is one
// again.
func (r *Reconciler) tellSeats(before, after *scimv1alpha1.ScimTenant) {
	was := meta.IsStatusConditionFalse(before.Status.Conditions, scimv1alpha1.ConditionSeatsAvailable)
	now := meta.FindStatusCondition(after.Status.Conditions, scimv1alpha1.ConditionSeatsAvailable)
	switch {
	case now == nil:
	case now.Status == metav1.ConditionFalse && !was:
		r.Recorder.Eventf(after, nil, corev1.EventTypeWarning, now.Reason, "CountSeats", "%s", now.Message)
	case now.Status == metav1.ConditionTrue && was:
		r.Recorder.Eventf(after, nil, corev1.EventTypeNormal, now.Reason, "CountSeats", "%s", now.Message)
	}
}
