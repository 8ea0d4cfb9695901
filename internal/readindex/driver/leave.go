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
	effects := r.node.step(readindex.Leave{})
	r.rounds.asking.lock()
	defer r.rounds.asking.unlock()
	last := r.node.revisions()
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
	ctx, cancel := context.WithTimeout(ctx, r.node.timing.Call)
	defer cancel()
	if err := own.giveUp(ctx); err != nil {
		r.node.logger.Warn("giving up the replica's Lease failed; it ends by itself", slog.Any("error", err))
	}
}

// sendLeave tells one peer. What that one does not hear, it finds out when it
// cannot reach this replica any more.
func (r *Replica) sendLeave(ctx context.Context, to readindex.SendLeave, last readindex.Revisions) {
	l := r.node.linkOf(to.Link)
	err := readindex.ErrOlderRelease
	if l != nil {
		err = l.leave(time.Now().Add(r.node.timing.Round), r.node.view.Load().History, last)
		l.close()
	}
	if err != nil && to.Contact.Address != "" {
		if l, err = r.node.dialler.hello(ctx, to.Contact); err == nil {
			err = l.leave(time.Now().Add(r.node.timing.Round), r.node.view.Load().History, last)
			l.close()
		}
	}
	if err != nil {
		r.node.logger.Warn("a replica could not be told that this one leaves", slog.String("replica", to.Name), slog.Any("error", err))
	}
}
