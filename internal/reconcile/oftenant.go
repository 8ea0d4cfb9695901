package reconcile

import (
	"context"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/kubescim/kubescim/internal/conditions"
)

// FieldTenant finds the objects of a tenant: in the cache by IndexByTenant, at the API server as a selectable field.
const FieldTenant = "spec.tenantRef.name"

// IndexByTenant makes the index FieldTenant of the kind of an object. tenant returns the name of the tenant of one.
func IndexByTenant[T client.Object](ctx context.Context, mgr ctrl.Manager, kind T, tenant func(T) string) error {
	return mgr.GetFieldIndexer().IndexField(ctx, kind, FieldTenant, func(obj client.Object) []string {
		object, ok := obj.(T)
		if !ok {
			return nil
		}
		return []string{tenant(object)}
	})
}

// RequestByTenant has all objects of a tenant reconciled when one of them changes, where whether one is served depends on
// the others. The request names the tenant.
func RequestByTenant[T client.Object](tenant func(T) string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(_ context.Context, obj client.Object) []ctrl.Request {
		object, ok := obj.(T)
		if !ok {
			return nil
		}
		return []ctrl.Request{{NamespacedName: types.NamespacedName{Namespace: object.GetNamespace(), Name: tenant(object)}}}
	})
}

// StateReady writes what Ready says into the status of an object that was read and is not being deleted, unless stated, which is
// that with another status, differs in nothing; and then tells of what somebody has to act on. That the object has gone is no error.
func StateReady[T Object](
	ctx context.Context, to client.Client, recorder events.EventRecorder, owner client.SubResourcePatchOption, stored, stated T, by client.Patch, ready conditions.Summary,
) error {
	changed := conditions.Set(stated, ready)
	if equality.Semantic.DeepEqual(stored, stated) {
		return nil
	}
	err := to.Status().Patch(ctx, stated, by, owner)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("writing the status of %s %s: %w", reflect.TypeOf(stated).Elem().Name(), stated.GetName(), err)
	}
	if err == nil && changed && ready.Outcome == conditions.Stalled {
		event := ReadyEvent(ready)
		recorder.Eventf(stated, nil, event.Type, event.Reason, event.Action, "%s", event.Note)
	}
	return nil
}
