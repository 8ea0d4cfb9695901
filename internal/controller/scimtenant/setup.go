package scimtenant

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// SetupWithManager lets the manager run the reconciler.
//
// A reconciliation of a tenant that is as it should be costs no request.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	r.applier = apply.New(r.Client, r.Live)
	r.sweeper = &sweeper{live: r.Live}
	r.hosts = &hosts.Records{
		Cached: r.Client, Live: r.Live, Namespace: r.Namespace, Reservation: r.Config.Servers.Absence.Duration,
	}
	if err := addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	find := watches{cached: r.Client}
	return reconcile.ControllerFor(mgr, "scimtenant", &scimv1alpha1.ScimTenant{}, options).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&rbacv1.Role{}).
		Owns(&rbacv1.RoleBinding{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}).
		Owns(&networkingv1.Ingress{}).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(find.tenantsOfRecord)).
		Watches(&networkingv1.Ingress{}, handler.EnqueueRequestsFromMapFunc(find.tenantsOfPublished)).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(tenantOf),
			builder.WithPredicates(reportChanged())).
		Watches(&networkingv1.IngressClass{}, handler.EnqueueRequestsFromMapFunc(find.tenantsWithAnyHost)).
		Complete(r)
}
