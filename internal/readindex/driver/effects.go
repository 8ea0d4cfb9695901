package driver

import (
	"context"
	"log/slog"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/kubescim/kubescim/internal/readindex"
)

// carryOut does what takes no time, and begins the rest. ReadState and SendLeave are for
// those who stepped the event that has brought them about. The mutex is held.
func (n *node) carryOut(effect readindex.Effect) {
	switch e := effect.(type) {
	case readindex.Raise:
		n.marks.RaiseAll(e.Revisions)
	case readindex.Publish:
		n.publish(e.View)
	case readindex.Restart:
		n.log.Restart()
		n.marks.Forget()
	case readindex.Added:
		n.peers[e.Peer] = n.newPeer(e)
	case readindex.Removed:
		p := n.peers[e.Peer]
		p.gone.Store(true)
		p.stop()
		delete(n.peers, e.Peer)
		n.promises.Remove(e.Peer)
	case readindex.Connect:
		n.tend(e.Peer, n.connect)
	case readindex.LookAtLease:
		n.tend(e.Peer, n.lookAtLease)
	case readindex.Introduce:
		n.tend(e.Peer, func(ctx context.Context, p *peer) { n.introduce(ctx, p, e.Introductions) })
	case readindex.DeleteLease:
		lease := n.peers[e.Peer].lease
		n.spawn(func(ctx context.Context) { n.tidy(ctx, lease) })
	case readindex.Close:
		n.links[e.Link].close()
		delete(n.links, e.Link)
	case readindex.WriteLease:
		n.renewSoon()
	case readindex.List:
		n.spawn(func(ctx context.Context) {
			leases, err := n.leases.list(ctx)
			n.end(ctx, readindex.Listed{Epoch: e.Epoch, Leases: leases, Err: err})
		})
	case readindex.Sync:
		n.spawn(n.sync)
	case readindex.LookUp:
		n.handshakes[e.Conn] <- verdict{lookUp: true}
	case readindex.Confirm:
		n.decide(e.Conn, verdict{peer: n.peers[e.Peer]})
	case readindex.Refuse:
		n.decide(e.Conn, verdict{err: e.Err})
	case readindex.Log:
		level := map[readindex.Level]slog.Level{readindex.Info: slog.LevelInfo, readindex.Warn: slog.LevelWarn}[e.Level]
		n.logger.Log(context.Background(), level, e.Message, e.Attrs...)
	}
}

// newPeer returns a peer of which nothing was heard yet.
func (n *node) newPeer(e readindex.Added) *peer {
	p := &peer{id: e.Peer, name: e.Name, contact: e.Contact, stop: func() {}}
	if n.rates != nil {
		p.rates = n.rates.Charger()
	}
	return p
}

// publish makes the view the one that reads go by. The mutex is held.
func (n *node) publish(v *readindex.View) {
	links := make([]*link, len(v.Links))
	for i, id := range v.Links {
		links[i] = n.links[id]
	}
	former := n.view.Load()
	next := &view{View: v, links: links, over: former.over}
	if former.Era != v.Era {
		next.over = make(chan struct{})
	}
	n.view.Store(next)
	if former.History != v.History {
		n.renewSoon() // The Lease must not state a revision of the history before.
	}
	if former.Era != v.Era {
		close(former.over)
	}
}

// tend does something for a peer, until that is removed. The mutex is held.
func (n *node) tend(id readindex.PeerID, work func(context.Context, *peer)) {
	p := n.peers[id]
	p.stop = n.spawn(func(ctx context.Context) { work(ctx, p) })
}

// decide answers who has dialled, once and for all. The mutex is held.
func (n *node) decide(id readindex.ConnID, v verdict) {
	if verdicts, waits := n.handshakes[id]; waits {
		verdicts <- v
		delete(n.handshakes, id)
	}
}

// connect makes a link to a peer.
func (n *node) connect(ctx context.Context, p *peer) {
	l, err := n.dialler.hello(ctx, p.contact)
	if err != nil {
		n.end(ctx, readindex.ConnectFailed{Peer: p.id, Err: err})
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lastLink++
	l.id, l.peer = n.lastLink, p.id
	n.links[l.id] = l
	n.stepLocked(readindex.Connected{Peer: p.id, Link: l.id})
}

// lookAtLease looks at the Lease of a peer that could not be reached for some time.
func (n *node) lookAtLease(ctx context.Context, p *peer) {
	found, lease, err := n.leases.of(ctx, p.name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	p.lease = found
	n.stepLocked(readindex.PeerLease{Peer: p.id, Lease: lease, Err: err})
}

// introduce writes introductions into the Lease of a peer, unless it has changed.
func (n *node) introduce(ctx context.Context, p *peer, introductions []string) {
	if err := n.leases.introduce(ctx, n.leaseAsLookedAt(p), introductions); err != nil && ctx.Err() == nil {
		n.logger.Warn("introducing this replica to one that cannot be reached failed and is tried again",
			slog.String("replica", p.name), slog.Any("error", err))
	}
	n.end(ctx, readindex.IntroductionWritten{Peer: p.id})
}

// tidy deletes a Lease that has run out, so that no newcomer waits for it.
func (n *node) tidy(ctx context.Context, lease *coordinationv1.Lease) {
	ctx, cancel := context.WithTimeout(ctx, n.timing.Call)
	defer cancel()
	if err := deleteLease(ctx, n.leases.client, lease); err != nil {
		n.logger.Warn("tidying a Lease away failed", slog.String("replica", lease.Name), slog.Any("error", err))
	}
}

// sync asks the API server for its latest resourceVersions.
func (n *node) sync(ctx context.Context) {
	before := n.marks.Max()
	calling, cancel := context.WithTimeout(ctx, n.timing.Call)
	defer cancel()
	latest, err := n.log.Latest(calling)
	n.end(ctx, readindex.Synced{Before: before, Latest: latest, Err: err})
}
