package usage

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Events has a controller reconcile what a new answer about a tenant concerns.
func Events(poller *Poller, concerned func(ctx context.Context, tenant types.NamespacedName) []ctrl.Request) source.Source {
	return source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
		poller.Notify(func(tenant types.NamespacedName) {
			for _, request := range concerned(ctx, tenant) {
				queue.Add(request)
			}
		})
		return nil
	})
}
