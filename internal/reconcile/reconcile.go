// Package reconcile is the frame that the reconcilers share: which events start
// one, how soon it tries again, how it reads what it wrote, where it records
// events, and when a finalizer has nothing left to wait for.
package reconcile

import (
	"slices"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

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
