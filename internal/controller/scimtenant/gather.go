package scimtenant

import "context"

// gather reads what decides whether the tenant gets its endpoint, which rights its own
// server gets, and which ScimServer hosts it if it has none.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	if err := r.Publisher.Gather(ctx, s.endpoint); err != nil {
		return err
	}
	if s.shared != nil {
		if err := r.gatherShared(ctx, s); err != nil {
			return err
		}
	} else {
		s.own.Refused = r.Publisher.Allow.RefusedOfServer("spec.server", s.own.Spec)
		if err := r.gatherVerifiers(ctx, s); err != nil {
			return err
		}
	}
	s.gathered = true
	return nil
}
