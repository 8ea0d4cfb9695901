package driver

import (
	"context"
	"log/slog"

	"github.com/kubescim/kubescim/internal/readindex"
)

// step tells the Core of an event, and carries out what it wants.
func (r *Replica) step(event readindex.Event) []readindex.Effect {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stepLocked(event)
}

func (r *Replica) stepLocked(event readindex.Event) []readindex.Effect {
	effects := r.core.Step(r.now(), event)
	for _, effect := range effects {
		r.carryOut(effect)
	}
	if due, is := r.core.Due(); is {
		r.timer.Reset(due - r.now())
	}
	return effects
}

// carryOut does what takes no time, and begins the rest. ReadState and SendLeave are for
// those who stepped the event that has brought them about. The mutex is held.
func (r *Replica) carryOut(effect readindex.Effect) {
	switch e := effect.(type) {
	case readindex.Raise:
		r.log.Raise(e.Revisions)
	case readindex.Publish:
		r.publish(e.View)
	case readindex.Restart:
		r.log.Restart()
	case readindex.Added:
		r.peers[e.Peer] = &peer{id: e.Peer, name: e.Name, contact: e.Contact, stop: func() {}}
	case readindex.Removed:
		p := r.peers[e.Peer]
		p.gone.Store(true)
		p.stop()
		delete(r.peers, e.Peer)
	case readindex.Connect:
		r.tend(e.Peer, r.connect)
	case readindex.LookAtLease:
		r.tend(e.Peer, r.lookAtLease)
	case readindex.Introduce:
		r.tend(e.Peer, func(ctx context.Context, p *peer) { r.introduce(ctx, p, e.Introductions) })
	case readindex.DeleteLease:
		lease := r.peers[e.Peer].lease
		r.spawn(func(ctx context.Context) { r.tidy(ctx, lease) })
	case readindex.Close:
		r.links[e.Link].close()
		delete(r.links, e.Link)
	case readindex.WriteLease:
		r.renewSoon()
	case readindex.List:
		r.spawn(func(ctx context.Context) {
			leases, err := r.list(ctx)
			r.end(ctx, readindex.Listed{Epoch: e.Epoch, Leases: leases, Err: err})
		})
	case readindex.Sync:
		r.spawn(r.sync)
	case readindex.LookUp:
		r.handshakes[e.Conn] <- verdict{lookUp: true}
	case readindex.Confirm:
		r.decide(e.Conn, verdict{peer: r.peers[e.Peer]})
	case readindex.Refuse:
		r.decide(e.Conn, verdict{err: e.Err})
	case readindex.Log:
		level := map[readindex.Level]slog.Level{readindex.Info: slog.LevelInfo, readindex.Warn: slog.LevelWarn}[e.Level]
		r.logger.Log(context.Background(), level, e.Message, e.Attrs...)
	}
}

// publish makes the view the one that reads go by. The mutex is held.
func (r *Replica) publish(v *readindex.View) {
	links := make([]*link, len(v.Links))
	for i, id := range v.Links {
		links[i] = r.links[id]
	}
	r.view.Store(&view{View: v, links: links})
}

// tend does something for a peer, until that is removed. The mutex is held.
func (r *Replica) tend(id readindex.PeerID, work func(context.Context, *peer)) {
	p := r.peers[id]
	p.stop = r.spawn(func(ctx context.Context) { work(ctx, p) })
}

// decide answers who has dialled, once and for all. The mutex is held.
func (r *Replica) decide(id readindex.ConnID, v verdict) {
	if verdicts, waits := r.handshakes[id]; waits {
		verdicts <- v
		delete(r.handshakes, id)
	}
}

// sync asks the API server for its latest resourceVersions.
func (r *Replica) sync(ctx context.Context) {
	before := r.log.Revisions()
	latest, err := r.latest(ctx)
	r.end(ctx, readindex.Synced{Before: before, Latest: latest, Err: err})
}

func (r *Replica) latest(ctx context.Context) (readindex.Revisions, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	return r.log.Latest(ctx)
}

// end tells the Core of the end of an effect, unless it was broken off.
func (r *Replica) end(ctx context.Context, event readindex.Event) {
	if ctx.Err() == nil {
		r.step(event)
	}
}
