package scimtenant

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

const (
	// indexHost finds the tenants, in all namespaces, that ask for a host.
	indexHost = "spec.endpoint.host"
	// indexPublished finds the Ingresses that are for a host.
	indexPublished = "spec.rules.host"
	// indexHolder finds the records of the hosts that a tenant holds.
	indexHolder = "data.holder"
)

func (r *Reconciler) addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	return errors.Join(
		indexer.IndexField(ctx, &scimv1alpha1.ScimTenant{}, indexHost, func(obj client.Object) []string {
			tenant, ok := obj.(*scimv1alpha1.ScimTenant)
			if !ok || tenant.Spec.Endpoint.Host == "" {
				return nil
			}
			return []string{tenant.Spec.Endpoint.Host}
		}),
		indexer.IndexField(ctx, &networkingv1.Ingress{}, indexPublished, func(obj client.Object) []string {
			if ingress, ok := obj.(*networkingv1.Ingress); ok {
				return operand.PublishedHosts(ingress)
			}
			return nil
		}),
		indexer.IndexField(ctx, &corev1.ConfigMap{}, indexHolder, func(obj client.Object) []string {
			if record, ok := obj.(*corev1.ConfigMap); ok {
				return []string{operand.HolderOf(record).String()}
			}
			return nil
		}))
}

// tenantsOfRecord returns the tenants to which the record of a host matters: those
// that ask for the host, and the holder, which may be gone.
func (r *Reconciler) tenantsOfRecord(ctx context.Context, obj client.Object) []ctrl.Request {
	record, ok := obj.(*corev1.ConfigMap)
	if !ok {
		return nil
	}
	requests := r.tenantsAsking(ctx, operand.HostOf(record))
	holder := operand.HolderOf(record)
	err := r.Client.Get(ctx, holder, &scimv1alpha1.ScimTenant{})
	if err == nil || apierrors.IsNotFound(err) { // not of a namespace that is watched no longer
		requests = append(requests, ctrl.Request{NamespacedName: holder})
	}
	return requests
}

// tenantsOfPublished returns the tenants that ask for a host of an Ingress: it may
// have become free. Of a change, both the old and the new host count.
func (r *Reconciler) tenantsOfPublished(ctx context.Context, obj client.Object) []ctrl.Request {
	ingress, ok := obj.(*networkingv1.Ingress)
	if !ok {
		return nil
	}
	return r.tenantsAsking(ctx, operand.PublishedHosts(ingress)...)
}

func (r *Reconciler) tenantsAsking(ctx context.Context, hosts ...string) []ctrl.Request {
	var requests []ctrl.Request
	for _, host := range hosts {
		tenants := &scimv1alpha1.ScimTenantList{}
		if err := r.Client.List(ctx, tenants, client.MatchingFields{indexHost: host}); err != nil {
			log.FromContext(ctx).Error(err, "Listing the tenants that ask for a host", "host", host)
		}
		for i := range tenants.Items {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&tenants.Items[i])})
		}
	}
	return requests
}
