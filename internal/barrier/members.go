package barrier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// maxPeers bounds how many other replicas there may be. A ScimTenant has 20 pods
// at the most, and during an update some more.
const maxPeers = 64

var (
	errNoMember  = errors.New("this replica is not a member at the moment")
	errStranger  = errors.New("what it says of itself is not what stands in the Lease of a replica of that name")
	errUnsettled = errors.New("it is not known yet what a replica that is gone has told clients")
	errTooMany   = fmt.Errorf("there are more than %d other replicas", maxPeers)
)

// peer is another replica: one process, with one certificate.
type peer struct {
	name    string
	contact contact
	stop    context.CancelFunc // Ends what tends the peer.
	// revision is the resourceVersion of the Lease that had the contact.
	revision uint64

	// The following belong to Barrier.mu.

	// counted is false for a newcomer that this replica has not dialled yet:
	// until then, the newcomer is not confirmed and readers do not wait for it.
	counted bool
	// link is the connection by which this replica asks; nil while there is none.
	link *link
	// confirmed is the last own epoch in which the peer said that it knows us.
	confirmed int64
	// heard counts the signs of life that came from the peer itself.
	heard int64
	// unreachable is true once the peer could not be reached for long, although it has
	// renewed its Lease meanwhile.
	unreachable bool
	// introduced is the token by which the peer introduced itself last in the own Lease;
	// empty when it has not.
	introduced string
	// served are the connections by which the peer asks, the oldest first.
	served []net.Conn
	// lost gets a value when there is no link any more. It holds one.
	lost chan struct{}

	// left is true once its last Mark has been raised in the own Log.
	left atomic.Bool
	// gone is true once it is no peer any more.
	gone atomic.Bool
}

// view is what a round goes by. It does not change.
type view struct {
	// links has one for each peer.
	links []*link
	// blocked says why no round can be made; nil when one can.
	blocked error
	lead    bool
	members int
	// rewritten and handed are those of the Barrier.
	rewritten uint64
	handed    Mark
}

// publishLocked makes the view what the peers are now, and wakes all who wait for
// a change.
func (b *Barrier) publishLocked() {
	v := &view{lead: true, members: 1, rewritten: b.rewritten, handed: b.handed}
	for _, p := range b.peers {
		if !p.counted {
			continue
		}
		v.members++
		v.lead = v.lead && b.pod.Name < p.name
		if p.link == nil {
			v.blocked = fmt.Errorf("replica %s cannot be asked at the moment", p.name)
			continue
		}
		v.links = append(v.links, p.link)
	}
	if b.settled < b.owed {
		v.blocked = errUnsettled
	}
	b.view.Store(v)
	close(b.changed)
	b.changed = make(chan struct{})
}

// admit makes the replica that holds a Lease a peer. Another process of that name
// is thereby known to be gone. counted is false for a newcomer that is to be
// dialled first.
func (b *Barrier) admit(ctx context.Context, lease *coordinationv1.Lease, counted bool) (*peer, error) {
	c := contactOf(lease)
	revision, err := strconv.ParseUint(lease.ResourceVersion, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("reading the resourceVersion of a Lease: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.peers[lease.Name]; p != nil {
		switch {
		case p.contact == c:
			p.heard++
			if counted && !p.counted {
				p.counted = true
				b.publishLocked()
			}
			return p, nil
		case revision < p.revision:
			return nil, errors.New("there is a newer process in the pod by now")
		}
		b.dropLocked(p, "there is another process in its pod")
		b.publishLocked()
	}
	if b.leaving {
		return nil, errNoMember
	}
	if len(b.peers) >= maxPeers {
		return nil, errTooMany
	}
	tending, stop := context.WithCancel(ctx)
	p := &peer{
		name: lease.Name, contact: c, revision: revision, stop: stop, counted: counted, lost: make(chan struct{}, 1),
	}
	b.peers[p.name] = p
	b.running.Go(func() {
		defer stop()
		if next := b.tend(tending, p); next != nil {
			// What fails is that there are too many, or that this replica leaves.
			_, _ = b.admit(ctx, next, true)
		}
	})
	b.publishLocked()
	return p, nil
}

// removeLocked makes the replica no peer any more.
func (b *Barrier) removeLocked(p *peer) {
	p.gone.Store(true)
	p.stop()
	b.cutLocked(p)
	delete(b.peers, p.name)
}

// dropLocked removes a peer that is gone without having said what it told
// clients, so that the API server must be asked how far that may go.
func (b *Barrier) dropLocked(p *peer, why string) {
	b.removeLocked(p)
	b.owed++
	b.logger.Warn("a replica is gone, and how far everything goes that it told clients is not known", slog.String("replica", p.name), slog.String("why", why))
}

// drop drops a peer if it has not been heard of since, and reports whether it did.
func (b *Barrier) drop(p *peer, heard int64, why string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.gone.Load() || p.heard != heard {
		return false
	}
	b.dropLocked(p, why)
	b.publishLocked()
	return true
}

// cutLocked closes the link of a peer.
func (b *Barrier) cutLocked(p *peer) {
	if p.link == nil {
		return
	}
	p.link.close()
	p.link = nil
	select {
	case p.lost <- struct{}{}:
	default:
	}
}

// linkLost notes that a link has failed.
func (b *Barrier) linkLost(l *link, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.peer.link != l {
		return
	}
	b.cutLocked(l.peer)
	b.publishLocked()
	b.logger.Warn("a replica did not answer; reads go to the API server until it does, or is gone",
		slog.String("replica", l.peer.name), slog.Any("error", err))
}

// until waits until the condition holds, which is looked at under mu, or the
// context is done.
func (b *Barrier) until(ctx context.Context, holds func() bool) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.mu.Lock()
		done, changed := holds(), b.changed
		b.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}
