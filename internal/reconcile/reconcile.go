// Package reconcile is the frame that the reconcilers share: which events start
// one and how soon it tries again (ControllerFor), in which order a pass over an object
// goes (Pass), how it reads what it wrote (Written), where it records events, and when a
// finalizer has nothing left to wait for. What a pass does, and what it finds, is the
// reconciler's.
package reconcile

import (
	"slices"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// ControllerFor begins to build the controller of a kind. What fails is repeated more and
// more slowly, and what a pass writes into the status starts no other one.
func ControllerFor(mgr ctrl.Manager, name string, kind client.Object, options controller.Options) *builder.Builder {
	options.RateLimiter = NewRateLimiter()
	return ctrl.NewControllerManagedBy(mgr).
		Named(name).
		WithOptions(options).
		For(kind, builder.WithPredicates(BeyondStatus()))
}

// How long a reconciler waits before it repeats what has failed: at first hardly
// at all, then twice as long each time, and never longer than somebody waits who
// has just mended the cause.
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = time.Minute
)

// NewRateLimiter returns the pace at which one reconciler repeats what has failed.
func NewRateLimiter() workqueue.TypedRateLimiter[ctrl.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[ctrl.Request](firstRetry, lastRetry)
}

// BeyondStatus lets through all events but updates of nothing else than the status.
// A reconciler writes the status last, so that such an event is the echo of its own
// write. To act on that would repeat at once what has failed, however long the
// pause has become, whenever the failure has another text, such as the id of a
// request that a webhook refused.
func BeyondStatus() predicate.Predicate {
	return predicate.Or(
		predicate.GenerationChangedPredicate{},
		predicate.LabelChangedPredicate{},
		predicate.AnnotationChangedPredicate{},
		predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
			return !slices.Equal(e.ObjectOld.GetFinalizers(), e.ObjectNew.GetFinalizers())
		}},
	)
}

// ComesOrGoes leaves out all that happens to an object but that there is one, is being deleted, or is there no more.
func ComesOrGoes() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetDeletionTimestamp().IsZero() != e.ObjectNew.GetDeletionTimestamp().IsZero()
	}}
}
