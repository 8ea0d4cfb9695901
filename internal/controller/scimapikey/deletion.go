package scimapikey

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// reconcileDeletion revokes the token: its hash is removed, and the key stays
// until no live replica accepts it any more. A replica that does not answer
// holds this up only until its Lease has run out. Its Secrets are collected by
// their owner references. A namespace that is deleted takes the hashes and the
// replicas with it.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	ends, err := reconcile.NamespaceEnds(ctx, r.Live, s.key.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	if ends {
		return ctrl.Result{}, r.release(ctx, s)
	}
	if err := r.gather(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	recordIn(s.siblings, s.key)
	if err := r.writeVerifiers(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if s.problem != nil {
		return ctrl.Result{RequeueAfter: conflictInterval}, nil
	}
	if !revoked(s) {
		return ctrl.Result{RequeueAfter: pollInterval}, nil
	}
	if err := r.release(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if s.recorded() != "" {
		r.tellRevoked(s.key)
	}
	return ctrl.Result{}, nil
}

// revoked reports whether the token works nowhere. A Secret of somebody else
// never held it; nor did any, if no key id was ever recorded.
func revoked(s *scope) bool {
	return s.recorded() == "" || !s.verifiersAreOurs() ||
		contract.AllAccept(s.replicas, s.verifiersVersion())
}

// release removes the finalizer and the token from memory.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	before := s.key.DeepCopy()
	if !controllerutil.RemoveFinalizer(s.key, scimv1alpha1.Finalizer) {
		return nil
	}
	err := r.Live.Patch(ctx, s.key, reconcile.LockedPatch(before), apply.FieldManager)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	r.minted.forget(s.key.UID)
	s.gone = true
	return nil
}
