package scimserver

import (
	"context"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// countDelay is how long tenants that come and go are waited for before they are counted: a
// thousand that are applied at once are to be counted a few times, and not a thousand.
const countDelay = 5 * time.Second

// SetupWithManager lets the manager run the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	askers := publishing.Askers{
		Cached: r.Client, Kind: operand.KindServer,
		New:     func() client.Object { return &scimv1alpha1.ScimServer{} },
		NewList: func() client.ObjectList { return &scimv1alpha1.ScimServerList{} },
		HostOf: func(obj client.Object) string {
			if server, ok := obj.(*scimv1alpha1.ScimServer); ok {
				return server.Spec.Endpoint.Host
			}
			return ""
		},
	}
	if err := askers.AddIndex(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	built, err := r.Keeper.Watch(operand.KindServer, askers.Watch(reconcile.ControllerFor(mgr, "scimserver", &scimv1alpha1.ScimServer{}, options))).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(serverOfLease), builder.WithPredicates(complaintsChanged())).
		Watches(&scimv1alpha1.ScimTenant{}, countLater()).
		Build(r)
	if err != nil {
		return err
	}
	return askers.WatchRoutes(mgr, r.Publisher.GatewayAPI, built)
}

// serverOfLease returns the ScimServer of the pod that a Lease belongs to.
func serverOfLease(_ context.Context, lease client.Object) []ctrl.Request {
	name := lease.GetLabels()[scimv1alpha1.LabelServer]
	if name == "" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: lease.GetNamespace(), Name: name}}}
}

// complaintsChanged leaves out all of a Lease but whom its pod cannot reach.
func complaintsChanged() predicate.Predicate {
	complaint := func(lease client.Object) string { return lease.GetAnnotations()[contract.AnnotationUnreachablePeers] }
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return complaint(e.Object) != "" },
		UpdateFunc: func(e event.UpdateEvent) bool { return complaint(e.ObjectOld) != complaint(e.ObjectNew) },
		DeleteFunc: func(e event.DeleteEvent) bool { return complaint(e.Object) != "" },
	}
}

// countLater has the tenants of a ScimServer counted a while after one of them came or went.
func countLater() handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]
	later := func(obj client.Object, q queue) {
		tenant, ok := obj.(*scimv1alpha1.ScimTenant)
		if !ok {
			return
		}
		for _, server := range contract.SharedServersOf(tenant) {
			q.AddAfter(ctrl.Request{NamespacedName: types.NamespacedName{Namespace: tenant.Namespace, Name: server}}, countDelay)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { later(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			before, ok := e.ObjectOld.(*scimv1alpha1.ScimTenant)
			after, alsoOK := e.ObjectNew.(*scimv1alpha1.ScimTenant)
			if ok && alsoOK && (!slices.Equal(before.Status.Servers, after.Status.Servers) ||
				before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero()) {
				later(e.ObjectOld, q)
				later(e.ObjectNew, q)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { later(e.Object, q) },
	}
}
