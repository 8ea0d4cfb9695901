package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// Object is a resource whose status says in conditions how it goes.
type Object interface {
	client.Object
	conditions.Object
}

// Frame is what all passes of one reconciler have in common.
type Frame struct {
	// Client writes the objects to the API server.
	Client client.Client
	// Owner owns the fields that are written.
	Owner client.FieldOwner
	// Recorder records events.
	Recorder events.EventRecorder
	// Written, if set, is told each state that was written.
	Written *Written
	// AfterConflict is how soon to begin anew when somebody else has written meanwhile.
	AfterConflict time.Duration
}

// Steps are what a reconciler does in a pass.
type Steps struct {
	// Normal brings the object closer to its spec. By then, it has the finalizer.
	Normal func(context.Context) (ctrl.Result, error)
	// Withdraw, if there is one, is taken instead of Normal when somebody else has written while the finalizer was being set. It
	// makes nothing, and only takes away: whoever writes all the time is not to keep it from that.
	Withdraw func(ctx context.Context) error
	// Deletion undoes what Normal has made, and calls Release when that is done.
	Deletion func(context.Context) (ctrl.Result, error)
	// State writes into the object's status what the pass has found, which ends with a
	// failure unless that is nil. It returns the events that tell of it.
	State func(failure error) []Event
}

// Pass is one reconciliation of one object. It knows what the API server has of the
// object, so that only what has changed is written, and nothing when nothing has.
type Pass[T Object] struct {
	frame    Frame
	steps    Steps
	object   T
	stored   T
	released bool
	locked   bool
}

// Begin begins a pass over an object as it was read, which the pass changes.
func Begin[T Object](frame Frame, object T) *Pass[T] {
	return &Pass[T]{frame: frame, object: object, stored: copyOf(object)}
}

// Stored returns the object as the API server has it, as far as this pass knows.
func (p *Pass[T]) Stored() T { return p.stored }

// Run takes the steps, and states the result last. That somebody else has written
// meanwhile is no failure: all begins anew. Nor is it one that nothing may be made any
// more in a namespace that is being deleted: the object goes with it.
func (p *Pass[T]) Run(ctx context.Context, steps Steps) (ctrl.Result, error) {
	p.steps = steps
	result, err := p.work(ctx)
	switch {
	case IsConflict(err):
		return ctrl.Result{RequeueAfter: p.frame.AfterConflict}, nil
	case IsOfEndingNamespace(err):
		return ctrl.Result{}, nil
	}
	stated := p.State(ctx, err)
	if err == nil && IsConflict(stated) {
		return ctrl.Result{RequeueAfter: p.frame.AfterConflict}, nil
	}
	return result, errors.Join(err, stated)
}

// Lock has the status written only if nobody has written the object since it was read: what
// the pass has decided is right for that state of it alone.
func (p *Pass[T]) Lock() { p.locked = true }

// statusPatch is what writes the status.
func (p *Pass[T]) statusPatch() client.Patch {
	if p.locked {
		return LockedPatch(p.stored)
	}
	return client.MergeFrom(p.stored)
}

func (p *Pass[T]) work(ctx context.Context) (ctrl.Result, error) {
	if !p.object.GetDeletionTimestamp().IsZero() {
		return p.steps.Deletion(ctx)
	}
	err := p.ensureFinalizer(ctx)
	if IsConflict(err) && p.steps.Withdraw != nil {
		err = errors.Join(err, p.steps.Withdraw(ctx))
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	return p.steps.Normal(ctx)
}

// ensureFinalizer sets the finalizer before anything exists that it is for.
func (p *Pass[T]) ensureFinalizer(ctx context.Context) error {
	before := copyOf(p.object)
	if !controllerutil.AddFinalizer(p.object, scimv1alpha1.Finalizer) {
		return nil
	}
	err := p.frame.Client.Patch(ctx, p.object, LockedPatch(before), p.frame.Owner)
	p.stored = copyOf(p.object)
	if err != nil {
		return fmt.Errorf("setting the finalizer: %w", err)
	}
	p.note()
	return nil
}

// Release removes the finalizer. The pass writes nothing after that: the object may be
// gone.
func (p *Pass[T]) Release(ctx context.Context) error {
	before := copyOf(p.object)
	if !controllerutil.RemoveFinalizer(p.object, scimv1alpha1.Finalizer) {
		return nil
	}
	err := p.frame.Client.Patch(ctx, p.object, LockedPatch(before), p.frame.Owner)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	p.released = true
	return nil
}

// RemoveAnnotation takes an annotation from the object. It fails if somebody else has
// written the object since it was read.
func (p *Pass[T]) RemoveAnnotation(ctx context.Context, name string) error {
	written := copyOf(p.stored)
	annotations := written.GetAnnotations()
	delete(annotations, name)
	written.SetAnnotations(annotations)
	if err := p.frame.Client.Patch(ctx, written, LockedPatch(p.stored), p.frame.Owner); err != nil {
		return fmt.Errorf("removing annotation %s: %w", name, err)
	}
	// What the pass has found of the status so far is kept.
	p.object.SetAnnotations(written.GetAnnotations())
	p.object.SetResourceVersion(written.GetResourceVersion())
	p.object.SetManagedFields(written.GetManagedFields())
	p.stored = copyOf(written)
	p.note()
	return nil
}

// State writes the status, if it has changed, and then tells about it. A step may call
// it to have the status written before something that it does.
func (p *Pass[T]) State(ctx context.Context, failure error) error {
	if p.released {
		return nil
	}
	stated := p.steps.State(failure)
	if equality.Semantic.DeepEqual(p.stored, p.object) {
		return nil
	}
	err := p.frame.Client.Status().Patch(ctx, p.object, p.statusPatch(), p.frame.Owner)
	if err != nil {
		if client.IgnoreNotFound(err) == nil {
			return nil
		}
		return fmt.Errorf("writing the status: %w", err)
	}
	p.stored = copyOf(p.object)
	p.note()
	for _, event := range stated {
		p.frame.Recorder.Eventf(p.object, nil, event.Type, event.Reason, event.Action, "%s", event.Note)
	}
	return nil
}

// note remembers what was written, so that no later pass goes by an older state.
func (p *Pass[T]) note() {
	if p.frame.Written != nil {
		p.frame.Written.Note(p.object)
	}
}

func copyOf[T Object](object T) T {
	copied, _ := object.DeepCopyObject().(T) // A deep copy is of the same type.
	return copied
}
