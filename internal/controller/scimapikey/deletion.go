package scimapikey

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"

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
		r.recordRevoked(s.key)
	}
	return ctrl.Result{}, nil
}

// revoked reports whether the token works nowhere. A Secret of somebody else
// never held it; nor did any, if no key id was ever recorded.
func revoked(s *scope) bool {
	return s.recorded() == "" || !s.verifiersAreOurs() ||
		contract.AllAccept(s.replicas, s.verifiersVersion())
}

// release lets the key go, and forgets its token.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	if err := s.pass.Release(ctx); err != nil {
		return err
	}
	r.minted.forget(s.key.UID)
	return nil
}
