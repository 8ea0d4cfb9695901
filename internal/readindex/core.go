package readindex

import (
	"math"
	"time"
)

// Config has what does not change while a replica runs.
type Config struct {
	// Name is that of the pod.
	Name        string
	Fingerprint Fingerprint
	// Lease is the duration of the own Lease, of which its holder counts on two thirds.
	Lease time.Duration
	// Round is for how long a newcomer may be not dialled yet and hold up nobody.
	Round time.Duration
	// Probe is how often a replica that does not answer is tried.
	Probe time.Duration
	// Look is how often its Lease is looked at meanwhile.
	Look time.Duration
	// Promise is how long this replica counts on a promise, from before it asked for it.
	Promise time.Duration
}

// Core is what one replica knows and decides. It does no I/O, has no clock and starts no
// goroutine: a driver tells it what has happened, and carries out what Step returns. It is
// for one goroutine at a time.
type Core struct {
	config Config
	// now is when the event happened that is being stepped.
	now time.Duration

	// epoch counts how often the own Lease was begun anew; listed is the last one for which
	// the Leases of the others were listed, followed that of the last Followed, joined the one
	// in which this replica became a member.
	epoch, listed, followed, joined int64
	// leaseUntil is how long this replica may count on its Lease.
	leaseUntil time.Duration
	// started and leaving are true after these events.
	started, leaving bool
	listing          bool
	listAt           time.Duration // not before then

	peers    peers
	lastPeer PeerID
	// handshakes are those who have dialled and wait to be confirmed.
	handshakes []handshake
	// departed are links of peers that have left since the last round ended.
	departed []LinkID

	history history
	syncs   syncs

	promises *Promises

	// What the step has brought about so far.
	raise   *Revisions
	changed bool // what the View shows
	effects []Effect
}

// never is before any time.
const never = time.Duration(math.MinInt64 / 2)

// New returns the Core of a replica whose Lease has not been written.
func New(config Config, marks *Marks) *Core {
	return &Core{config: config, promises: newPromises(marks, config.Promise)}
}

// Promises are those between this replica and its peers.
func (c *Core) Promises() *Promises { return c.promises }

// Step tells the Core that something has happened, and returns what is to be done. now is
// the time since the process began, by a clock that is not set, and not before that of
// the last step.
func (c *Core) Step(now time.Duration, event Event) []Effect {
	c.now, c.raise, c.changed, c.effects = now, nil, false, nil
	event.apply(c)
	c.confirmHandshakes()
	if c.active() {
		c.finishJoin()
		c.peers.tend(c)
		c.beginJoin()
		c.syncs.begin(c)
	}
	var first []Effect
	if c.raise != nil {
		first = append(first, Raise{Revisions: *c.raise})
	}
	if c.changed {
		first = append(first, Publish{View: c.View()})
	}
	return append(first, c.effects...)
}

// Due returns when Tick is to be stepped, unless another event comes before; false when
// there is nothing to wait for.
func (c *Core) Due() (time.Duration, bool) {
	due := time.Duration(math.MaxInt64)
	for _, h := range c.handshakes {
		due = min(due, h.until)
	}
	if c.active() {
		due = min(due, c.peers.due(c))
		if c.mayList() {
			due = min(due, c.listAt)
		}
		if c.syncs.needed() && !c.syncs.running {
			due = min(due, c.syncs.at)
		}
	}
	return due, due != math.MaxInt64
}

// active reports whether this replica looks after its peers.
func (c *Core) active() bool { return c.started && !c.leaving }

// emit adds what is to be done after the View is published.
func (c *Core) emit(effects ...Effect) { c.effects = append(c.effects, effects...) }

// log adds a message.
func (c *Core) log(level Level, message string, attrs ...any) {
	c.emit(Log{Level: level, Message: message, Attrs: attrs})
}

func (Started) apply(c *Core) { c.started = true }

func (e LeaseWritten) apply(c *Core) {
	// Unless it was held without a break, the replica must join anew: the others may have
	// given it up, and newcomers may not have waited for it.
	if !e.Unbroken || c.now >= c.leaseUntil {
		c.epoch++
		for _, p := range c.peers {
			c.cut(p)
		}
	}
	c.leaseUntil = e.Began + c.config.Lease*2/3
	c.changed = true
}

// A join that is under way does not make the replica a member either, before the Lease is
// written anew: no newcomer would wait for it.
func (LeaseLost) apply(c *Core) {
	c.leaseUntil = 0
	c.changed = true
}

func (Leave) apply(c *Core) {
	c.leaving, c.changed = true, true
	for _, p := range c.peers {
		c.emit(SendLeave{Name: p.name, Contact: p.contact, Link: p.link})
	}
}

func (Tick) apply(*Core) {}
