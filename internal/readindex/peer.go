package readindex

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxPeers bounds how many other replicas there may be. A ScimTenant has 20 pods at the
// most, and during an update some more.
const MaxPeers = 64

var (
	errUnknown = errors.New("what it says of itself is not what stands in the Lease of a replica of that name")
	errSelf    = errors.New("the name is not that of another pod")
	errNewer   = errors.New("there is a newer process in the pod by now")
	errGone    = errors.New("the replica is gone already")
	errLate    = errors.New("the replica was reached too late")

	// ErrOlderRelease says that a replica knows nothing of ReadIndex.
	ErrOlderRelease = errors.New("the replica is of a release that cannot be asked")
	// ErrTooMany says that there are more replicas than there may be.
	ErrTooMany = fmt.Errorf("there are more than %d other replicas", MaxPeers)
)

// peer is another replica: one process, with one certificate.
type peer struct {
	id      PeerID
	name    string
	contact Contact
	// revision is the resourceVersion of the Lease that had the contact.
	revision uint64
	// counted is false for a newcomer that this replica has not dialled yet: until then,
	// the newcomer is not confirmed and readers do not wait for it.
	counted bool
	// link is the connection by which this replica asks; 0 while there is none.
	link LinkID
	// confirmed is the last own epoch in which the peer confirmed that it knows this one.
	confirmed int64
	// heard counts the signs of life that came from the peer itself.
	heard int64
	// unreachable is true once the peer could not be reached for long, although it has
	// renewed its Lease meanwhile.
	unreachable bool
	// introduced is the token by which the peer introduced itself last in the own Lease;
	// empty when it has not.
	introduced string

	// busy is true while an effect is under way that ends with an event: it is being
	// connected to, its Lease looked at, or written.
	busy bool
	// epoch is that in which the last connection was begun, at the time tried.
	epoch int64
	tried time.Duration
	// failing is when connecting began to fail; never while it does not.
	failing time.Duration
	// look is the look at its Lease that began last, and seen what looks have shown.
	look Look
	seen Observation
	// displaced is for how long its Lease has been seen to be that of another process.
	displaced Observation
	// warned is when it was last logged that the peer cannot be reached.
	warned time.Duration
}

// handshake is somebody who has dialled and waits to be confirmed.
type handshake struct {
	conn ConnID
	peer *peer
	// until is when the peer is counted although it could not be dialled.
	until time.Duration
}

// peers are in the order of their names.
type peers []*peer

// named returns the peer of that name; nil if there is none.
func (ps peers) named(name string) *peer {
	at, found := slices.BinarySearchFunc(ps, name, compareName)
	if !found {
		return nil
	}
	return ps[at]
}

func compareName(p *peer, name string) int { return strings.Compare(p.name, name) }

// find returns the first peer that is wanted; nil if there is none.
func (ps peers) find(wanted func(*peer) bool) *peer {
	if at := slices.IndexFunc(ps, wanted); at >= 0 {
		return ps[at]
	}
	return nil
}

// byID returns a peer; nil if it is none any more.
func (ps peers) byID(id PeerID) *peer { return ps.find(func(p *peer) bool { return p.id == id }) }

// admit makes the replica that holds a Lease a peer. Another process of that name is
// thereby known to be gone. counted is false for a newcomer that is to be dialled first.
func (c *Core) admit(lease *Lease, counted bool) (*peer, error) {
	if p := c.peers.named(lease.Name); p != nil {
		switch {
		case p.contact == lease.Contact:
			p.heard++
			if counted {
				c.count(p)
			}
			return p, nil
		case lease.Revision < p.revision:
			return nil, errNewer
		}
		c.giveUp(p, "there is another process in its pod")
	}
	if c.leaving {
		return nil, errNoMember
	}
	if len(c.peers) >= MaxPeers {
		return nil, ErrTooMany
	}
	c.lastPeer++
	p := &peer{
		id: c.lastPeer, name: lease.Name, contact: lease.Contact, revision: lease.Revision, counted: counted,
		tried: never, failing: never, warned: never, look: Look{Began: never},
	}
	at, _ := slices.BinarySearchFunc(c.peers, p.name, compareName)
	c.peers = slices.Insert(c.peers, at, p)
	c.changed = true
	c.promises.add(p.id)
	c.emit(Added{Peer: p.id, Name: p.name, Contact: p.contact})
	return p, nil
}

// count makes readers ask the peer from now on.
func (c *Core) count(p *peer) {
	if !p.counted {
		p.counted, c.changed = true, true
	}
}

// remove makes the replica a peer no more.
func (c *Core) remove(p *peer) {
	c.cut(p)
	c.peers = slices.DeleteFunc(c.peers, func(other *peer) bool { return other == p })
	c.handshakes = slices.DeleteFunc(c.handshakes, func(h handshake) bool {
		if h.peer == p {
			c.emit(Refuse{Conn: h.conn, Err: errGone})
		}
		return h.peer == p
	})
	c.changed = true
	c.emit(Removed{Peer: p.id})
}

// giveUp removes a peer that is gone without having handed over what it acknowledged, so
// that the API server must be asked how far that may go.
func (c *Core) giveUp(p *peer, why string) {
	c.remove(p)
	c.syncs.pending++
	c.log(Warn, "a replica is gone, and how far everything goes that it told clients is not known", "replica", p.name, "why", why)
}

// cut closes the link of a peer.
func (c *Core) cut(p *peer) {
	if p.link != 0 {
		c.promises.cut(p.link)
		c.emit(Close{Link: p.link})
		p.link, c.changed = 0, true
	}
}

func (e PeerLeft) apply(c *Core) {
	p := c.peers.byID(e.Peer)
	if p == nil {
		return
	}
	// What the own store has not seen is looked up at the API server soon: it may be more
	// than there is.
	if e.Own.Max(e.Last) != e.Own {
		c.syncs.handedOver = c.syncs.handedOver.Max(e.Last)
	}
	if p.link != 0 {
		c.departed = append(c.departed, p.link)
		c.departed = c.departed[max(0, len(c.departed)-MaxPeers):] // Without its link here, a round fails.
	}
	c.remove(p)
	c.log(Info, "a replica left", "replica", p.name)
}
