package scimtenant

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// SetupWithManager lets the manager run the reconciler.
//
// A reconciliation of a tenant that is as it should be costs no request.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	r.applier = apply.New(r.Client, r.Live)
	if err := r.addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	return reconcile.ControllerFor(mgr, "scimtenant", &scimv1alpha1.ScimTenant{}, options).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&rbacv1.Role{}).
		Owns(&rbacv1.RoleBinding{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Owns(&networkingv1.Ingress{}).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.tenantsOfRecord)).
		Watches(&networkingv1.Ingress{}, handler.EnqueueRequestsFromMapFunc(r.tenantsOfPublished)).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(tenantOf),
			builder.WithPredicates(reportChanged())).
		Watches(&networkingv1.IngressClass{}, handler.EnqueueRequestsFromMapFunc(r.tenantsWithAnyHost)).
		Complete(r)
}

// tenantsWithAnyHost returns the tenants to which an IngressClass matters.
func (r *Reconciler) tenantsWithAnyHost(ctx context.Context, _ client.Object) []ctrl.Request {
	tenants := &scimv1alpha1.ScimTenantList{}
	if err := r.Client.List(ctx, tenants); err != nil {
		log.FromContext(ctx).Error(err, "Listing the tenants")
	}
	var requests []ctrl.Request
	for i := range tenants.Items {
		if tenants.Items[i].Spec.Endpoint.Host != "" {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&tenants.Items[i])})
		}
	}
	return requests
}
