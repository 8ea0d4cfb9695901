package scimapikey

import (
	"context"
	"maps"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
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
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// fieldAPIKey finds the credentials of a key, at the API server as a selectable field.
const fieldAPIKey = "spec.apiKeyRef.name" //nolint:gosec // A field, not a credential.

// SetupWithManager lets the manager run the reconciler. Every reconciliation
// reads live.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	if err := reconcile.IndexByTenant(ctx, mgr, &scimv1alpha1.ScimApiKey{}, tenantOf); err != nil {
		return err
	}
	return reconcile.ControllerFor(mgr, "scimapikey", &scimv1alpha1.ScimApiKey{}, options).
		Watches(&scimv1alpha1.ScimCredential{}, handler.EnqueueRequestsFromMapFunc(keyOf)).
		Watches(&scimv1alpha1.ScimTenant{}, handler.EnqueueRequestsFromMapFunc(r.keysOf),
			builder.WithPredicates(tenantMatters())).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(r.keysWaitingFor),
			builder.WithPredicates(stateChanged())).
		WatchesRawSource(usage.Events(r.Usage, r.keysUsed)).
		Complete(r)
}

// tenantOf returns the name of the tenant of a key.
func tenantOf(key *scimv1alpha1.ScimApiKey) string { return key.Spec.TenantRef.Name }

// keyOf returns the key of a credential.
func keyOf(_ context.Context, obj client.Object) []ctrl.Request {
	credential, ok := obj.(*scimv1alpha1.ScimCredential)
	if !ok {
		return nil
	}
	return []ctrl.Request{{NamespacedName: client.ObjectKey{Namespace: credential.Namespace, Name: credential.Spec.APIKeyRef.Name}}}
}

// keysOf returns the keys of a tenant.
func (r *Reconciler) keysOf(ctx context.Context, tenant client.Object) []ctrl.Request {
	return r.keys(ctx, tenant.GetNamespace(), tenant.GetName(), everyKey)
}

// keysWaitingFor returns the keys to which it matters what a replica goes by, and those of
// which it says when they were last used.
func (r *Reconciler) keysWaitingFor(ctx context.Context, lease client.Object) []ctrl.Request {
	if server := lease.GetLabels()[scimv1alpha1.LabelServer]; server != "" {
		return r.keysWaitingForServer(ctx, lease.GetNamespace(), server)
	}
	used := lastUsed(lease)
	return r.keys(ctx, lease.GetNamespace(), lease.GetLabels()[scimv1alpha1.LabelTenant], func(key *scimv1alpha1.ScimApiKey) bool {
		return isPending(key) || usedSince(key, used)
	})
}

// keysWaitingForServer returns the keys of all tenants of a ScimServer that wait for its
// replicas.
func (r *Reconciler) keysWaitingForServer(ctx context.Context, namespace, server string) []ctrl.Request {
	keys := &scimv1alpha1.ScimApiKeyList{}
	if err := r.Client.List(ctx, keys, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		log.FromContext(ctx).Error(err, "Listing the keys of a ScimServer's tenants", "scimServer", server)
	}
	var requests []ctrl.Request
	for i := range keys.Items {
		key := &keys.Items[i]
		if !isPending(key) {
			continue
		}
		tenant := &scimv1alpha1.ScimTenant{}
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: key.Spec.TenantRef.Name}, tenant)
		if err == nil && slices.Contains(contract.SharedServersOf(tenant), server) {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(key)})
		}
	}
	return requests
}

// keysUsed returns the keys of a tenant of which its pods say that they were used later than
// their status says.
func (r *Reconciler) keysUsed(ctx context.Context, name types.NamespacedName) []ctrl.Request {
	tenant := &scimv1alpha1.ScimTenant{}
	if err := r.Client.Get(ctx, name, tenant); err != nil {
		return nil // It is gone, and so are its uses.
	}
	var answers []contract.ServerUsage
	for _, server := range usage.ServersOf(tenant) {
		answers = append(answers, r.Usage.Answers(server)...)
	}
	counted, _ := contract.UsageOf(name.Name, answers)
	return r.keys(ctx, name.Namespace, name.Name, func(key *scimv1alpha1.ScimApiKey) bool {
		return usedSince(key, counted.LastUsedTimes)
	})
}

func (r *Reconciler) keys(
	ctx context.Context, namespace, tenant string, matters func(*scimv1alpha1.ScimApiKey) bool,
) []ctrl.Request {
	keys := &scimv1alpha1.ScimApiKeyList{}
	err := r.Client.List(ctx, keys, client.InNamespace(namespace), client.MatchingFields{reconcile.FieldTenant: tenant})
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

// isPending reports whether a key waits for replicas: to accept its credentials, or to
// refuse them.
func isPending(key *scimv1alpha1.ScimApiKey) bool {
	if key.IsFederated() { // Of what is accepted, the replicas say nothing.
		return !key.DeletionTimestamp.IsZero() || key.Status.KeyID == "" ||
			meta.IsStatusConditionFalse(key.Status.Conditions, scimv1alpha1.ConditionCredentialsAccepted)
	}
	return !key.DeletionTimestamp.IsZero() || key.Status.DeliveredTime.IsZero() ||
		!meta.IsStatusConditionTrue(key.Status.Conditions, scimv1alpha1.ConditionCredentialsAccepted)
}

// lastUsed returns when each token was last used, as the Lease of a pod says; nothing if it
// says nothing that can be read.
func lastUsed(lease client.Object) map[string]time.Time {
	counted, err := contract.DecodeUsage(lease.GetAnnotations()[contract.AnnotationUsage])
	if err != nil {
		return nil
	}
	return counted.LastUsedTimes
}

// usedSince reports whether a federated key, or one of a key's tokens, was used later than
// its status says.
func usedSince(key *scimv1alpha1.ScimApiKey, used map[string]time.Time) bool {
	if key.IsFederated() {
		return used[key.Status.KeyID].After(key.Status.Federated.LastUsedTime.Time)
	}
	return slices.ContainsFunc(key.Status.Credentials, func(c scimv1alpha1.APIKeyCredential) bool {
		return used[c.KeyID].After(c.LastUsedTime.Time)
	})
}

// tenantMatters lets through what may change the fate of a tenant's keys.
func tenantMatters() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*scimv1alpha1.ScimTenant)
		after, alsoOK := e.ObjectNew.(*scimv1alpha1.ScimTenant)
		return ok && alsoOK && (before.Generation != after.Generation ||
			before.Status.ObservedGeneration != after.Status.ObservedGeneration ||
			!slices.Equal(before.Status.Servers, after.Status.Servers) ||
			before.Status.URL != after.Status.URL ||
			(serverNotFound(before) == nil) != (serverNotFound(after) == nil))
	}}
}

// stateChanged leaves out that a replica is still alive, which it says all the time, and how
// many users it counts.
func stateChanged() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.GetAnnotations(), e.ObjectNew.GetAnnotations()
		return before[contract.AnnotationCredentialsRevision] != after[contract.AnnotationCredentialsRevision] ||
			before[contract.AnnotationVerifiersVersion] != after[contract.AnnotationVerifiersVersion] ||
			!maps.Equal(lastUsed(e.ObjectOld), lastUsed(e.ObjectNew))
	}}
}
