package hosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
)

// A tenant or a server gives a host up when it is gone, or asks for another host or none, and
// has no Ingress and no HTTPRoute for the host any more. A tenant that is edited, applied anew or
// restored from a backup does so for a moment, and identity providers go on sending
// tokens to the host meanwhile and afterwards. So the record then says since when
// that is so, and the host stays reserved: for the holder itself and for tenants of
// its namespace, who may have it at once, until it has been given up for as long as
// absence has to last to be believed (Records.Reservation).

// maxReservations is how many hosts stay reserved for a namespace. Whoever
// moves a tenant from host to host would keep any number of hosts from others otherwise.
const maxReservations = 20

// errRoutesUnread is the error of who has to know what publishes a host, while HTTPRoutes cannot be read.
var errRoutesUnread = errors.New("the HTTPRoutes could not be read")

// takeOver makes one the holder of a host of which there is a record, unless the
// host is held by another one or reserved for it.
func (r *Records) takeOver(ctx context.Context, record *corev1.ConfigMap, me operand.Holder, wish Wish) (*Taken, error) {
	holder := operand.HolderOf(record)
	if holder == me {
		return nil, r.keep(ctx, record, me, wish)
	}
	held := &Taken{Holder: holder, Record: client.ObjectKeyFromObject(record)}
	since, err := r.givenUpSince(ctx, record)
	if err != nil {
		return nil, err
	}
	if since.IsZero() {
		return held, nil
	}
	held.GivenUp, held.Free = since, since.Add(r.Reservation)
	if holder.Namespace != me.Namespace && time.Now().Before(held.Free) {
		return held, nil
	}
	return nil, r.keep(ctx, record, me, wish)
}

// keep writes into a record that somebody holds the host, if it does not say so.
func (r *Records) keep(ctx context.Context, record *corev1.ConfigMap, holder operand.Holder, wish Wish) error {
	if operand.HolderOf(record) == holder && operand.GivenUpSince(record).IsZero() {
		return nil
	}
	kept := record.DeepCopy()
	operand.Hold(kept, holder)
	if wish.Chosen {
		operand.MarkChosen(kept)
	}
	if err := r.Live.Update(ctx, kept, apply.FieldManager); err != nil {
		return fmt.Errorf("recording who holds host %q: %w", operand.HostOf(record), err)
	}
	return nil
}

// Release looks after the records of a holder's hosts: those that it neither asks
// for nor publishes are given up, and removed when nothing is reserved by them any
// more. asked is the host that it asks for; empty when there is none. reserved is how
// soon to look again; 0 when nothing is reserved.
func (r *Records) Release(
	ctx context.Context, holder operand.Holder, asked string,
) (reserved time.Duration, err error) {
	records := &corev1.ConfigMapList{}
	if err := r.Cached.List(ctx, records, client.MatchingFields{indexHolder: holder.String()}); err != nil {
		return 0, fmt.Errorf("listing the hosts of %s: %w", holder, err)
	}
	var failures []error
	for i := range records.Items {
		record := &records.Items[i]
		if operand.HostOf(record) == asked {
			failures = append(failures, r.keep(ctx, record, holder, Wish{Host: asked}))
			continue
		}
		left, err := r.releaseOne(ctx, record)
		failures = append(failures, err)
		if left > 0 && (reserved == 0 || left < reserved) {
			reserved = left
		}
	}
	return reserved, errors.Join(failures...)
}

// releaseOne gives a host up, if its holder has, and returns for how long it is still
// reserved. Then its record is removed.
func (r *Records) releaseOne(ctx context.Context, record *corev1.ConfigMap) (reserved time.Duration, err error) {
	since, err := r.givenUpSince(ctx, record)
	if err != nil || since.IsZero() {
		return 0, err
	}
	if reserved = time.Until(since.Add(r.Reservation)); reserved > 0 {
		return reserved, nil
	}
	return 0, r.forget(ctx, record)
}

// givenUpSince returns since when the holder of a record has given the host up, and
// notes it in the record when that is new; the zero time when it has not.
func (r *Records) givenUpSince(ctx context.Context, record *corev1.ConfigMap) (time.Time, error) {
	given, err := r.isGivenUp(ctx, record)
	if err != nil || !given {
		return time.Time{}, err
	}
	if since := operand.GivenUpSince(record); !since.IsZero() {
		return since, nil
	}
	operand.GiveUp(record, time.Now())
	if err := r.Live.Update(ctx, record, apply.FieldManager); err != nil {
		return time.Time{}, fmt.Errorf("noting that host %q was given up: %w", operand.HostOf(record), err)
	}
	return operand.GivenUpSince(record), r.boundReservations(ctx, operand.HolderOf(record).Namespace)
}

