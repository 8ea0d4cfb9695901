package scimrole

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// fieldTenant is the index that finds the roles of a tenant.
const fieldTenant = "spec.tenantRef.name"

// SetupWithManager lets the manager run the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &scimv1alpha1.ScimRole{}, fieldTenant, func(obj client.Object) []string {
		role, ok := obj.(*scimv1alpha1.ScimRole)
		if !ok {
			return nil
		}
		return []string{role.Spec.TenantRef.Name}
	})
	if err != nil {
		return err
	}
	options.RateLimiter = reconcile.NewRateLimiter()
	return ctrl.NewControllerManagedBy(mgr).
		Named("scimrole").
		WithOptions(options).
		Watches(&scimv1alpha1.ScimRole{}, handler.EnqueueRequestsFromMapFunc(tenantOf), builder.WithPredicates(reconcile.BeyondStatus())).
		Watches(&scimv1alpha1.ScimTenant{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(comesOrGoes())).
		Complete(r)
}

// tenantOf returns the tenant of a role.
func tenantOf(_ context.Context, obj client.Object) []ctrl.Request {
	role, ok := obj.(*scimv1alpha1.ScimRole)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: role.Namespace, Name: role.Spec.TenantRef.Name}}}
}

// comesOrGoes leaves out all that happens to a tenant but that there is one, or is none any more.
func comesOrGoes() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}}
}
