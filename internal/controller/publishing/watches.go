package publishing

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/source"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/internal/operand"
)

// IndexHost is the index of a cache that finds the objects, in all namespaces, that ask for a
// host.
const IndexHost = "spec.endpoint.host"

// Askers finds, in the cache, the objects of one kind to which an event about hosts matters.
type Askers struct {
	// Cached has an index IndexHost of the kind.
	Cached client.Reader
	// Kind is one that holds hosts.
	Kind string
	// New and NewList return an empty object and an empty list of the kind.
	New     func() client.Object
	NewList func() client.ObjectList
	// HostOf returns the host that an object asks for.
	HostOf func(client.Object) string
}

// AddIndex adds IndexHost to the cache.
func (a Askers) AddIndex(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, a.New(), IndexHost, func(obj client.Object) []string {
		if host := a.HostOf(obj); host != "" {
			return []string{host}
		}
		return nil
	})
}

// Watch has the controller watch what matters to hosts.
func (a Askers) Watch(b *builder.Builder) *builder.Builder {
	return b.Owns(&networkingv1.Ingress{}).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(a.ofRecord)).
		Watches(&networkingv1.Ingress{}, handler.EnqueueRequestsFromMapFunc(a.ofPublished)).
		Watches(&networkingv1.IngressClass{}, handler.EnqueueRequestsFromMapFunc(a.withAnyHost))
}

// ofRecord returns those to which the record of a host matters: those
// that ask for the host, and the holder, which may be gone.
func (a Askers) ofRecord(ctx context.Context, obj client.Object) []ctrl.Request {
	record, ok := obj.(*corev1.ConfigMap)
	if !ok {
		return nil
	}
	requests := a.asking(ctx, operand.HostOf(record))
	holder := operand.HolderOf(record)
	if holder.Kind != a.Kind {
		return requests
	}
	err := a.Cached.Get(ctx, holder.NamespacedName, a.New())
	if err == nil || apierrors.IsNotFound(err) { // not of a namespace that is watched no longer
		requests = append(requests, ctrl.Request{NamespacedName: holder.NamespacedName})
	}
	return requests
}

// WatchRoutes has the controller watch what matters to hosts in each cache of HTTPRoutes, and reconcile all that ask for
// hosts when there are no HTTPRoutes any more: the cache ends with them, and may not have seen each go.
func (a Askers) WatchRoutes(mgr ctrl.Manager, api *GatewayAPI, c controller.Controller) error {
	api.OnStart(func(routes cache.Cache) error {
		toOwner := handler.EnqueueRequestForOwner(mgr.GetScheme(), mgr.GetRESTMapper(), a.New(), handler.OnlyControllerOwner())
		return errors.Join(
			c.Watch(source.Kind[client.Object](routes, &gatewayv1.HTTPRoute{}, toOwner)),
			c.Watch(source.Kind[client.Object](routes, &gatewayv1.HTTPRoute{}, handler.EnqueueRequestsFromMapFunc(a.ofPublished))))
	})
	return c.Watch(source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		api.OnEnd(func() {
			for _, request := range a.list(ctx) {
				queue.Add(request)
			}
		})
		return nil
	}))
}

// ofPublished returns those that ask for a host of an Ingress or an HTTPRoute: it may
// have become free. Of a change, both the old and the new host count.
func (a Askers) ofPublished(ctx context.Context, obj client.Object) []ctrl.Request {
	switch published := obj.(type) {
	case *networkingv1.Ingress:
		return a.asking(ctx, operand.ByIngress(published).Hosts...)
	case *gatewayv1.HTTPRoute:
		return a.asking(ctx, operand.ByHTTPRoute(published).Hosts...)
	default:
		return nil
	}
}

func (a Askers) asking(ctx context.Context, hosts ...string) []ctrl.Request {
	var requests []ctrl.Request
	for _, host := range hosts {
		requests = append(requests, a.list(ctx, client.MatchingFields{IndexHost: host})...)
	}
	return requests
}

// withAnyHost returns those to which an IngressClass matters.
func (a Askers) withAnyHost(ctx context.Context, _ client.Object) []ctrl.Request { return a.list(ctx) }

// list returns those of a list that ask for a host.
func (a Askers) list(ctx context.Context, options ...client.ListOption) []ctrl.Request {
	found := a.NewList()
	if err := a.Cached.List(ctx, found, options...); err != nil {
		log.FromContext(ctx).Error(err, "Listing who asks for a host", "kind", a.Kind)
		return nil
	}
	var requests []ctrl.Request
	_ = meta.EachListItem(found, func(item runtime.Object) error {
		if object, ok := item.(client.Object); ok && a.HostOf(object) != "" {
			requests = append(requests, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)})
		}
		return nil
	})
	return requests
}
