// Package scimapikey reconciles ScimApiKeys: it mints a token for each, lets the
// tenant's servers know its hash, hands the token over once all of them accept
// it, and takes it back when the key expires or is deleted.
//
// The plaintext of a token exists in two places: in the memory of the operator
// until it is handed over, and in the hand-over Secret. What is kept is the
// hash, in the Secret of the tenant's verifiers, which only this package writes.
//
// The order of writes makes every crash harmless:
//
//  1. the token's hash goes into the verifiers Secret;
//  2. its key id goes into status.keyID, from where on the hash is kept;
//  3. once every replica accepts it, the token goes into the hand-over Secret;
//  4. status.deliveredTime says that this has happened.
//
// After a crash before 3, the token is lost with the operator's memory and known
// to nobody: another one is minted. After a crash before 4, the hand-over Secret
// itself proves the delivery.
package scimapikey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

const (
	// pollInterval is how soon to look again for what a watch may not tell: a
	// replica whose Lease has run out is not announced.
	pollInterval = 10 * time.Second
	// recordInterval is how soon to go on when the key id has been recorded.
	recordInterval = 100 * time.Millisecond
	// longestSleep is how long to wait at most for an expiration.
	longestSleep = 24 * time.Hour
	// conflictInterval is how soon to look whether somebody has moved a Secret
	// out of the way. Secrets are not watched.
	conflictInterval = time.Minute
)

// Reconciler reconciles ScimApiKeys.
type Reconciler struct {
	// Client reads through the manager's cache.
	Client client.Client
	// Live reads from and writes to the API server, past every cache. Secrets
	// are never cached, and what decides about a token is never stale.
	Live client.Client
	// Recorder records events.
	Recorder events.EventRecorder
	// Now is the clock; time.Now when nil.
	Now func() time.Time

	minted   minted
	replicas contract.ReplicaObserver
}

// Secrets are read by name and never listed. Where
// OwnerReferencesPermissionEnforcement is on, to change the owners of a Secret
// takes the right to delete it.
//
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimapikeys,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimapikeys/status,verbs=patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimtenants,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;create;update;delete
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile brings one key closer to its spec: gather what there is, decide,
// write, and state the result last.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (result ctrl.Result, err error) {
	key := &scimv1alpha1.ScimApiKey{}
	if err := r.Live.Get(ctx, req.NamespacedName, key); apierrors.IsNotFound(err) {
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the key: %w", err)
	}
	if !key.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(key, scimv1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}

	s := newScope(key, r.now())
	defer func() {
		if reconcile.IsConflict(err) { // another key of the tenant was written meanwhile
			result, err = ctrl.Result{RequeueAfter: time.Second}, nil
			return
		}
		if reconcile.IsOfEndingNamespace(err) {
			result, err = ctrl.Result{}, nil
			return
		}
		s.failure = err
		err = errors.Join(err, r.patchStatus(ctx, s))
	}()

	if !key.DeletionTimestamp.IsZero() {
		return r.reconcileDeletion(ctx, s)
	}
	return r.reconcileNormal(ctx, s)
}

func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
	if err := r.ensureFinalizer(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.gather(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	for _, phase := range []func(context.Context, *scope) error{
		r.recognizeDelivery,
		r.provideToken,
		r.writeVerifiers,
		r.handOver,
		r.followURL,
	} {
		if err := phase(ctx, s); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: s.requeueAfter()}, nil
}

// ensureFinalizer sets the finalizer before there is anything to revoke.
func (r *Reconciler) ensureFinalizer(ctx context.Context, s *scope) error {
	before := s.key.DeepCopy()
	if !controllerutil.AddFinalizer(s.key, scimv1alpha1.Finalizer) {
		return nil
	}
	err := r.Live.Patch(ctx, s.key, reconcile.LockedPatch(before), apply.FieldManager)
	s.stored = s.key.DeepCopy()
	if err != nil {
		return fmt.Errorf("setting the finalizer: %w", err)
	}
	return nil
}

// patchStatus writes the status, if it has changed, and tells about it.
func (r *Reconciler) patchStatus(ctx context.Context, s *scope) error {
	if s.gone {
		return nil
	}
	changed := setStatus(s)
	if equality.Semantic.DeepEqual(s.stored.Status, s.key.Status) {
		return nil
	}
	err := r.Live.Status().Patch(ctx, s.key, client.MergeFrom(s.stored), apply.FieldManager)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	if changed {
		r.tell(s.key, summarize(s))
	}
	return nil
}

func (r *Reconciler) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
