// Package scimserver reconciles ScimServers: it keeps the server of each running, publishes it
// under its host, and says in the status how that goes, and how many tenants it hosts. Which
// tenants these are, the tenants say (package scimtenant).
package scimserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// pollInterval is how soon to look again for what no watch tells about.
const pollInterval = 2 * time.Second

// Reconciler reconciles ScimServers.
type Reconciler struct {
	// Client reads through the manager's cache, which has the index TenantsOf.
	Client client.Client
	// Live reads from and writes to the API server, past every cache.
	Live client.Client
	// Recorder records events.
	Recorder events.EventRecorder
	// Keeper keeps the servers running.
	Keeper *running.Keeper
	// Publisher publishes their hosts.
	Publisher *publishing.Publisher
	// TenantsOf is the index that finds the tenants of a ScimServer by its name.
	TenantsOf string

	written reconcile.Written
}

// What else it writes is what the server of a tenant consists of: see package scimtenant.
//
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimservers,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimservers/status,verbs=patch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimservers/finalizers,verbs=update

// Reconcile brings one server closer to its spec: gather what there is, write what should be,
// and state the result last. What Ready says is decided by decideReady.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	server, err := reconcile.Get[scimv1alpha1.ScimServer](ctx, &r.written, r.Client, r.Live, req.NamespacedName)
	if apierrors.IsNotFound(err) {
		return r.reconcileGone(ctx, req.NamespacedName)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	s := newScope(r.frame(), server)
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

// reconcileGone looks after the host of a server that is gone.
func (r *Reconciler) reconcileGone(ctx context.Context, server types.NamespacedName) (ctrl.Result, error) {
	reserved, err := r.Publisher.Hosts.Release(ctx, operand.Holder{Kind: operand.KindServer, NamespacedName: server}, "")
	if reconcile.IsConflict(err) { // the server is back, or another one was faster
		return ctrl.Result{RequeueAfter: pollInterval}, nil
	}
	return ctrl.Result{RequeueAfter: reserved}, err
}

func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
	if err := r.gather(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	// The server runs whatever becomes of its host, and the other way round.
	err := errors.Join(
		r.Keeper.Sign(ctx, s.running),
		r.Keeper.Apply(ctx, s.running, operand.Role(s.running.Server), operand.RoleBinding(s.running.Server)),
		r.Keeper.GatherRollout(ctx, s.running),
		r.Publisher.GatherCertificate(ctx, s.endpoint),
		r.Publisher.Publish(ctx, s.endpoint),
	)
	return ctrl.Result{RequeueAfter: s.requeueAfter()}, err
}

// gather reads what decides about the server, and how many tenants it hosts.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	s.running.Refused = r.Publisher.Allow.RefusedOfServer("spec", s.running.Spec)
	if err := r.Publisher.Gather(ctx, s.endpoint); err != nil {
		return err
	}
	if _, err := r.Keeper.GatherReplicas(ctx, s.running); err != nil {
		return err
	}
	if err := r.Keeper.GatherTLS(ctx, s.running); err != nil {
		return err
	}
	err := r.gatherTenants(ctx, s)
	s.gathered = err == nil
	return err
}

// gatherTenants finds the tenants that have been told that the server hosts them.
func (r *Reconciler) gatherTenants(ctx context.Context, s *scope) error {
	tenants := &scimv1alpha1.ScimTenantList{}
	err := r.Client.List(ctx, tenants, client.InNamespace(s.server.Namespace), client.MatchingFields{r.TenantsOf: s.server.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fmt.Errorf("listing the tenants of the server: %w", err)
	}
	s.tenants, s.staying = 0, nil
	for i := range tenants.Items {
		tenant := &tenants.Items[i]
		if _, hosted := contract.Hosting(tenant, contract.SharedServiceName(s.server.Name)); !hosted {
			continue
		}
		s.tenants++
		if tenant.DeletionTimestamp.IsZero() {
			s.staying = append(s.staying, tenant.Name)
		}
	}
	slices.Sort(s.staying)
	return nil
}
