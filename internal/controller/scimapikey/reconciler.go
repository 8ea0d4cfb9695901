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
	"fmt"
	"time"

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
// write, and state the result last. What Ready says is decided by decideReady.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	key := &scimv1alpha1.ScimApiKey{}
	if err := r.Live.Get(ctx, req.NamespacedName, key); apierrors.IsNotFound(err) {
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the key: %w", err)
	}
	if !key.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(key, scimv1alpha1.Finalizer) {
		return ctrl.Result{}, nil
	}
	s := newScope(r.frame(), key, r.now())
	return s.pass.Run(ctx, reconcile.Steps{
		Normal:   func(ctx context.Context) (ctrl.Result, error) { return r.reconcileNormal(ctx, s) },
		Deletion: func(ctx context.Context) (ctrl.Result, error) { return r.reconcileDeletion(ctx, s) },
		State:    s.state,
	})
}

// frame is what all passes have in common. A conflict is most often with another key of
// the tenant, which was written meanwhile.
func (r *Reconciler) frame() reconcile.Frame {
	return reconcile.Frame{Client: r.Live, Owner: apply.FieldManager, Recorder: r.Recorder, AfterConflict: time.Second}
}

func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
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

func (r *Reconciler) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
