package scimtenant

import (
	"context"
	"errors"

	coordinationv1 "k8s.io/api/coordination/v1"
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
	built, err := r.Keeper.Watch(operand.KindTenant, r.askers().Watch(reconcile.ControllerFor(mgr, "scimtenant", &scimv1alpha1.ScimTenant{}, options))).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(tenantOf),
			builder.WithPredicates(reportChanged())).
		Watches(&scimv1alpha1.ScimServer{}, handler.EnqueueRequestsFromMapFunc(r.tenantsOfServer),
			builder.WithPredicates(serverMatters())).
		WatchesRawSource(usage.Events(r.Usage, tenantItself)).
		Build(r)
	if err != nil {
		return err
	}
	return r.askers().WatchRoutes(mgr, r.Publisher.GatewayAPI, built)
}
