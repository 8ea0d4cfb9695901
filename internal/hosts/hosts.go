// Package hosts knows which tenant or server holds which host. A host belongs to the one that
// publishes it, until that one has given it up (see reservation.go). What says so is a
// record (operand.HostRecord): without it, a change of a spec could take a host, and the
// tokens that are sent to it, from its holder.
//
// A holder's records are written by the worker that reconciles the holder, which
// is one at a time, and are made before its Ingress or HTTPRoute is. That a holder is gone is
// noted by whoever comes across its records.
//
// It writes records and nothing else: an Ingress, an HTTPRoute and what a status says of them are its
// caller's.
package hosts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/internal/operand"
)

// Indexes that a cache has to have (AddIndexes).
const (
	// indexPublished finds the Ingresses, and the HTTPRoutes, that are for a host.
	indexPublished = "spec.rules.host"
	// indexHolder finds the records of the hosts that somebody holds.
	indexHolder = "data.holder"
)

// Records are the records of all hosts.
type Records struct {
	// Cached reads through a cache that has the records, and the Ingresses of all holders.
	Cached client.Reader
	// Routes returns what reads through a cache that has the HTTPRoutes of all holders; nil while the cluster
	// has none.
	Routes func(context.Context) (client.Reader, error)
	// Live reads from and writes to the API server, past every cache.
	Live client.Client
	// Namespace is that of the records: the operator's own.
	Namespace string
	// Reservation is for how long a host that was given up stays reserved for tenants of
	// its former holder's namespace.
	Reservation time.Duration
}

