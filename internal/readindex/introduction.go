package readindex

import (
	"slices"
	"strings"
)

// A replica that cannot reach another one, which is alive, is confirmed by way of that
// one's Lease. It writes its name and a token into it. The other one finds that when it
// renews the Lease, reads the Lease of who wrote it, makes it a peer that it cannot ask,
// so that it reads at the API server from then on, and puts the token into its own Lease.
// The token stands for the epoch, so that it confirms no other one.

// cannotReach makes the own Lease state that a peer is alive and cannot be reached.
func (c *Core) cannotReach(p *peer) {
	if p.unreachable {
		return
	}
	p.unreachable = true
	c.emit(WriteLease{})
	c.log(Warn, "a replica that is alive cannot be reached: allow the peer port between the pods of the tenant; until then every read is one of the API server",
		"replica", p.name, "address", p.contact.Address)
}

// introduce takes the confirmation out of a peer's Lease, or asks for it there.
func (c *Core) introduce(p *peer, lease *Lease) {
	own := token(c.config.Fingerprint, c.epoch)
	introduction := c.config.Name + "/" + own
	switch {
	case p.confirmed == c.epoch || !lease.Introducible:
	case slices.Contains(lease.Introduced, own):
		p.confirmed = c.epoch
		c.count(p)
	case !slices.Contains(lease.Introductions, introduction) && len(lease.Introductions) < MaxPeers:
		p.busy = true
		c.emit(Introduce{Peer: p.id, Introductions: append(slices.Clone(lease.Introductions), introduction)})
	}
}

func (e IntroductionWritten) apply(c *Core) {
	if p := c.peers.byID(e.Peer); p != nil {
		p.busy = false
	}
}

// What does not succeed the other one tries again.
func (e Introduced) apply(c *Core) {
	err := errUnknown
	if e.Lease.Contact.Address != "" && strings.HasPrefix(e.Token, tokenPrefix(e.Lease.Contact.Fingerprint)) {
		var p *peer
		if p, err = c.admit(&e.Lease, true); err == nil {
			p.introduced = e.Token
		}
	}
	if err != nil {
		c.log(Warn, "a replica that introduced itself by Lease is not known", "replica", e.Lease.Name, "error", err)
	}
}

// Statement returns what the own Lease is to state of other replicas: the tokens of those
// that are known by an introduction, and the names of those that cannot be reached.
func (c *Core) Statement() (introduced, unreachable []string) {
	for _, p := range c.peers {
		if p.introduced != "" {
			introduced = append(introduced, p.introduced)
		}
		if p.unreachable {
			unreachable = append(unreachable, p.name)
		}
	}
	slices.Sort(introduced)
	return introduced, unreachable
}
