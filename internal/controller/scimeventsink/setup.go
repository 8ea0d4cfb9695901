package scimeventsink

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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

// fieldTenant is the index that finds the sinks of a tenant.
const fieldTenant = "spec.tenantRef.name"

// SetupWithManager lets the manager run the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &scimv1alpha1.ScimEventSink{}, fieldTenant, func(obj client.Object) []string {
		sink, ok := obj.(*scimv1alpha1.ScimEventSink)
		if !ok {
			return nil
		}
		return []string{sink.Spec.TenantRef.Name}
	})
	if err != nil {
		return err
	}
	options.RateLimiter = reconcile.NewRateLimiter()
	return ctrl.NewControllerManagedBy(mgr).
		Named("scimeventsink").
		WithOptions(options).
		Watches(&scimv1alpha1.ScimEventSink{}, handler.EnqueueRequestsFromMapFunc(tenantOf),
			builder.WithPredicates(predicate.Or(reconcile.BeyondStatus(), changesIn(scimv1alpha1.ConditionReady)))).
		Watches(&scimv1alpha1.ScimTenant{}, &handler.EnqueueRequestForObject{},
			builder.WithPredicates(predicate.Or(beginsToGo(), changesIn(scimv1alpha1.ConditionServerAvailable)))).
		Complete(r)
}

// tenantOf returns the tenant of a sink.
func tenantOf(_ context.Context, obj client.Object) []ctrl.Request {
	sink, ok := obj.(*scimv1alpha1.ScimEventSink)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: sink.Namespace, Name: sink.Spec.TenantRef.Name}}}
}

// beginsToGo leaves out updates but that by which an object is being deleted.
func beginsToGo() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}}
}

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
