package readindex

import (
	"math"
	"time"
)

// warnings is after how many looks it is logged again that a replica cannot be reached.
const warnings = 10

// tend connects to the peers that have no link, as often as they are tried.
func (ps peers) tend(c *Core) {
	for _, p := range ps {
		if p.link != 0 || p.busy || c.now < p.tried+c.config.Probe {
			continue
		}
		p.tried, p.epoch = c.now, c.epoch
		if p.failing == never {
			p.failing = c.now
		}
		if p.contact.Address == "" {
			c.connectFailed(p, ErrOlderRelease)
			continue
		}
		p.busy = true
		c.emit(Connect{Peer: p.id})
	}
}

// due returns when the next peer is to be tried.
func (ps peers) due(c *Core) time.Duration {
	due := time.Duration(math.MaxInt64)
	for _, p := range ps {
		if p.link == 0 && !p.busy {
			due = min(due, p.tried+c.config.Probe)
		}
	}
	return due
}

func (e Connected) apply(c *Core) {
	p := c.peers.byID(e.Peer)
	if p == nil || c.leaving {
		c.emit(Close{Link: e.Link})
		return
	}
	p.busy = false
	if p.epoch != c.epoch { // The peer may have given this replica up in between.
		c.emit(Close{Link: e.Link})
		c.connectFailed(p, errLate)
		return
	}
	p.link, p.confirmed, p.failing = e.Link, c.epoch, never
	c.promises.connect(p.id, p.link)
	p.heard++
	c.changed = true
	c.count(p)
	if p.unreachable {
		p.unreachable = false
		c.emit(WriteLease{})
	}
}

func (e ConnectFailed) apply(c *Core) {
	if p := c.peers.byID(e.Peer); p != nil && !c.leaving {
		p.busy = false
		c.connectFailed(p, e.Err)
	}
}

// connectFailed finds out from the peer's Lease whether it is still alive.
func (c *Core) connectFailed(p *peer, err error) {
	if c.now-p.look.Began < c.config.Look {
		return
	}
	p.look = Look{Heard: p.heard, Began: c.now}
	if c.now-p.warned >= warnings*c.config.Look {
		p.warned = c.now
		c.log(Warn, "a replica cannot be reached; it is waited for until it can, or its Lease ends", "replica", p.name, "error", err)
	}
	p.busy = true
	c.emit(LookAtLease{Peer: p.id})
}

// A peer whose Lease is gone or has run out is given up, unless it was heard meanwhile.
// Another process's Lease makes that one a peer. One that goes on being renewed is asked
// for what the peer is not.
func (e PeerLease) apply(c *Core) {
	p := c.peers.byID(e.Peer)
	if p == nil || c.leaving {
		return
	}
	p.busy = false
	look := p.look
	look.Ended = c.now
	if e.Lease != nil && e.Lease.Contact == p.contact {
		p.displaced = Observation{}
	}
	switch heard := p.heard != look.Heard; {
	case e.Err != nil:
		c.log(Warn, "the Lease of a replica that cannot be reached cannot be read", "replica", p.name, "error", e.Err)
	case e.Lease == nil:
		if !heard {
			c.giveUp(p, "its Lease is gone")
		}
	case e.Lease.Contact != p.contact:
		p.forgetRevision(e.Lease, look)
		_, _ = c.admit(e.Lease, true) // Where that fails, the peer stays one.
	case p.seen.RanOut(e.Lease, look):
		if !heard {
			c.emit(DeleteLease{Peer: p.id})
			c.giveUp(p, "its Lease has run out")
		}
	case look.Began-p.failing >= c.config.Lease && p.seen.renewed && p.contact.Address != "":
		c.cannotReach(p)
		c.introduce(p, e.Lease)
	}
}

// forgetRevision makes the Lease of another process one of a newer process, although its
// resourceVersion is lower than that of the peer's was, once it has not been the peer's for
// the whole duration: then history was rewritten, and the peer is no member any more.
func (p *peer) forgetRevision(lease *Lease, look Look) {
	other := &Lease{Renewal: "of another process", Duration: lease.Duration}
	if lease.Revision < p.revision && p.displaced.RanOut(other, look) {
		p.revision = 0
	}
}
