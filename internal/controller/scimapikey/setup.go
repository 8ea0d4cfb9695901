package scimapikey

import (
	"context"

	coordinationv1 "k8s.io/api/coordination/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// fieldTenant finds the keys of a tenant: in the cache as an index, at the API
// server as a selectable field.
const fieldTenant = "spec.tenantRef.name"

// SetupWithManager lets the manager run the reconciler. Every reconciliation
// reads live.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &scimv1alpha1.ScimApiKey{}, fieldTenant, tenantOf)
	if err != nil {
		return err
	}
	return reconcile.ControllerFor(mgr, "scimapikey", &scimv1alpha1.ScimApiKey{}, options).
		Watches(&scimv1alpha1.ScimApiKey{}, handler.EnqueueRequestsFromMapFunc(r.siblingsOf),
			builder.WithPredicates(deletions())).
		Watches(&scimv1alpha1.ScimTenant{}, handler.EnqueueRequestsFromMapFunc(r.keysOf),
			builder.WithPredicates(tenantMatters())).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(r.keysWaitingFor),
			builder.WithPredicates(versionChanged())).
		Complete(r)
}

func tenantOf(obj client.Object) []string {
	key, ok := obj.(*scimv1alpha1.ScimApiKey)
	if !ok {
		return nil
	}
	return []string{key.Spec.TenantRef.Name}
}

// siblingsOf returns the other keys of the tenant of a key that is gone: if
// somebody removed its finalizer, its hash is still to be removed.
func (r *Reconciler) siblingsOf(ctx context.Context, obj client.Object) []ctrl.Request {
	var requests []ctrl.Request
	for _, tenant := range tenantOf(obj) {
		requests = append(requests, r.keys(ctx, obj.GetNamespace(), tenant, everyKey)...)
	}
	return requests
}

// keysOf returns the keys of a tenant.
func (r *Reconciler) keysOf(ctx context.Context, tenant client.Object) []ctrl.Request {
	return r.keys(ctx, tenant.GetNamespace(), tenant.GetName(), everyKey)
}

// keysWaitingFor returns the keys to which it matters which verifiers a replica
// goes by: those that are on their way, and all if it has lost them.
func (r *Reconciler) keysWaitingFor(ctx context.Context, lease client.Object) []ctrl.Request {
	matters := isPending
	if lease.GetAnnotations()[contract.AnnotationVerifiersVersion] == contract.NoVerifiers {
		matters = everyKey
	}
	return r.keys(ctx, lease.GetNamespace(), lease.GetLabels()[scimv1alpha1.LabelTenant], matters)
}

func (r *Reconciler) keys(
	ctx context.Context, namespace, tenant string, matters func(*scimv1alpha1.ScimApiKey) bool,
) []ctrl.Request {
	keys := &scimv1alpha1.ScimApiKeyList{}
	err := r.Client.List(ctx, keys, client.InNamespace(namespace), client.MatchingFields{fieldTenant: tenant})
	if err != nil {
		log.FromContext(ctx).Error(err, "Listing the keys of a tenant", "tenant", tenant)
	}
	var requests []ctrl.Request
	for i := range keys.Items {
		if matters(&keys.Items[i]) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&keys.Items[i])})
		}
	}
	return requests
}

func everyKey(*scimv1alpha1.ScimApiKey) bool { return true }

func isPending(key *scimv1alpha1.ScimApiKey) bool {
	return key.Status.DeliveredTime.IsZero() || !key.DeletionTimestamp.IsZero()
}

// deletions lets through nothing else.
func deletions() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(event.UpdateEvent) bool { return false },
	}
}

// tenantMatters lets through what may change the fate of a tenant's keys.
func tenantMatters() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*scimv1alpha1.ScimTenant)
		after, alsoOK := e.ObjectNew.(*scimv1alpha1.ScimTenant)
		return ok && alsoOK && (before.Generation != after.Generation ||
			before.Status.ObservedGeneration != after.Status.ObservedGeneration ||
			before.Status.URL != after.Status.URL)
	}}
}

// versionChanged leaves out that a replica is still alive, which it says all the
// time.
func versionChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetAnnotations()[contract.AnnotationVerifiersVersion] !=
			e.ObjectNew.GetAnnotations()[contract.AnnotationVerifiersVersion]
	}}
}
