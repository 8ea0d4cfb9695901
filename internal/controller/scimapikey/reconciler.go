// Package scimapikey reconciles ScimApiKeys: it issues a token for each, lets the
// tenant's servers know its hash, hands the token over once all of them accept
// it, and takes it back when the key expires or is deleted.
//
// What is accepted follows from ScimCredentials, which have the hashes, and which the
// servers watch. Where a key stands follows from its ScimCredentials too, and not from its
// status: a key that is restored from a backup without its status has its token still.
// The plaintext of a token exists in two places: in the memory of the operator
// until it is handed over, and in the hand-over Secret.
//
// The order of writes makes every crash harmless:
//
//  1. the ScimCredential is created, with the annotation that says undelivered;
//  2. once every live replica has acknowledged it, the token goes into the hand-over
//     Secret;
//  3. the annotation goes from the ScimCredential;
//  4. the status says that this has happened.
//
// After a crash before 2, the token is lost with the operator's memory and known to
// nobody: its ScimCredential is deleted, and another token issued. After a crash before 3,
// the token is in the hand-over Secret of this very key, which proves the delivery. After
// a crash before 4, the ScimCredential has no annotation, which proves it too: a key that
// has such a one never gets a token of the operator's again, whoever made it.
//
// A token is taken back in this order, when its key expires or is deleted:
//
//  1. the expirationTime of the key's ScimCredentials is brought forward, which, other
//     than a deletion, has a resourceVersion to wait for;
//  2. once every live replica has acknowledged that, they are deleted;
//  3. then the finalizer goes, if the key is being deleted.
//
// After a crash, what is there says how far this has come.
//
// What comes after the delivery, such as rotations and the end of what was to be read once,
// is decided by a chain of policies (upkeep.go, rotation.go, once.go, lifetime.go).
//
// A pass gathers what there is, decides on one step (decide, which is pure), takes it, and
// begins anew, until there is nothing to do but to wait. While pods of the release before
// are alive, all of this is written for them too (migration.go).
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
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/reconcile"
)

const (
	// pollInterval is how soon to look again for what a watch may not tell: a
	// replica whose Lease has run out is not announced.
	pollInterval = 10 * time.Second
	// longestSleep is how long to wait at most for a time that is to come.
	longestSleep = 24 * time.Hour
	// conflictInterval is how soon to look whether somebody has moved a Secret
	// out of the way. Secrets are not watched.
	conflictInterval = time.Minute
	// maxSteps bounds the steps of one pass. A token is handed over in four, and each of
	// the credentials of a key may have to end before and be deleted after.
	maxSteps = 4 + 3*mostLive
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
	// MaxLifetime is for how long a credential may last, whoever made it; zero: for ever.
	MaxLifetime time.Duration
	// Issuers are those that federated keys may be of, beside the cluster itself.
	Issuers contract.Hosts

	// Usage asks the server pods when tokens were last used.
	Usage *usage.Poller

	issued   issued
	replicas contract.ReplicaObserver
}

// Secrets are read by name and never listed. Where
// OwnerReferencesPermissionEnforcement is on, to change the owners of a Secret
// takes the right to delete it.
//
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimapikeys,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimapikeys/status,verbs=patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimcredentials,verbs=get;list;watch;create;update;delete
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
	s.maxLifetime, s.issuers = r.MaxLifetime, r.Issuers
	return s.pass.Run(ctx, reconcile.Steps{
		Normal:   func(ctx context.Context) (ctrl.Result, error) { return r.proceed(ctx, s) },
		Deletion: func(ctx context.Context) (ctrl.Result, error) { return r.reconcileDeletion(ctx, s) },
		State:    s.state,
	})
}

// frame is what all passes have in common. A conflict is most often with another key of
// the tenant, which was written meanwhile.
func (r *Reconciler) frame() reconcile.Frame {
	return reconcile.Frame{Client: r.Live, Owner: apply.FieldManager, Recorder: r.Recorder, AfterConflict: time.Second}
}

// reconcileDeletion revokes the key's tokens, and then lets the key go. A replica that does
// not answer holds this up only until its Lease has run out. The hand-over Secret is
// collected by its owner reference. A namespace that is deleted takes the credentials and
// the replicas with it.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	ends, err := reconcile.NamespaceEnds(ctx, r.Live, s.key.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	if ends {
		return ctrl.Result{}, r.release(ctx, s)
	}
	return r.proceed(ctx, s)
}

// proceed takes one step after the other, until there is none to take now.
func (r *Reconciler) proceed(ctx context.Context, s *scope) (ctrl.Result, error) {
	for range maxSteps {
		if err := r.gather(ctx, s); err != nil {
			return ctrl.Result{}, err
		}
		s.decision = decide(s)
		if s.decision.step == stepNone {
			return ctrl.Result{RequeueAfter: requeueAfter(s)}, nil
		}
		if err := r.perform(ctx, s); err != nil {
			return ctrl.Result{}, err
		}
		if s.decision.step == stepRelease {
			return ctrl.Result{}, nil
		}
	}
	return ctrl.Result{}, fmt.Errorf("the key was not as it should be after %d steps, the last of which was %q", maxSteps, s.decision.step)
}

func (r *Reconciler) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}
