package scimtenant

import (
	"context"
	"errors"
)

// reconcileOwn keeps the tenant's own server running. The credentials of tokens that worked
// before must be there before anything else changes.
func (r *Reconciler) reconcileOwn(ctx context.Context, s *scope) error {
	return errors.Join(
		r.Keeper.Sign(ctx, s.own),
		r.runOwn(ctx, s),
		r.Keeper.GatherRollout(ctx, s.own),
		r.endMigration(ctx, s),
	)
}

func (r *Reconciler) runOwn(ctx context.Context, s *scope) error {
	if failure := r.makeCredentials(ctx, s); failure != nil {
		return errors.Join(failure, r.Keeper.ReadDeployment(ctx, s.own))
	}
	return r.Keeper.Apply(ctx, s.own, rights(s)...)
}
