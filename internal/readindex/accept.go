package readindex

import "slices"

func (e Dialled) apply(c *Core) {
	p := c.peers.named(e.Name)
	switch {
	case e.Name == c.config.Name:
		c.emit(Refuse{Conn: e.Conn, Err: errSelf})
	case p == nil || p.contact.Address == "" || p.contact.Fingerprint != e.Fingerprint || c.leaving:
		c.emit(LookUp{Conn: e.Conn, Name: e.Name})
	default:
		p.heard++
		c.confirmSoon(e.Conn, p)
	}
}

func (e LookedUp) apply(c *Core) {
	err := e.Err
	if err == nil && (e.Lease.Contact.Address == "" || e.Lease.Contact.Fingerprint != e.Fingerprint) {
		err = errUnknown
	}
	var p *peer
	if err == nil {
		p, err = c.admit(&e.Lease, false)
	}
	if err != nil {
		c.emit(Refuse{Conn: e.Conn, Err: err})
		return
	}
	c.confirmSoon(e.Conn, p)
}

// confirmSoon has who dialled confirmed once readers wait for it. They cannot read while it
// cannot be reached, so that a newcomer is given a moment to be dialled before that.
func (c *Core) confirmSoon(conn ConnID, p *peer) {
	c.handshakes = append(c.handshakes, handshake{conn: conn, peer: p, until: c.now + c.config.Round})
}

// confirmHandshakes confirms those that readers wait for, or have to from now on.
func (c *Core) confirmHandshakes() {
	for _, h := range c.handshakes {
		if h.until <= c.now {
			c.count(h.peer)
		}
	}
	c.handshakes = slices.DeleteFunc(c.handshakes, func(h handshake) bool {
		if h.peer.counted {
			c.emit(Confirm{Conn: h.conn, Peer: h.peer.id})
		}
		return h.peer.counted
	})
}
