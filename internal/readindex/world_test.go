package readindex_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/simulation"
)

// world is a tenant's replicas, the network between them and the API server, in one
// goroutine. Time is a number that goes from one thing that happens to the next.
type world struct {
	random   *rand.Rand
	timeline simulation.Timeline
	steps    int

	api       apiServer
	replicas  []*replica // all processes that there were
	processes int        // how many there were
	broken    map[pair]fault
	tenants   tenants

	// acknowledged is the highest revision of each history and tenant that a replica has
	// acknowledged which knew of that history.
	acknowledged map[acknowledged]uint64
	// reads counts those that were answered from memory, promised those of them that cost no
	// message, and fallbacks the others.
	reads, promised, fallbacks int
	// vain counts those of them for which memory would have had to be newer than etcd.
	vain int
	// wrong is the first violation of what is to hold.
	wrong error
	// ended, if set, is told of each process that ends since another one has its Lease.
	ended func(*replica)
	// say, if set, is told what happens.
	say func(format string, args ...any)
	// extreme is true if clocks go as fast or slow as they may.
	extreme bool
	// quiet is true when nothing is to go wrong any more.
	quiet bool
	// delay is how long a message is on its way.
	delay func() time.Duration
}

// acknowledged is what was acknowledged of a tenant in a history.
type acknowledged struct {
	history int
	tenant  readindex.Tenant
}

// newWorld returns a world without replicas. Without a source of random numbers, whatever
// is sent takes a millisecond.
func newWorld(random *rand.Rand) *world {
	w := &world{random: random, broken: map[pair]fault{}, acknowledged: map[acknowledged]uint64{}}
	w.api = apiServer{w: w, revision: 100, leases: map[string]lease{}}
	w.tenants = tenants{revision: 1, observed: map[string]*readindex.Observation{}}
	w.say = func(string, ...any) {}
	w.delay = func() time.Duration { return time.Millisecond }
	if random != nil {
		w.delay = w.randomDelay
	}
	return w
}

// randomDelay is short as a rule, and now and then long.
func (w *world) randomDelay() time.Duration {
	switch w.random.IntN(100) {
	case 0:
		return w.between(0, 2*time.Second)
	case 1, 2, 3, 4:
		return w.between(0, 100*time.Millisecond)
	default:
		return w.between(0, 2*time.Millisecond)
	}
}

func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)))
}

// chance is true once in n times; never without a source of random numbers, or when nothing is to go wrong.
func (w *world) chance(n int) bool { return w.random != nil && !w.quiet && w.random.IntN(n) == 0 }

// after does something later.
func (w *world) after(pause time.Duration, do func()) { w.timeline.After(pause, do) }

// run lets time pass, as long as nothing is wrong.
func (w *world) run(d time.Duration) {
	if w.wrong != nil {
		return
	}
	w.timeline.Run(d, func() bool {
		w.steps++
		return w.wrong == nil
	})
}

// violated notes that something does not hold that should.
func (w *world) violated(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf("after %v: %w", w.timeline.Now(), fmt.Errorf(format, args...))
	}
}

// living returns the processes that run.
func (w *world) living() []*replica {
	var living []*replica
	for _, r := range w.replicas {
		if r.alive {
			living = append(living, r)
		}
	}
	return living
}

// checkMembers checks what holds of those that may answer clients at this moment. An etcd
// that is restored may lack the Lease of a replica that has not found out.
func (w *world) checkMembers() {
	if w.api.history > 0 {
		return
	}
	var members []*replica
	for _, r := range w.replicas {
		if r.alive && r.member() {
			members = append(members, r)
		}
	}
	for _, r := range members {
		if r.goes < w.tenants.acknowledged {
			w.violated("%v is a member and goes by the tenants up to %d, while all seem to go by them up to %d", r, r.goes, w.tenants.acknowledged)
		}
		if lease, is := w.api.leases[r.name]; !is || lease.contact != r.contact() {
			w.violated("%v is a member and has no Lease", r)
		}
		for _, other := range members {
			if r != other && !r.knows(other) {
				w.violated("%v and %v are members, and the first does not know the second", r, other)
			}
		}
	}
}

// The network.

// fault is what is wrong between two replicas.
type fault int

const (
	cut    fault = iota + 1 // nothing can be sent
	silent                  // what is sent is lost
)

// pair is two replicas, the one that came first first.
type pair struct{ one, other *replica }

func between(one, other *replica) pair {
	if one.process > other.process {
		one, other = other, one
	}
	return pair{one, other}
}

var (
	errCut     = errors.New("connection refused")
	errClosed  = errors.New("connection closed")
	errTimeout = errors.New("timeout")
)

// conn is a connection. Whoever dialled asks, one question at a time.
type conn struct {
	client, server *replica
	closed         bool
	// peer is who asks, as the server knows it.
	peer *knownPeer
	// waiting is called with an error when the connection ends under the client.
	waiting  func(error)
	protocol int // that both speak
}

// send brings something to the other side, unless that cannot be.
func (c *conn) send(to *replica, do func()) {
	w := to.w
	switch {
	case c.closed:
		return
	case w.broken[between(c.client, c.server)] == cut:
		c.close()
		return
	}
	w.after(w.delay(), func() {
		if !c.closed && w.broken[between(c.client, c.server)] == 0 {
			to.do(do)
		}
	})
}

// close ends the connection, which both sides notice.
func (c *conn) close() {
	if c.closed {
		return
	}
	c.closed = true
	if waiting := c.waiting; waiting != nil {
		c.client.after(0, func() { waiting(errClosed) })
	}
}

// set makes something wrong between two replicas, or heals it.
func (w *world) set(one, other *replica, f fault) {
	w.broken[between(one, other)] = f
	if f != cut {
		return
	}
	for _, r := range []*replica{one, other} {
		for _, id := range sortedKeys(r.links) {
			if c := r.links[id]; c.server == one || c.server == other {
				c.close()
			}
		}
	}
}
