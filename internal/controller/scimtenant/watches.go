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
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
)

// indexHost finds the tenants, in all namespaces, that ask for a host.
const indexHost = "spec.endpoint.host"

// watches finds, in the cache, the tenants to which an event matters.
type watches struct {
	cached client.Reader
}

func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	return errors.Join(
		hosts.AddIndexes(ctx, indexer),
		indexer.IndexField(ctx, &scimv1alpha1.ScimTenant{}, indexHost, func(obj client.Object) []string {
			tenant, ok := obj.(*scimv1alpha1.ScimTenant)
			if !ok || tenant.Spec.Endpoint.Host == "" {
				return nil
			}
			return []string{tenant.Spec.Endpoint.Host}
		}))
}

// tenantsOfRecord returns the tenants to which the record of a host matters: those
// that ask for the host, and the holder, which may be gone.
func (w watches) tenantsOfRecord(ctx context.Context, obj client.Object) []ctrl.Request {
	record, ok := obj.(*corev1.ConfigMap)
	if !ok {
		return nil
	}
	requests := w.tenantsAsking(ctx, operand.HostOf(record))
	holder := operand.HolderOf(record)
	err := w.cached.Get(ctx, holder, &scimv1alpha1.ScimTenant{})
	if err == nil || apierrors.IsNotFound(err) { // not of a namespace that is watched no longer
		requests = append(requests, ctrl.Request{NamespacedName: holder})
	}
	return requests
}

// tenantsOfPublished returns the tenants that ask for a host of an Ingress: it may
// have become free. Of a change, both the old and the new host count.
func (w watches) tenantsOfPublished(ctx context.Context, obj client.Object) []ctrl.Request {
	ingress, ok := obj.(*networkingv1.Ingress)
	if !ok {
		return nil
	}
	return w.tenantsAsking(ctx, operand.PublishedHosts(ingress)...)
}

func (w watches) tenantsAsking(ctx context.Context, hosts ...string) []ctrl.Request {
	var requests []ctrl.Request
	for _, host := range hosts {
		tenants := &scimv1alpha1.ScimTenantList{}
		if err := w.cached.List(ctx, tenants, client.MatchingFields{indexHost: host}); err != nil {
			log.FromContext(ctx).Error(err, "Listing the tenants that ask for a host", "host", host)
		}
		for i := range tenants.Items {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(&tenants.Items[i])})
		}
	}
	return requests
}

// tenantsWithAnyHost returns the tenants to which an IngressClass matters.
func (w watches) tenantsWithAnyHost(ctx context.Context, _ client.Object) []ctrl.Request {
	tenants := &scimv1alpha1.ScimTenantList{}
	if err := w.cached.List(ctx, tenants); err != nil {
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
