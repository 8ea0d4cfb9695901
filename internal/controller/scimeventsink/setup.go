package scimeventsink

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// SetupWithManager lets the manager run the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	if err := reconcile.IndexByTenant(ctx, mgr, &scimv1alpha1.ScimEventSink{}, tenantOf); err != nil {
		return err
	}
	options.RateLimiter = reconcile.NewRateLimiter()
	return ctrl.NewControllerManagedBy(mgr).
		Named("scimeventsink").
		WithOptions(options).
		Watches(&scimv1alpha1.ScimEventSink{}, reconcile.RequestByTenant(tenantOf),
			builder.WithPredicates(predicate.Or(reconcile.BeyondStatus(), changesIn(scimv1alpha1.ConditionReady)))).
		Watches(&scimv1alpha1.ScimTenant{}, &handler.EnqueueRequestForObject{},
			builder.WithPredicates(predicate.Or(reconcile.ComesOrGoes(), changesIn(scimv1alpha1.ConditionServerAvailable)))).
		Complete(r)
}

// tenantOf returns the name of the tenant of a sink.
func tenantOf(sink *scimv1alpha1.ScimEventSink) string { return sink.Spec.TenantRef.Name }

// changesIn leaves out updates but those by which a condition has another status or reason. How far a receiver is, and
// how many pods a server has, is most of what is updated.
func changesIn(conditionType string) predicate.Predicate {
	of := func(obj client.Object) (status metav1.ConditionStatus, reason string) {
		if with, ok := obj.(conditions.Object); ok {
			if found := meta.FindStatusCondition(with.GetConditions(), conditionType); found != nil {
				return found.Status, found.Reason
			}
		}
		return "", ""
	}
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		status, reason := of(e.ObjectOld)
		nextStatus, nextReason := of(e.ObjectNew)
		return status != nextStatus || reason != nextReason
	}}
}
