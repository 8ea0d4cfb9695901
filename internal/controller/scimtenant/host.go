package scimtenant

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// A host belongs to the tenant that publishes it, until that tenant has given it
// up: asks for another host or none, or is gone, and has no Ingress for it any
// more. What says so is a record (operand.HostRecord): without it, a change of a
// spec could take a host, and the tokens that are sent to it, from its holder.
//
// A tenant's records are written by the worker that reconciles the tenant, which
// is one at a time, and are made before its Ingress is. Those of a tenant that is
// gone are removed by whoever comes across them.

// hold makes a tenant the holder of a host, unless another one is.
func (r *Reconciler) hold(ctx context.Context, s *scope, host string) (bool, error) {
	me := client.ObjectKeyFromObject(s.tenant)
	record, err := r.recordOf(ctx, host)
	if err != nil {
		return false, err
	}
	if record != nil {
		if operand.HolderOf(record) == me {
			return true, nil
		}
		released, err := r.releaseAbandoned(ctx, record)
		if err != nil || !released {
			return false, err
		}
	}
	published, err := r.isPublishedByAnother(ctx, s, host)
	if err != nil || published {
		return false, err
	}
	err = r.Live.Create(ctx, operand.HostRecord(r.Namespace, host, me))
	if apierrors.IsAlreadyExists(err) { // another tenant was faster, or the cache is behind
		record, err = r.recordOf(ctx, host)
		return record != nil && operand.HolderOf(record) == me, err
	}
	if err != nil {
		return false, fmt.Errorf("recording who holds host %q: %w", host, err)
	}
	return true, nil
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
// tenant's. Nobody but the tenant's own worker removes that as long as it lives.
func (r *Reconciler) holdsForSure(ctx context.Context, s *scope, host string) (bool, error) {
	record := &corev1.ConfigMap{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: operand.HostRecordName(host)}, record)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading who holds host %q: %w", host, err)
	}
	return operand.HolderOf(record) == client.ObjectKeyFromObject(s.tenant), nil
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

// releaseHosts gives up the hosts that a tenant holds and neither asks for nor
// publishes. keep is the host that it asks for; empty when there is none.
func (r *Reconciler) releaseHosts(ctx context.Context, holder types.NamespacedName, keep string) error {
	records := &corev1.ConfigMapList{}
	if err := r.Client.List(ctx, records, client.MatchingFields{indexHolder: holder.String()}); err != nil {
		return fmt.Errorf("listing the hosts of the tenant: %w", err)
	}
	var failures []error
	for i := range records.Items {
		if operand.HostOf(&records.Items[i]) != keep {
			_, err := r.releaseUnpublished(ctx, &records.Items[i])
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// releaseAbandoned removes the record of a host whose holder is gone, once its
// Ingress is gone too.
func (r *Reconciler) releaseAbandoned(ctx context.Context, record *corev1.ConfigMap) (released bool, err error) {
	err = r.Live.Get(ctx, operand.HolderOf(record), &scimv1alpha1.ScimTenant{})
	switch {
	case err == nil, apierrors.IsForbidden(err):
		// Of a namespace that is watched no longer, nothing is known: the holder may
		// still publish the host.
		return false, nil
	case !apierrors.IsNotFound(err):
		return false, fmt.Errorf("reading the holder of host %q: %w", operand.HostOf(record), err)
	}
	return r.releaseUnpublished(ctx, record)
}

// releaseUnpublished removes the record of a host, unless the holder's Ingress
// still has the host.
func (r *Reconciler) releaseUnpublished(ctx context.Context, record *corev1.ConfigMap) (released bool, err error) {
	holder, host := operand.HolderOf(record), operand.HostOf(record)
	ingress := &networkingv1.Ingress{}
	err = r.Live.Get(ctx, types.NamespacedName{Namespace: holder.Namespace, Name: operand.Name(holder.Name)}, ingress)
	if apierrors.IsForbidden(err) {
		return r.releaseWithNamespace(ctx, record)
	}
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("reading the Ingress of the holder of host %q: %w", host, err)
	}
	if err == nil && slices.Contains(operand.PublishedHosts(ingress), host) {
		return false, nil
	}
	return r.remove(ctx, record)
}

// releaseWithNamespace removes the record of a host whose holder is in a namespace
// where the operator has no rights, if that is so because the namespace is gone. Of
// one that is watched no longer, nothing is known.
func (r *Reconciler) releaseWithNamespace(ctx context.Context, record *corev1.ConfigMap) (released bool, err error) {
	err = r.Live.Get(ctx, types.NamespacedName{Name: operand.HolderOf(record).Namespace}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		return false, nil
	}
	return r.remove(ctx, record)
}

func (r *Reconciler) remove(ctx context.Context, record *corev1.ConfigMap) (removed bool, err error) {
	err = r.Live.Delete(ctx, record, client.Preconditions{UID: &record.UID, ResourceVersion: &record.ResourceVersion})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return false, fmt.Errorf("giving up host %q: %w", operand.HostOf(record), err)
	}
	return err == nil, nil
}
