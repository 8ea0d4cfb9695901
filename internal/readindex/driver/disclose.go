package driver

import (
	"context"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// mostDisclosures bounds the rounds by which peers are told the same thing.
const mostDisclosures = 3

// Disclose waits until a client of the tenant may be told all that the Marks cover: no other
// replica counts on a promise of this one any more without knowing it. That takes no time while
// nothing is written, as a rule a round when something is, and twice Timing.Promise at the
// most. An error is that of the context.
func (r *Replica) Disclose(ctx context.Context, tenant readindex.Tenant) error {
	now := r.node.now()
	hidden := r.node.promises.Hides(tenant, now)
	if hidden.Until <= now {
		return nil
	}
	defer r.rounds.metrics.disclosure(time.Now())
	return r.rounds.disclose(ctx, hidden, hidden.Until-now)
}

// disclose tells the peers what is hidden from them, or waits until they do not count on
// that any more.
func (r *rounds) disclose(ctx context.Context, hidden readindex.Hidden, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for rounds := 0; ; rounds++ {
		var done chan struct{} // Nobody closes it.
		if rounds < mostDisclosures {
			done = r.enter(func(next *batch) {
				next.calls++
				next.disclosing = true
			}).done
		}
		select {
		case <-done:
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		if r.node.promises.Disclosed(hidden, r.node.now()) {
			return nil
		}
	}
}