// AddIndexes adds to the cache the indexes by which records and Ingresses are found.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	return errors.Join(
		indexer.IndexField(ctx, &networkingv1.Ingress{}, indexPublished, func(obj client.Object) []string {
			if ingress, ok := obj.(*networkingv1.Ingress); ok {
				return operand.ByIngress(ingress).Hosts
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

// AddRouteIndex adds to a cache of HTTPRoutes the index by which they are found.
func AddRouteIndex(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &gatewayv1.HTTPRoute{}, indexPublished, func(obj client.Object) []string {
		if route, ok := obj.(*gatewayv1.HTTPRoute); ok {
			return operand.ByHTTPRoute(route).Hosts
		}
		return nil
	})
}

// Taken is what is known about a host that another one holds.
type Taken struct {
	// Holder is that one; empty when there is no record of it yet.
	Holder operand.Holder
	// Record is the name of the ConfigMap that says so.
	Record types.NamespacedName
	// GivenUp is since when the holder has given the host up, and Free is when it is
	// for anybody; zero while it has not.
	GivenUp, Free time.Time
}

// Wish is a host that somebody asks for.
type Wish struct {
	Host string
	// Chosen is true when it is the operator's configuration that gives it.
	Chosen bool
}

// Hold makes a tenant or a server the holder of a host, unless another one is. own is what it
// publishes itself.
func (r *Records) Hold(ctx context.Context, owner operand.Owner, own []operand.Publication, wish Wish) (*Taken, error) {
	me, host := owner.Holder(), wish.Host
	record, err := r.recordOf(ctx, host)
	if err != nil {
		return nil, err
	}
	if record != nil {
		return r.takeOver(ctx, record, me, wish)
	}
	published, err := r.isPublishedByAnother(ctx, owner, own, host)
	if err != nil {
		return nil, err
	}
	if published {
		return &Taken{}, nil
	}
	record = operand.HostRecord(r.Namespace, host, me)
	if wish.Chosen {
		operand.MarkChosen(record)
	}
	err = r.Live.Create(ctx, record)
	if apierrors.IsAlreadyExists(err) { // another one was faster
		return nil, apierrors.NewConflict(corev1.Resource("configmaps"), operand.HostRecordName(host), err)
	}
	if err != nil {
		return nil, fmt.Errorf("recording who holds host %q: %w", host, err)
	}
	return nil, nil
}

// recordOf reads the record of a host; nil when nobody holds it.
func (r *Records) recordOf(ctx context.Context, host string) (*corev1.ConfigMap, error) {
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

// HoldsForSure reports whether the cache has the record of a host, and it is the
// holder's. Nobody but the holder's own worker changes that as long as it asks for the
// host.
func (r *Records) HoldsForSure(ctx context.Context, holder operand.Holder, host string) (bool, error) {
	record := &corev1.ConfigMap{}
	err := r.Cached.Get(ctx, types.NamespacedName{Namespace: r.Namespace, Name: operand.HostRecordName(host)}, record)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading who holds host %q: %w", host, err)
	}
	return operand.HolderOf(record) == holder && operand.GivenUpSince(record).IsZero(), nil
}

// Chosen returns the hosts that the operator's configuration has given a holder, by their records: first
// those that it has, and then those that it has given up, the last one first.
func (r *Records) Chosen(ctx context.Context, holder operand.Holder) ([]string, error) {
	records := &corev1.ConfigMapList{}
	if err := r.Cached.List(ctx, records, client.MatchingFields{indexHolder: holder.String()}); err != nil {
		return nil, fmt.Errorf("listing the hosts of %s: %w", holder, err)
	}
	return chosen(records.Items), nil
}

func chosen(records []corev1.ConfigMap) []string {
	records = slices.DeleteFunc(records, func(record corev1.ConfigMap) bool { return !operand.IsChosen(&record) })
	slices.SortFunc(records, func(a, b corev1.ConfigMap) int {
		ofA, ofB := operand.GivenUpSince(&a), operand.GivenUpSince(&b)
		switch {
		case ofA.IsZero() && ofB.IsZero():
			return strings.Compare(operand.HostOf(&a), operand.HostOf(&b))
		case ofA.IsZero():
			return -1
		case ofB.IsZero():
			return 1
		default:
			return ofB.Compare(ofA)
		}
	})
	hosts := make([]string, 0, len(records))
	for i := range records {
		hosts = append(hosts, operand.HostOf(&records[i]))
	}
	return hosts
}

// isPublishedByAnother reports whether a host without a record is published by
// another one: one from before there were records, or whose record was lost.
// Where several publish it, it belongs to the one whose Ingress or HTTPRoute is the oldest.
func (r *Records) isPublishedByAnother(
	ctx context.Context, owner operand.Owner, own []operand.Publication, host string,
) (bool, error) {
	published, err := r.publishing(ctx, host)
	if err != nil {
		return false, err
	}
	for _, other := range published {
		if owner.Controls(other) {
			continue
		}
		if !slices.ContainsFunc(own, func(mine operand.Publication) bool { return slices.Contains(mine.Hosts, host) && precedes(mine, other) }) {
			return true, nil
		}
	}
	return false, nil
}

// publishing returns what publishes a host, whosever it is. Where the HTTPRoutes cannot be read, it goes by the
// Ingresses: an HTTPRoute is made after the record of its host is, and only one whose record was lost is missed.
func (r *Records) publishing(ctx context.Context, host string) ([]operand.Publication, error) {
	var found []operand.Publication
	ingresses := &networkingv1.IngressList{}
	if err := r.Cached.List(ctx, ingresses, client.MatchingFields{indexPublished: host}); err != nil {
		return nil, fmt.Errorf("listing the Ingresses for host %q: %w", host, err)
	}
	for i := range ingresses.Items {
		found = append(found, operand.ByIngress(&ingresses.Items[i]))
	}
	cached, err := r.Routes(ctx)
	if err != nil {
		log.FromContext(ctx).Info("Holding a host without a look at the HTTPRoutes", "host", host, "error", err.Error())
		return found, nil
	}
	if cached == nil {
		return found, nil
	}
	routes := &gatewayv1.HTTPRouteList{}
	if err := cached.List(ctx, routes, client.MatchingFields{indexPublished: host}); err != nil {
		return nil, fmt.Errorf("listing the HTTPRoutes for host %q: %w", host, err)
	}
	for i := range routes.Items {
		found = append(found, operand.ByHTTPRoute(&routes.Items[i]))
	}
	return found, nil
}

// precedes orders Ingresses and HTTPRoutes by age, and by name where they are equally old.
func precedes(a, b operand.Publication) bool {
	made, otherMade := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	if !made.Equal(&otherMade) {
		return made.Before(&otherMade)
	}
	return a.GetNamespace()+"/"+a.GetName() < b.GetNamespace()+"/"+b.GetName()
}
