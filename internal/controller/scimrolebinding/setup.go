package scimrolebinding

import (
	"context"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// SetupWithManager lets the manager run the reconciler. Users and groups are read when there is a binding that
// needs them.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	r.applier, r.policy, r.rosters = apply.New(r.Client, r.Live), &policyReader{live: r.Live, name: r.Policy}, newRosters(r.Live)
	built := reconcile.ControllerFor(mgr, "scimrolebinding", &scimv1alpha1.ScimRoleBinding{}, options).
		Watches(&scimv1alpha1.ScimTenant{}, handler.EnqueueRequestsFromMapFunc(r.bindingsOf), builder.WithPredicates(tenantMatters())).
		Watches(&rbacv1.RoleBinding{}, later(bindingOf)).
		WatchesRawSource(source.Func(r.rosters.Start))
	if r.WholeCluster {
		built = built.Watches(&rbacv1.ClusterRoleBinding{}, later(bindingOf))
	}
	return built.Complete(r)
}

// bindingsOf returns the ScimRoleBindings of a tenant.
func (r *Reconciler) bindingsOf(ctx context.Context, tenant client.Object) []ctrl.Request {
	all := &scimv1alpha1.ScimRoleBindingList{}
	if err := r.Client.List(ctx, all, client.InNamespace(tenant.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "Listing the ScimRoleBindings of a tenant", "scimTenant", tenant.GetName())
	}
	var requests []ctrl.Request
	for i := range all.Items {
		if all.Items[i].Spec.TenantRef.Name == tenant.GetName() {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&all.Items[i])})
		}
	}
	return requests
}

// later has what concerns an object reconciled when nothing else is to be: whoever may make RoleBindings can make very many, also
// for ScimRoleBindings that are none, and nobody's revocation is to wait for these.
func later(concerns handler.MapFunc) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[ctrl.Request]
	add := func(ctx context.Context, object client.Object, to queue) {
		for _, request := range concerns(ctx, object) {
			if ordered, is := to.(priorityqueue.PriorityQueue[ctrl.Request]); is {
				ordered.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(handler.LowPriority)}, request)
				continue
			}
			to.Add(request)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, to queue) { add(ctx, e.Object, to) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, to queue) { add(ctx, e.ObjectNew, to) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, to queue) { add(ctx, e.Object, to) },
	}
}

// bindingOf returns the ScimRoleBinding of a RoleBinding or a ClusterRoleBinding.
func bindingOf(_ context.Context, object client.Object) []ctrl.Request {
	labels := object.GetLabels()
	key := client.ObjectKey{Namespace: object.GetNamespace(), Name: labels[scimv1alpha1.LabelRoleBinding]}
	if key.Namespace == "" {
		key.Namespace = labels[scimv1alpha1.LabelRoleBindingNamespace]
	}
	if key.Name == "" || key.Namespace == "" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: key}}
}

// tenantMatters lets through tenants that come, go, are about to go, or have another spec.
func tenantMatters() predicate.Predicate {
	return predicate.Or(predicate.GenerationChangedPredicate{}, reconcile.ComesOrGoes())
}
