package driver

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
)

// node is the Core with what surrounds it, as the user of raft's RawNode: it tells the Core
// of one event at a time, and carries out what comes of that (effects.go).
type node struct {
	log   Log
	marks marks
	// promises are the Core's.
	promises *readindex.Promises
	logger   *slog.Logger
	timing   Timing
	dialler  *dialler
	leases   *leases
	rates    *ratelimit.Buckets // nil for none
	began    time.Time          // What the Core's times count from.

	// view is the Core's, published. It is replaced as a whole, under mu.
	view atomic.Pointer[view]
	// renew asks for the own Lease to be written at once.
	renew chan struct{}

	mu         sync.Mutex
	core       *readindex.Core
	timer      *time.Timer // for the Core's Tick
	peers      map[readindex.PeerID]*peer
	links      map[readindex.LinkID]*link
	handshakes map[readindex.ConnID]chan<- verdict
	// lastLink and lastConn are the numbers that were given last.
	lastLink readindex.LinkID
	lastConn readindex.ConnID
	// spawn runs a goroutine until the replica ends, or what it returns is called.
	spawn func(work func(context.Context)) (stop func())
}

// view is a readindex.View with the links themselves, and what is closed when its Era is over.
type view struct {
	*readindex.View
	links []*link
	over  chan struct{}
}

// verdict is what the Core has decided about who dials: to look it up, to confirm it as a
// peer, or to refuse it.
type verdict struct {
	lookUp bool
	peer   *peer
	err    error
}

func newNode(o Options, timing Timing, dialler *dialler, leases *leases) *node {
	core := readindex.New(readindex.Config{
		Name: o.Pod.Name, Fingerprint: dialler.own.fingerprint,
		Lease: timing.Lease, Round: timing.Round, Probe: timing.Probe, Look: timing.Look, Promise: timing.Promise,
	}, o.Marks)
	n := &node{
		log: o.Log, marks: o.Marks, promises: core.Promises(), logger: o.Logger, timing: timing, dialler: dialler, leases: leases, rates: o.Rates,
		began:      time.Now(),
		renew:      make(chan struct{}, 1),
		core:       core,
		peers:      map[readindex.PeerID]*peer{},
		links:      map[readindex.LinkID]*link{},
		handshakes: map[readindex.ConnID]chan<- verdict{},
	}
	n.view.Store(&view{View: n.core.View(), over: make(chan struct{})})
	n.timer = time.AfterFunc(time.Hour, func() { n.step(readindex.Tick{}) })
	n.timer.Stop()
	return n
}

// start has all done that the Core wants from now on, by goroutines of that group, until the
// context is done.
func (n *node) start(ctx context.Context, running *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spawn = func(work func(context.Context)) func() {
		ctx, stop := context.WithCancel(ctx)
		running.Go(func() {
			defer stop()
			work(ctx)
		})
		return stop
	}
	n.stepLocked(readindex.Started{})
}

// now is the time for the Core.
func (n *node) now() time.Duration { return time.Since(n.began) }

// step tells the Core of an event, and carries out what it wants.
func (n *node) step(event readindex.Event) []readindex.Effect {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stepLocked(event)
}

func (n *node) stepLocked(event readindex.Event) []readindex.Effect {
	effects := n.core.Step(n.now(), event)
	for _, effect := range effects {
		n.carryOut(effect)
	}
	if due, is := n.core.Due(); is {
		n.timer.Reset(due - n.now())
	}
	return effects
}

// end tells the Core of the end of an effect, unless it was broken off.
func (n *node) end(ctx context.Context, event readindex.Event) {
	if ctx.Err() == nil {
		n.step(event)
	}
}

// revisions are the own ones, for all tenants, with what peers have handed over that nobody has
// seen yet.
func (n *node) revisions() readindex.Revisions {
	// What is taken out of the view has been raised in the marks before.
	handedOver := n.view.Load().HandedOver
	return n.marks.Max().Max(handedOver)
}

// revisionsOf are those for one tenant.
func (n *node) revisionsOf(tenant readindex.Tenant) readindex.Revisions {
	handedOver := n.view.Load().HandedOver
	return n.marks.Of(tenant).Max(handedOver)
}

// heard notes how often history was rewritten, as far as a peer knows.
func (n *node) heard(history uint64) {
	if n.view.Load().History < history {
		n.step(readindex.HistoryHeard{Count: history})
	}
}

// member reports whether this replica may answer clients at this moment.
func (n *node) member() bool { return n.view.Load().Member(n.now()) }

// renewSoon has the own Lease written at once, since it is to state something else.
func (n *node) renewSoon() {
	select {
	case n.renew <- struct{}{}:
	default: // The write that is due will state it.
	}
}

// dialled tells the Core who has dialled, and returns where it says what becomes of them.
func (n *node) dialled(name string, fingerprint readindex.Fingerprint) (readindex.ConnID, <-chan verdict) {
	verdicts := make(chan verdict, 1)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lastConn++
	id := n.lastConn
	n.handshakes[id] = verdicts
	n.stepLocked(readindex.Dialled{Conn: id, Name: name, Fingerprint: fingerprint})
	return id, verdicts
}

// hungUp notes that who has dialled waits no more.
func (n *node) hungUp(id readindex.ConnID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.handshakes, id)
}

// statement is what the own Lease is to state of other replicas.
func (n *node) statement() (introduced, unreachable []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.core.Statement()
}

// linkOf returns a link; nil if there is none.
func (n *node) linkOf(id readindex.LinkID) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.links[id]
}

// leaseAsLookedAt returns the Lease of a peer as it was looked at last.
func (n *node) leaseAsLookedAt(p *peer) *coordinationv1.Lease {
	n.mu.Lock()
	defer n.mu.Unlock()
	return p.lease.DeepCopy()
}
