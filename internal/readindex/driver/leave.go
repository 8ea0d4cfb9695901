package driver

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// leave hands the own Revisions over to the peers, since this replica will acknowledge no
// more; then it gives the Lease up, if it is still this replica's.
func (r *Replica) leave(ctx context.Context, own *ownLease, stillOwn bool) {
	effects := r.step(readindex.Leave{})
	r.asking.lock()
	defer r.asking.unlock()
	last := r.revisions()
	var sending sync.WaitGroup
	for _, effect := range effects {
		if e, is := effect.(readindex.SendLeave); is {
			sending.Go(func() { r.sendLeave(ctx, e, last) })
		}
	}
	sending.Wait()
	if !stillOwn {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	if err := own.giveUp(ctx); err != nil {
		r.logger.Warn("giving up the replica's Lease failed; it ends by itself", slog.Any("error", err))
	}
}

// sendLeave tells one peer. What that one does not hear, it finds out when it
// cannot reach this replica any more.
func (r *Replica) sendLeave(ctx context.Context, to readindex.SendLeave, last readindex.Revisions) {
	r.mu.Lock()
	l := r.links[to.Link]
	r.mu.Unlock()
	err := readindex.ErrOlderRelease
	if l != nil {
		err = l.leave(time.Now().Add(r.timing.Round), r.view.Load().History, last)
		l.close()
	}
	if err != nil && to.Contact.Address != "" {
		if l, err = r.hello(ctx, to.Contact); err == nil {
			err = l.leave(time.Now().Add(r.timing.Round), r.view.Load().History, last)
			l.close()
		}
	}
	if err != nil {
		r.logger.Warn("a replica could not be told that this one leaves", slog.String("replica", to.Name), slog.Any("error", err))
	}
}
