package barrier

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
)

// keepJoined makes this replica a member whenever its Lease has begun anew.
func (b *Barrier) keepJoined(ctx context.Context) {
	for {
		var epoch int64
		begun := func() bool { epoch = b.epoch; return epoch > b.joined }
		if b.until(ctx, begun) != nil {
			return
		}
		if err := b.join(ctx, epoch); err != nil && ctx.Err() == nil {
			b.logger.Warn("joining the other replicas failed and is tried again", slog.Any("error", err))
			sleep(ctx, b.timing.Look)
		}
	}
}

// join makes this replica, whose Lease is written, a member: once every replica
// that has a Lease too says that it knows this one, or is gone, and what those
// may have told clients that are gone already has been got from the API server.
func (b *Barrier) join(ctx context.Context, epoch int64) error {
	others, err := b.list(ctx)
	if err != nil {
		return err
	}
	for i := range others {
		if _, err := b.admit(ctx, &others[i], true); err != nil {
			return err
		}
	}
	b.owe()
	ready := func() bool { return b.epoch != epoch || b.settled == b.owed && b.knownToAllLocked() }
	if err := b.until(ctx, ready); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch == epoch {
		b.joined = epoch
		b.countOnLeaseLocked()
		b.logger.Info("this replica is a member", slog.Int("members", b.view.Load().members))
	}
	return nil
}

// list returns the Leases of the other replicas.
func (b *Barrier) list(ctx context.Context) ([]coordinationv1.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Call)
	defer cancel()
	leases := &coordinationv1.LeaseList{}
	err := b.client.List(ctx, leases, client.InNamespace(b.pod.Namespace), client.MatchingLabels{
		v1alpha1.LabelTenant: b.tenant, v1alpha1.LabelLease: v1alpha1.LeaseReplica,
	}, client.Limit(maxPeers+1))
	if err != nil {
		return nil, fmt.Errorf("listing the Leases of the other replicas: %w", err)
	}
	if leases.Continue != "" {
		return nil, errTooMany
	}
	var others []coordinationv1.Lease
	for _, lease := range leases.Items {
		if lease.Name != b.pod.Name {
			others = append(others, lease)
		}
	}
	return others, nil
}

// knownToAllLocked reports whether every peer has confirmed, in this epoch, that
// it knows this replica. Those of an older release cannot, and need not: they read
// from the API server.
func (b *Barrier) knownToAllLocked() bool {
	for _, p := range b.peers {
		if p.confirmed != b.epoch && p.contact.address != "" {
			return false
		}
	}
	return true
}

// owe makes Await fail until the API server has been asked how far everything goes.
func (b *Barrier) owe() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owed++
	b.publishLocked()
}

// keepSettled asks the API server how far everything goes whenever that is owed, or a
// peer that has left has said something that nobody has seen.
func (b *Barrier) keepSettled(ctx context.Context) {
	for {
		if b.until(ctx, func() bool { return b.owed > b.settled || b.handed != Mark{} }) != nil {
			return
		}
		if err := b.settle(ctx); err != nil && ctx.Err() == nil {
			b.logger.Warn("asking the API server how new everything is failed and is tried again", slog.Any("error", err))
			sleep(ctx, b.timing.Probe)
		}
	}
}

func (b *Barrier) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Call)
	defer cancel()
	b.mu.Lock()
	debt, handed, rewritten, restarting := b.owed, b.handed, b.rewritten, b.restarting
	b.mu.Unlock()
	before := b.log.Mark()
	latest, err := b.log.Latest(ctx)
	if err != nil {
		return err
	}
	if !restarting && latest.Max(before) != latest {
		b.rewind(rewritten + 1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rewritten != rewritten {
		return errRewritten // It is not known what of before was read.
	}
	b.log.Raise(latest)
	if b.handed == handed { // As much of it as was true is covered.
		b.handed = Mark{}
	}
	b.settled, b.restarting = debt, false
	b.publishLocked()
	return nil
}

// leave tells the peers how far everything goes that this replica has told
// clients, and that it will tell no more; then it gives the Lease up, if it is
// still this replica's.
func (b *Barrier) leave(ctx context.Context, own *ownLease, stillOwn bool) {
	b.mu.Lock()
	b.leaving = true
	b.memberUntil.Store(0)
	peers := make([]*peer, 0, len(b.peers))
	for _, p := range b.peers {
		peers = append(peers, p)
	}
	b.mu.Unlock()

	b.wire.Lock()
	defer b.wire.Unlock()
	mark := b.mark()
	var telling sync.WaitGroup
	for _, p := range peers {
		telling.Go(func() { b.tellLeave(ctx, p, mark) })
	}
	telling.Wait()
	if !stillOwn {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, b.timing.Call)
	defer cancel()
	if err := own.giveUp(ctx); err != nil {
		b.logger.Warn("giving up the replica's Lease failed; it ends by itself", slog.Any("error", err))
	}
}

// tellLeave tells one peer. What that one does not hear, it finds out when it
// cannot reach this replica any more.
func (b *Barrier) tellLeave(ctx context.Context, p *peer, mark Mark) {
	b.mu.Lock()
	l := p.link
	b.mu.Unlock()
	err := errOlderRelease
	if l != nil {
		err = l.leave(time.Now().Add(b.timing.Round), b.view.Load().rewritten, mark)
		l.close()
	}
	if err != nil && p.contact.address != "" {
		if l, err = b.introduce(ctx, p); err == nil {
			err = l.leave(time.Now().Add(b.timing.Round), b.view.Load().rewritten, mark)
			l.close()
		}
	}
	if err != nil {
		b.logger.Warn("a replica could not be told that this one leaves", slog.String("replica", p.name), slog.Any("error", err))
	}
}
