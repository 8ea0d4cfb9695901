// Package scimeventsink says in the status of a ScimEventSink that nobody serves it. All else in there is of the
// SCIM server that does.
package scimeventsink

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// afterConflict is how soon to look again when the server has written meanwhile.
const afterConflict = time.Second

// Reconciler states of ScimEventSinks that nobody serves them, for all of a tenant at once.
type Reconciler struct {
	// Client reads through the manager's cache, and writes.
	Client client.Client
	// Recorder records events.
	Recorder events.EventRecorder
}

// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimeventsinks,verbs=get;list;watch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimeventsinks/status,verbs=patch

// Reconcile states of the sinks of a tenant that nobody serves them, if that is so. The request names the tenant.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	all := &scimv1alpha1.ScimEventSinkList{}
	err := r.Client.List(ctx, all, client.InNamespace(req.Namespace), client.MatchingFields{reconcile.FieldTenant: req.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("listing the event sinks of the tenant: %w", err)
	}
	if len(all.Items) == 0 {
		return ctrl.Result{}, nil
	}
	tenant := &scimv1alpha1.ScimTenant{}
	err = r.Client.Get(ctx, req.NamespacedName, tenant)
	switch {
	case apierrors.IsNotFound(err):
		tenant = nil
	case err != nil:
		return ctrl.Result{}, fmt.Errorf("reading the tenant of the event sinks: %w", err)
	}
	var (
		result   ctrl.Result
		failures []error
	)
	for i := range all.Items {
		sink := &all.Items[i]
		decided := decide(sink, tenant, time.Now())
		if decided.summary.Outcome != "" {
			err := r.state(ctx, sink, decided.summary)
			if reconcile.IsConflict(err) {
				decided.after, err = afterConflict, nil
			}
			failures = append(failures, err)
		}
		result.RequeueAfter = reconcile.Soonest(result.RequeueAfter, decided.after)
	}
	return result, errors.Join(failures...)
}

// state writes into the status of a sink what has been found, unless it says so already. It fails with a
// conflict if the server has written since. The sink is the cache's, and stays as it is.
func (r *Reconciler) state(ctx context.Context, sink *scimv1alpha1.ScimEventSink, ready conditions.Summary) error {
	if !sink.DeletionTimestamp.IsZero() {
		return nil
	}
	stated := sink.DeepCopy()
	stated.Status.ObservedGeneration = sink.Generation
	return reconcile.StateReady(ctx, r.Client, r.Recorder, apply.FieldManager, sink, stated, reconcile.LockedPatch(sink), ready)
}
