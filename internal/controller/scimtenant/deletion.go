package scimtenant

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// finalizersInterval is how soon to look again whether somebody has taken a finalizer
// off an object that is not watched.
const finalizersInterval = 10 * time.Second

// reconcileDeletion stops the server, does what the deletion policy says, and then lets
// the tenant go. Its other objects are collected by their owner references. A namespace
// that is deleted takes the server and the users with it, whatever the policy says.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	ends, err := reconcile.NamespaceEnds(ctx, r.Live, s.tenant.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	if ends {
		return ctrl.Result{}, r.release(ctx, s)
	}
	// The Deployment may outlive the tenant: it is orphaned if somebody wants that, and
	// not collected while somebody else's finalizer keeps the tenant.
	if err := errors.Join(r.gatherServers(ctx, s), r.gatherFormer(ctx, s)); err != nil {
		return ctrl.Result{}, err
	}
	waiting, err := each(ctx, s.servers, server.stop)
	if err != nil || waiting != "" {
		s.deletion = waiting
		return ctrl.Result{RequeueAfter: pollInterval}, err
	}
	done := !controllerutil.ContainsFinalizer(s.tenant, scimv1alpha1.Finalizer)
	if done || s.tenant.DeletionPolicy() == scimv1alpha1.DeletionPolicyRetain {
		return ctrl.Result{}, r.release(ctx, s)
	}
	// Nobody may write users while they are swept.
	waiting, err = each(ctx, s.servers, server.ended)
	if err != nil || waiting != "" {
		s.deletion = waiting
		return ctrl.Result{RequeueAfter: pollInterval}, err
	}
	again, err := r.sweeper.sweep(ctx, s)
	if err != nil || again > 0 {
		return ctrl.Result{RequeueAfter: again}, err
	}
	return ctrl.Result{}, r.release(ctx, s)
}

// each does something to servers, one after the other, and returns what the first of them has still
// to be waited for that is not done.
func each(ctx context.Context, servers []server, do func(server, context.Context) (string, error)) (waiting string, err error) {
	for _, one := range servers {
		if waiting, err = do(one, ctx); err != nil || waiting != "" {
			return waiting, err
		}
	}
	return "", nil
}

// release removes the finalizer, and what is remembered about the tenant. The tenant
// stays for as long as others have finalizers on it, and says so before: afterwards,
// it may be gone.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	s.deletion = released(s.tenant.Finalizers)
	if !controllerutil.ContainsFinalizer(s.tenant, scimv1alpha1.Finalizer) {
		return nil
	}
	if err := s.pass.State(ctx, nil); err != nil {
		return err
	}
	if err := s.pass.Release(ctx); err != nil {
		return err
	}
	r.sweeper.progress.forget(s.tenant.UID)
	r.pace.Forget(s.tenant.UID)
	r.Keeper.Forget(s.tenant.UID)
	r.Publisher.Forget(s.tenant.UID)
	r.migrations.forget(s.tenant.UID)
	r.traffic.forget(s.tenant.UID)
	return nil
}

// released says what keeps a tenant with which the operator is done.
func released(finalizers []string) string {
	others := slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool { return f == scimv1alpha1.Finalizer })
	if len(others) == 0 {
		return "the server is stopped, and the tenant goes"
	}
	return "the server is stopped, and the operator is done: waiting for finalizers of others: " + strings.Join(others, ", ")
}