// boundReservations frees the hosts that were given up first in a namespace for which too
// many are reserved.
func (r *Records) boundReservations(ctx context.Context, namespace string) error {
	records := &corev1.ConfigMapList{}
	// The cache may not have the record that was just written.
	err := r.Live.List(ctx, records, client.InNamespace(r.Namespace), client.MatchingLabels(operand.HostRecordLabels()))
	if err != nil {
		return fmt.Errorf("listing the hosts that are reserved for namespace %s: %w", namespace, err)
	}
	reserved := slices.DeleteFunc(records.Items, func(record corev1.ConfigMap) bool {
		return operand.HolderOf(&record).Namespace != namespace || operand.GivenUpSince(&record).IsZero()
	})
	slices.SortFunc(reserved, func(a, b corev1.ConfigMap) int {
		return operand.GivenUpSince(&a).Compare(operand.GivenUpSince(&b))
	})
	for i := range max(0, len(reserved)-maxReservations) {
		if err := r.forget(ctx, &reserved[i]); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the record of a host, unless it has changed.
func (r *Records) forget(ctx context.Context, record *corev1.ConfigMap) error {
	err := r.Live.Delete(ctx, record, client.Preconditions{UID: &record.UID, ResourceVersion: &record.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("giving up host %q: %w", operand.HostOf(record), err)
	}
	return nil
}

// isGivenUp reports whether the holder of a record neither asks for the host nor
// publishes it. Where the HTTPRoutes cannot be read, it may still publish it.
func (r *Records) isGivenUp(ctx context.Context, record *corev1.ConfigMap) (bool, error) {
	holder, host := operand.HolderOf(record), operand.HostOf(record)
	asked, err := r.askedBy(ctx, holder)
	switch {
	case apierrors.IsForbidden(err): // of a namespace that is watched no longer, nothing is known
		return false, nil
	case client.IgnoreNotFound(err) != nil:
		return false, fmt.Errorf("reading the holder of host %q: %w", host, err)
	case err == nil && asked == host:
		return false, nil
	}
	published, err := r.publishedBy(ctx, holder)
	switch {
	case apierrors.IsForbidden(err), errors.Is(err, errRoutesUnread):
		return r.namespaceIsGone(ctx, holder.Namespace)
	case err != nil:
		return false, fmt.Errorf("reading what publishes the host %q of its holder: %w", host, err)
	}
	return !slices.Contains(published, host), nil
}

// publishedBy returns the hosts that a holder publishes.
func (r *Records) publishedBy(ctx context.Context, holder operand.Holder) (published []string, err error) {
	key := types.NamespacedName{Namespace: holder.Namespace, Name: holder.PublicationName()}
	ingress, route := &networkingv1.Ingress{}, &gatewayv1.HTTPRoute{}
	if err := r.Live.Get(ctx, key, ingress); client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	published = operand.ByIngress(ingress).Hosts
	cached, err := r.Routes(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRoutesUnread, err)
	}
	if cached == nil {
		return published, nil
	}
	// The definition of HTTPRoutes may just have gone, and all of them with it.
	if err := r.Live.Get(ctx, key, route); client.IgnoreNotFound(err) != nil && !meta.IsNoMatchError(err) {
		return nil, err
	}
	return append(published, operand.ByHTTPRoute(route).Hosts...), nil
}

// askedBy returns the host that a holder asks for; empty when it asks for none.
func (r *Records) askedBy(ctx context.Context, holder operand.Holder) (string, error) {
	if holder.Kind == operand.KindServer {
		server := &scimv1alpha1.ScimServer{}
		err := r.Live.Get(ctx, holder.NamespacedName, server)
		return server.Spec.Endpoint.Host, err
	}
	tenant := &scimv1alpha1.ScimTenant{}
	err := r.Live.Get(ctx, holder.NamespacedName, tenant)
	return tenant.Host(), err
}

// namespaceIsGone reports whether a namespace where the operator has no rights is gone.
// Of one that is watched no longer, nothing is known: its tenants may still publish.
func (r *Records) namespaceIsGone(ctx context.Context, name string) (bool, error) {
	err := r.Live.Get(ctx, types.NamespacedName{Name: name}, &corev1.Namespace{})
	if err == nil || apierrors.IsForbidden(err) {
		return false, nil
	}
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, fmt.Errorf("reading whether namespace %s is gone: %w", name, err)
}
