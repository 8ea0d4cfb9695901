package readindex

// mayList reports whether this replica has to list the Leases of the others, to become a
// member in its epoch.
func (c *Core) mayList() bool { return c.listed != c.epoch && !c.listing }

// beginJoin lists the Leases of the others.
func (c *Core) beginJoin() {
	if c.mayList() && c.listAt <= c.now {
		c.listing = true
		c.emit(List{Epoch: c.epoch})
	}
}

// Those that are listed must all confirm this replica, or be gone, and what those may
// have acknowledged that are gone already must be got from the API server.
func (e Listed) apply(c *Core) {
	c.listing = false
	if e.Epoch != c.epoch || c.leaving {
		return
	}
	err := e.Err
	for i := range e.Leases {
		if err == nil {
			_, err = c.admit(&e.Leases[i], true)
		}
	}
	if err != nil {
		c.listAt = c.now + c.config.Look
		c.log(Warn, "joining the other replicas failed and is tried again", "error", err)
		return
	}
	c.listed = c.epoch
	c.syncBeforeJoin()
}

func (e Followed) apply(c *Core) {
	if e.Epoch == c.epoch && c.followed != c.epoch {
		c.followed = c.epoch
		c.syncBeforeJoin()
	}
}

// syncBeforeJoin has the API server asked what is to be covered by a member: what those have
// acknowledged who are gone, or who have served its tenants while this replica did not.
func (c *Core) syncBeforeJoin() {
	if c.listed == c.epoch && c.followed == c.epoch {
		c.syncs.pending++
	}
	c.changed = true
}

// finishJoin makes this replica a member, once it may be one.
func (c *Core) finishJoin() {
	if c.joined == c.epoch || c.listed != c.epoch || c.followed != c.epoch || c.syncs.done != c.syncs.pending || !c.knownToAll() {
		return
	}
	c.joined, c.changed = c.epoch, true
	c.log(Info, "this replica is a member", "members", c.View().Members)
}

// knownToAll reports whether every peer has confirmed, in this epoch, that it knows this
// replica. Those of an older release cannot, and need not: they read at the API server.
func (c *Core) knownToAll() bool {
	return c.peers.find(func(p *peer) bool { return p.confirmed != c.epoch && p.contact.Address != "" }) == nil
}
