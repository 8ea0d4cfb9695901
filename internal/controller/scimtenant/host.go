package scimtenant

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/operand"
)

// A host belongs to the tenant that publishes it, until that tenant has given it
// up (see reservation.go). What says so is a record (operand.HostRecord): without
// it, a change of a spec could take a host, and the tokens that are sent to it,
// from its holder.
//
// A tenant's records are written by the worker that reconciles the tenant, which
// is one at a time, and are made before its Ingress is. That a tenant is gone is
// noted by whoever comes across its records.

// taken is what is known about a host that another tenant holds.
type taken struct {
	// holder is that tenant; empty when there is no record of it yet.
	holder types.NamespacedName
	// record is the name of the ConfigMap that says so.
	record types.NamespacedName
	// givenUp is since when the holder has given the host up, and free is when it is
	// for anybody; zero while it has not.
	givenUp, free time.Time
}

// hold makes a tenant the holder of a host, unless another one is.
func (r *Reconciler) hold(ctx context.Context, s *scope, host string) (*taken, error) {
	me := client.ObjectKeyFromObject(s.tenant)
	record, err := r.recordOf(ctx, host)
	if err != nil {
		return nil, err
	}
	if record != nil {
		return r.takeOver(ctx, record, me)
	}
	published, err := r.isPublishedByAnother(ctx, s, host)
	if err != nil {
		return nil, err
	}
	if published {
		return &taken{}, nil
	}
	err = r.Live.Create(ctx, operand.HostRecord(r.Namespace, host, me))
	if apierrors.IsAlreadyExists(err) { // another tenant was faster
		return nil, apierrors.NewConflict(corev1.Resource("configmaps"), operand.HostRecordName(host), err)
	}
	if err != nil {
		return nil, fmt.Errorf("recording who holds host %q: %w", host, err)
	}
	return nil, nil
}

// recordOf reads the record of a host; nil when nobody holds it.
func (r *Reconciler) recordOf(ctx context.Context, host string) (*corev1.ConfigMap, error) {
	record := &corev1.ConfigMap{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: operand.HostRecordName(host)}, record)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading who holds host %q: %w", host, err)
	}
	if operand.HostOf(record) != host || operand.HolderOf(record).Name == "" || operand.HolderOf(record).Namespace == "" {
		return nil, fmt.Errorf("ConfigMap %s/%s does not say who holds host %q: whoever runs the operator has to correct or delete it",
			record.Namespace, record.Name, host)
	}
	return record, nil
}

// holdsForSure reports whether the cache has the record of a host, and it is the
// tenant's. Nobody but the tenant's own worker changes that as long as it asks for the
// host.
func (r *Reconciler) holdsForSure(ctx context.Context, s *scope, host string) (bool, error) {
	record := &corev1.ConfigMap{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: operand.HostRecordName(host)}, record)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading who holds host %q: %w", host, err)
	}
	return operand.HolderOf(record) == client.ObjectKeyFromObject(s.tenant) && operand.GivenUpSince(record).IsZero(), nil
}

// isPublishedByAnother reports whether a host without a record is published by
// another tenant: one from before there were records, or whose record was lost.
// Where several publish it, it belongs to the one whose Ingress is the oldest.
func (r *Reconciler) isPublishedByAnother(ctx context.Context, s *scope, host string) (bool, error) {
	ingresses := &networkingv1.IngressList{}
	if err := r.Client.List(ctx, ingresses, client.MatchingFields{indexPublished: host}); err != nil {
		return false, fmt.Errorf("listing the Ingresses for host %q: %w", host, err)
	}
	for i := range ingresses.Items {
		other := &ingresses.Items[i]
		if metav1.IsControlledBy(other, s.tenant) {
			continue
		}
		if !slices.Contains(s.publishedHosts(), host) || precedes(other, s.ingress) {
			return true, nil
		}
	}
	return false, nil
}

// precedes orders Ingresses by age, and by name where they are equally old.
func precedes(a, b *networkingv1.Ingress) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
}
