package scimtenant

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// SetupWithManager lets the manager run the reconciler.
//
// A reconciliation of a tenant that is as it should be costs no request.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	r.sweeper = &sweeper{live: r.Live}
	if err := errors.Join(r.askers().AddIndex(ctx, mgr.GetFieldIndexer()), indexServer(ctx, mgr.GetFieldIndexer())); err != nil {
		return err
	}
	return r.askers().Watch(reconcile.ControllerFor(mgr, "scimtenant", &scimv1alpha1.ScimTenant{}, options)).
		Owns(&appsv1.Deployment{}).
		Owns(&corev1.Service{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&rbacv1.Role{}).
		Owns(&rbacv1.RoleBinding{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}).
		Watches(&appsv1.Deployment{}, handler.EnqueueRequestsFromMapFunc(r.Keeper.Stager.Next(operand.KindTenant))).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(tenantOf),
			builder.WithPredicates(reportChanged())).
		Watches(&scimv1alpha1.ScimServer{}, handler.EnqueueRequestsFromMapFunc(r.tenantsOfServer),
			builder.WithPredicates(serverMatters())).
		WatchesRawSource(usage.Events(r.Usage, tenantItself)).
		Complete(r)
}
