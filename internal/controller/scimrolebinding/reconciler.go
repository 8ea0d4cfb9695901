// Package scimrolebinding reconciles ScimRoleBindings: it gives the active members of a group of a
// tenant a role, in RoleBindings or ClusterRoleBindings, and takes it from who is no such member any more.
// Nobody loses the role since something has not been read yet, and nobody gets it unless the API server has
// checked that who wrote the spec may give it.
package scimrolebinding

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/reconcile"
)

const (
	// afterConflict is how soon to begin anew when somebody else has written meanwhile, or there is more to delete.
	afterConflict = 100 * time.Millisecond
	// straysAtOnce is how many bindings that others have made are deleted before it is looked again who is to have the role.
	straysAtOnce = 5
	// lookInterval is how soon to look again for what no watch tells about: the policy, and the operator's rights.
	lookInterval = 30 * time.Second
)

// Reconciler reconciles ScimRoleBindings.
type Reconciler struct {
	// Client reads through the manager's cache.
	Client client.Client
	// Live reads from and writes to the API server, past every cache.
	Live client.WithWatch
	// Recorder records events.
	Recorder events.EventRecorder
	// Allow says which roles may be bound.
	Allow config.Allow
	// WholeCluster is true for an operator that works in all namespaces, and so may write ClusterRoleBindings.
	WholeCluster bool
	// Policy is the name of the ValidatingAdmissionPolicy, and of its binding, that checks who may write ScimRoleBindings.
	Policy string

	applier *apply.Applier
	policy  *policyReader
	rosters *rosters
	written reconcile.Written
}

// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimrolebindings,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimrolebindings/status,verbs=patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimrolebindings/finalizers,verbs=update
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimusers;scimgroups;scimgroupmembers,verbs=list;watch
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=rolebindings;clusterrolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingadmissionpolicies;validatingadmissionpolicybindings,verbs=get

// Reconcile brings one binding closer to its spec: gather what there is, decide, write what should be, and state
// the result last. What Ready says is decided by decideReady.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	binding, err := reconcile.Get[scimv1alpha1.ScimRoleBinding](ctx, &r.written, r.Client, r.Live, req.NamespacedName)
	if apierrors.IsNotFound(err) {
		return r.reconcileGone(ctx, req.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	s := newScope(r.frame(), binding)
	return s.pass.Run(ctx, reconcile.Steps{
		Normal:   func(ctx context.Context) (ctrl.Result, error) { return r.reconcileNormal(ctx, s) },
		Withdraw: func(ctx context.Context) error { return r.withdraw(ctx, s) },
		Deletion: func(ctx context.Context) (ctrl.Result, error) { return r.reconcileDeletion(ctx, s) },
		State:    s.state,
	})
}

// frame is what all passes have in common.
func (r *Reconciler) frame() reconcile.Frame {
	return reconcile.Frame{
		Client: r.Client, Owner: apply.FieldManager, Recorder: r.Recorder, Written: &r.written, AfterConflict: afterConflict,
	}
}

func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
	if err := r.gather(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if s.waits() {
		return ctrl.Result{}, s.unknown
	}
	if err := errors.Join(r.carryOut(ctx, s), s.unknown); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: s.requeueAfter()}, nil
}

// withdraw takes the role from who is to have it no more, and gives it to nobody.
func (r *Reconciler) withdraw(ctx context.Context, s *scope) error {
	s.withdraws = true
	if err := r.gather(ctx, s); err != nil || s.waits() {
		return err
	}
	return r.carryOut(ctx, s)
}

// reconcileDeletion has nobody have the role any more, and lets the binding go. What is deleted is listed by
// the API server: one that was made a moment ago is not in the cache yet, and nobody would look for it again. A namespace
// that is deleted takes its RoleBindings with it, and may have taken the operator's right to list them.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	key := client.ObjectKeyFromObject(s.binding)
	r.rosters.release(key)
	if s.binding.Spec.Scope != scimv1alpha1.ScopeCluster {
		ends, err := reconcile.NamespaceEnds(ctx, r.Live, key.Namespace)
		if err != nil {
			return ctrl.Result{}, err
		}
		if ends {
			return ctrl.Result{}, s.pass.Release(ctx)
		}
	}
	own, strays, err := r.chunks(ctx, r.Live, s.binding)
	if err != nil {
		return ctrl.Result{}, err
	}
	var all []client.Object
	for _, one := range own {
		all = append(all, one.object)
	}
	more, err := r.deleteSome(ctx, append(all, strays...), maxChunks)
	if err != nil {
		return ctrl.Result{}, err
	}
	if more {
		return ctrl.Result{RequeueAfter: afterConflict}, nil
	}
	return ctrl.Result{}, s.pass.Release(ctx)
}

// reconcileGone deletes what is left of a binding whose finalizer somebody has taken off. The garbage collector takes care of
// what it finds to be owned by that, which others can change, and not of ClusterRoleBindings.
func (r *Reconciler) reconcileGone(ctx context.Context, key client.ObjectKey) (ctrl.Result, error) {
	r.rosters.release(key)
	gone := &scimv1alpha1.ScimRoleBinding{}
	gone.Namespace, gone.Name = key.Namespace, key.Name
	left, err := r.labelled(ctx, r.Client, gone)
	if err != nil || len(left) == 0 {
		return ctrl.Result{}, err
	}
	err = r.Live.Get(ctx, key, &scimv1alpha1.ScimRoleBinding{})
	if !apierrors.IsNotFound(err) { // it is back, which is an event of its own
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	ends, err := reconcile.NamespaceEnds(ctx, r.Live, key.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	if ends { // It takes along what is in it.
		left = slices.DeleteFunc(left, func(o client.Object) bool { return o.GetNamespace() != "" })
	}
	more, err := r.deleteSome(ctx, left, straysAtOnce)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("deleting what is left of a ScimRoleBinding that is gone: %w", err)
	}
	if more {
		return ctrl.Result{RequeueAfter: afterConflict}, nil
	}
	return ctrl.Result{}, nil
}
