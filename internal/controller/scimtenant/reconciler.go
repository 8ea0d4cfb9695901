// Package scimtenant reconciles ScimTenants: it keeps a SCIM server running for
// each, or has a ScimServer host it beside others, publishes it under its own host, says in
// the status how that goes, and does with the users what the deletion policy says when a
// tenant is deleted.
package scimtenant

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// pollInterval is how soon to look again for what no watch tells about.
const pollInterval = 2 * time.Second

// Reconciler reconciles ScimTenants.
type Reconciler struct {
	// Client reads through the manager's cache.
	Client client.Client
	// Live reads from and writes to the API server, past every cache. Users,
	// groups and claims may be very many: they must never get into a cache.
	Live client.Client
	// Recorder records events.
	Recorder events.EventRecorder
	// Keeper keeps the tenants' own servers running.
	Keeper *running.Keeper
	// Publisher publishes the tenants' own hosts.
	Publisher *publishing.Publisher
	// Usage asks the pods how they serve their tenants.
	Usage *usage.Poller
	// IdleBeforeOff is for how long clients must have stayed away from a tenant's former server before
	// that is dropped.
	IdleBeforeOff time.Duration

	written    reconcile.Written
	sweeper    *sweeper
	pace       usage.Pace
	migrations migrations
	traffic    traffic
}

// What the server of a tenant may do is in its Role (package operand); the
// operator must hold all of it to be allowed to grant it. That is why it may
// watch and write users and groups in ways that it does not need. Secrets are
// read by name: those with certificates of hosts, and what the release before has
// left (see migration.go). One is written: the keys that access tokens are signed with.
//
// Where OwnerReferencesPermissionEnforcement is on, to change the owners of an
// object takes the right to delete it, and to block an owner's deletion takes
// the right to update its finalizers.
//
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimtenants,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimtenants/status,verbs=patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimtenants/finalizers,verbs=update
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimservers,verbs=get;list;watch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimapikeys,verbs=get;list;watch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimcredentials,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimeventsinks,verbs=get;list;watch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimeventsinks/status,verbs=patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimusers;scimgroups;scimgroupmembers,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,verbs=get;list;watch;create;update;delete
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=list
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;create;update;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingresses;networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=ingressclasses,verbs=get;list;watch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=httproutes,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconcile brings one tenant closer to its spec: gather what there is, write
// what should be, and state the result last. What Ready says is decided by decideReady.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	tenant, err := reconcile.Get[scimv1alpha1.ScimTenant](ctx, &r.written, r.Client, r.Live, req.NamespacedName)
	if apierrors.IsNotFound(err) {
		return r.reconcileGone(ctx, req.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	s := r.newScope(tenant)
	return s.pass.Run(ctx, reconcile.Steps{
		Normal:   func(ctx context.Context) (ctrl.Result, error) { return r.reconcileNormal(ctx, s) },
		Deletion: func(ctx context.Context) (ctrl.Result, error) { return r.reconcileDeletion(ctx, s) },
		State:    s.state,
	})
}

// frame is what all passes have in common.
func (r *Reconciler) frame() reconcile.Frame {
	return reconcile.Frame{
		Client: r.Client, Owner: apply.FieldManager, Recorder: r.Recorder, Written: &r.written, AfterConflict: pollInterval,
	}
}

// reconcileGone looks after the hosts of a tenant that is gone.
func (r *Reconciler) reconcileGone(ctx context.Context, tenant types.NamespacedName) (ctrl.Result, error) {
	reserved, err := r.Publisher.Hosts.Release(ctx, operand.Holder{Kind: operand.KindTenant, NamespacedName: tenant}, "")
	if reconcile.IsConflict(err) { // the tenant is back, or another one was faster
		return ctrl.Result{RequeueAfter: pollInterval}, nil
	}
	return ctrl.Result{RequeueAfter: reserved}, err
}

func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
	if err := r.gather(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.gatherUsage(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	// The server runs whatever becomes of the endpoint, and the other way round.
	err := errors.Join(
		r.keepOwn(ctx, s), r.keepService(ctx, s),
		r.Publisher.GatherCertificate(ctx, s.endpoint), r.Publisher.Publish(ctx, s.endpoint),
	)
	if err == nil {
		err = r.move(ctx, s)
	}
	return ctrl.Result{RequeueAfter: s.requeueAfter()}, err
}

// gather reads what decides whether the tenant gets its endpoint, and which servers serve it.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	if err := errors.Join(r.gatherServers(ctx, s), r.gatherHost(ctx, s)); err != nil {
		return err
	}
	if err := r.Publisher.Gather(ctx, s.endpoint); err != nil {
		return err
	}
	s.gathered = true
	return nil
}
