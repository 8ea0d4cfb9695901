package scimtenant

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/operand"
)

// IndexServer is the index of the cache that finds the tenants that a ScimServer serves, or is to.
const IndexServer = "servers"

// askers are the tenants that ask for hosts.
func (r *Reconciler) askers() publishing.Askers {
	return publishing.Askers{
		Cached: r.Client, Kind: operand.KindTenant,
		New:     func() client.Object { return &scimv1alpha1.ScimTenant{} },
		NewList: func() client.ObjectList { return &scimv1alpha1.ScimTenantList{} },
		HostOf: func(obj client.Object) string {
			if tenant, ok := obj.(*scimv1alpha1.ScimTenant); ok {
				return tenant.Host()
			}
			return ""
		},
	}
}

// indexServer has the cache find the tenants of a ScimServer.
func indexServer(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &scimv1alpha1.ScimTenant{}, IndexServer, func(obj client.Object) []string {
		if tenant, ok := obj.(*scimv1alpha1.ScimTenant); ok {
			return contract.SharedServersOf(tenant)
		}
		return nil
	})
}

// tenantsOfServer returns the tenants that a ScimServer hosts, or is to host.
func (r *Reconciler) tenantsOfServer(ctx context.Context, server client.Object) []ctrl.Request {
	tenants := &scimv1alpha1.ScimTenantList{}
	err := r.Client.List(ctx, tenants, client.InNamespace(server.GetNamespace()), client.MatchingFields{IndexServer: server.GetName()})
	if err != nil {
		log.FromContext(ctx).Error(err, "Listing the tenants of a ScimServer", "scimServer", server.GetName())
	}
	var requests []ctrl.Request
	for i := range tenants.Items {
		requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&tenants.Items[i])})
	}
	return requests
}

// serverMatters lets through what changes what its tenants are told: that a ScimServer comes or
// goes, its URL, and whether it answers, is published and serves TLS. How many replicas it has, and how many tenants, does
// not matter to them.
func serverMatters() predicate.Predicate {
	says := func(s *scimv1alpha1.ScimServer) (said [2][2]string) {
		for i, conditionType := range []string{scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ConditionEndpointAccepted} {
			found := meta.FindStatusCondition(s.Status.Conditions, conditionType)
			switch {
			case found == nil:
			case found.Status == metav1.ConditionTrue:
				said[i] = [2]string{string(found.Status)}
			default:
				said[i] = [2]string{string(found.Status), found.Message}
			}
		}
		return said
	}
	servesTLS := func(s *scimv1alpha1.ScimServer) bool {
		return meta.IsStatusConditionTrue(s.Status.Conditions, scimv1alpha1.ConditionTLSServed)
	}
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*scimv1alpha1.ScimServer)
		after, alsoOK := e.ObjectNew.(*scimv1alpha1.ScimServer)
		if !ok || !alsoOK {
			return false
		}
		return before.Status.URL != after.Status.URL || says(before) != says(after) ||
			before.Spec.TLS != after.Spec.TLS || servesTLS(before) != servesTLS(after) ||
			before.DeletionTimestamp.IsZero() != after.DeletionTimestamp.IsZero() ||
			before.AbandonsTenants() != after.AbandonsTenants()
	}}
}
