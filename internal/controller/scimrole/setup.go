package scimrole

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// SetupWithManager lets the manager run the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	if err := reconcile.IndexByTenant(ctx, mgr, &scimv1alpha1.ScimRole{}, tenantOf); err != nil {
		return err
	}
	options.RateLimiter = reconcile.NewRateLimiter()
	return ctrl.NewControllerManagedBy(mgr).
		Named("scimrole").
		WithOptions(options).
		Watches(&scimv1alpha1.ScimRole{}, reconcile.RequestByTenant(tenantOf), builder.WithPredicates(reconcile.BeyondStatus())).
		Watches(&scimv1alpha1.ScimTenant{}, &handler.EnqueueRequestForObject{}, builder.WithPredicates(reconcile.ComesOrGoes())).
		Complete(r)
}

// tenantOf returns the name of the tenant of a role.
func tenantOf(role *scimv1alpha1.ScimRole) string { return role.Spec.TenantRef.Name }
