package readindex

import (
	"errors"
	"fmt"
	"time"
)

var (
	errNoMember = errors.New("this replica is not a member at the moment")
	errUnsynced = errors.New("it is not known yet what a replica that is gone has told clients")
)

// Era is for how long something counts that was read of the cluster, as long as nothing newer is
// known of it: in one history, and while the own Lease is held without a break. Whoever counts
// those that have a Lease may have counted this replica as gone in between.
type Era struct {
	// History is how often history was rewritten, as far as this replica knows.
	History uint64
	// Epoch counts how often the own Lease was begun anew; 0 before it has been.
	Epoch int64
}

// View is what reads and answers go by. It does not change.
type View struct {
	// MemberUntil is when this replica stops being a member unless it renews its Lease; 0
	// when it is none.
	MemberUntil time.Duration
	// Links has one for each peer that can be asked.
	Links []LinkID
	// Blocked says why not all can be asked; nil when they can.
	Blocked error
	// Lead is true when the own pod has the smallest name.
	Lead bool
	// Members is how many replicas are known, this one included.
	Members int
	// Era is the one in which this replica is.
	Era
	// HandedOver are the Revisions of peers that have left, as far as the API server has
	// not been asked since whether they can be. They are part of the own ones.
	HandedOver Revisions
}

// Member reports whether the replica may answer clients.
func (v *View) Member(now time.Duration) bool { return v.MemberUntil > now }

// MayRead returns why no round can be made; nil when one can. now is when the View was
// the current one, or later. While this replica is a member, every other member is in
// the View.
func (v *View) MayRead(now time.Duration) error {
	if !v.Member(now) {
		return errNoMember
	}
	return v.Blocked
}

// View returns the View of what is known now.
func (c *Core) View() *View {
	v := &View{Lead: true, Members: 1, Era: Era{History: c.history.count, Epoch: c.epoch}, HandedOver: c.syncs.handedOver}
	if c.epoch == c.joined && !c.leaving {
		v.MemberUntil = c.leaseUntil
	}
	for _, p := range c.peers {
		if !p.counted {
			continue
		}
		v.Members++
		v.Lead = v.Lead && c.config.Name < p.name
		if p.link == 0 {
			v.Blocked = fmt.Errorf("replica %s cannot be asked at the moment", p.name)
			continue
		}
		v.Links = append(v.Links, p.link)
	}
	if c.syncs.pending > c.syncs.done {
		v.Blocked = errUnsynced
	}
	return v
}
