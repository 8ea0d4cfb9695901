package readindex_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// The timing of the replicas; the rest is in their Config.
const (
	leaseDuration  = 15 * time.Second
	roundTimeout   = 500 * time.Millisecond
	connectTimeout = 2 * time.Second
	callTimeout    = 3 * time.Second
	beat           = 5 * time.Second
	promise        = 250 * time.Millisecond
)

// replica is a process with a Core, and what the driver does for it.
type replica struct {
	w           *world
	process     int
	name        string // of the pod
	uid         string // of the pod
	fingerprint readindex.Fingerprint
	// began is when the process began, and rate how fast its clock goes.
	began time.Duration
	rate  float64
	// alive is true while the process runs. While it is paused, what happens to it is kept.
	alive, paused bool
	kept          []func()
	refused       bool // by the API server
	// protocol is the newest that the release speaks: 1 does not count histories, 3 keeps no
	// tenants apart and promises nothing.
	protocol int

	core     *readindex.Core
	view     *readindex.View
	wasAbout bool // to answer clients
	store    store
	own      ownLease
	// goes is up to which revision of the tenants it goes, and goesSince the epoch in which it
	// last read them.
	goes      int
	goesSince int64

	peers    map[readindex.PeerID]*knownPeer
	links    map[readindex.LinkID]*conn
	dialled  map[readindex.ConnID]*handshake
	lastLink readindex.LinkID
	lastConn readindex.ConnID
	ticks    int // timers that were set

	asking  bool
	readers []func(readindex.ReadState)
	// renewing is true when the next round is to get promises, whoever waits for it, and
	// disclosing when it is to tell the peers something, even if not all can be asked.
	renewing, disclosing bool
	rounds               int
	requests             int // of clients, under way
	leaving              bool
	afterThat            func() // when no round is under way any more
}

// knownPeer is another replica as this one knows it.
type knownPeer struct {
	id      readindex.PeerID
	name    string
	contact readindex.Contact
	gone    bool
	lease   lease // as it was looked at last
}

// handshake is somebody who has dialled.
type handshake struct {
	name        string
	fingerprint readindex.Fingerprint
	verdict     func(readindex.PeerID, error)
}

// store is what the driver's Log is, and the marks.
type store struct {
	marks *readindex.Marks
	// era is the history of what is in memory.
	era      int
	restarts int
}

// known is up to which revision the API server has shown something of a tenant.
func (s *store) known(tenant readindex.Tenant) uint64 { return s.marks.Shown(tenant)[readindex.Users] }

// start starts a process in the pod of that uid.
func (w *world) start(name, uid string) *replica {
	w.processes++
	r := &replica{
		w: w, process: w.processes, name: name, uid: uid, began: w.timeline.Now(), rate: 1, alive: true, protocol: newest,
		peers: map[readindex.PeerID]*knownPeer{}, links: map[readindex.LinkID]*conn{}, dialled: map[readindex.ConnID]*handshake{},
	}
	copy(r.fingerprint[:], strconv.Itoa(w.processes+1e6))
	if w.random != nil {
		r.rate = 0.82 + 0.38*w.random.Float64()
		if w.extreme {
			r.rate = []float64{0.82, 1.2}[w.random.IntN(2)]
		}
	}
	r.store.marks = readindex.NewMarks()
	r.core = readindex.New(readindex.Config{
		Name: name, Fingerprint: r.fingerprint, Lease: leaseDuration, Round: roundTimeout,
		Probe: 250 * time.Millisecond, Look: time.Second, Promise: promise,
	}, r.store.marks)
	r.view = r.core.View()
	r.core.Step(0, readindex.Started{})
	r.store.era = w.api.history
	w.replicas = append(w.replicas, r)
	r.after(0, r.renew)
	r.after(r.global(beat), r.beat)
	return r
}

func (r *replica) String() string {
	if r.w.random == nil {
		return r.name
	}
	return fmt.Sprintf("%s (process %d of pod %s)", r.name, r.process, r.uid)
}

func (r *replica) contact() readindex.Contact {
	return readindex.Contact{Address: r.uid, Fingerprint: r.fingerprint}
}

// local is the time since the process began, by its clock.
func (r *replica) local() time.Duration {
	return time.Duration(float64(r.w.timeline.Now()-r.began) * r.rate)
}

// global is how long the others find a time by the process's clock.
func (r *replica) global(d time.Duration) time.Duration { return time.Duration(float64(d)/r.rate) + 1 }

func (r *replica) member() bool { return r.view.Member(r.local()) }

func (r *replica) knows(other *replica) bool {
	for _, p := range r.peers {
		if p.contact == other.contact() {
			return true
		}
	}
	return false
}

// do does something at the replica: now, or when it goes on.
func (r *replica) do(what func()) {
	switch {
	case !r.alive:
	case r.paused:
		r.kept = append(r.kept, what)
	default:
		what()
	}
}

func (r *replica) after(pause time.Duration, what func()) { r.w.after(pause, func() { r.do(what) }) }

// resume makes a process that is paused go on.
func (r *replica) resume() {
	r.paused = false
	kept := r.kept
	r.kept = nil
	for _, what := range kept {
		r.do(what)
	}
}

// crash ends the process.
func (r *replica) crash() {
	r.alive = false
	r.endConnections()
}

func (r *replica) endConnections() {
	for _, other := range r.w.replicas {
		for _, id := range sortedKeys(other.links) {
			if c := other.links[id]; c.client == r || c.server == r {
				c.close()
			}
		}
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// step tells the Core of an event.
func (r *replica) step(event readindex.Event) []readindex.Effect {
	effects := r.core.Step(r.local(), event)
	for _, effect := range effects {
		r.carryOut(effect)
	}
	if due, is := r.core.Due(); is {
		r.ticks++
		mine := r.ticks
		r.after(r.global(due)+r.began-r.w.timeline.Now()+1, func() {
			if r.ticks == mine {
				r.step(readindex.Tick{})
			}
		})
	}
	if about := r.member(); about != r.wasAbout {
		r.wasAbout = about
		r.w.say("%v: member: %v", r, about)
	}
	r.w.checkMembers()
	return effects
}

func (r *replica) carryOut(effect readindex.Effect) {
	switch e := effect.(type) {
	case readindex.Raise:
		r.store.marks.RaiseAll(e.Revisions)
	case readindex.Publish:
		former := r.view
		if r.view = e.View; r.view.Epoch != former.Epoch {
			r.follow()
		}
	case readindex.Restart:
		r.store.era = r.w.api.history
		r.store.restarts++
		r.store.marks.Forget()
	case readindex.Added:
		r.peers[e.Peer] = &knownPeer{id: e.Peer, name: e.Name, contact: e.Contact}
	case readindex.Removed:
		r.peers[e.Peer].gone = true
		delete(r.peers, e.Peer)
		r.core.Promises().Remove(e.Peer)
	case readindex.Connect:
		r.connect(r.peers[e.Peer])
	case readindex.Close:
		r.links[e.Link].close()
		delete(r.links, e.Link)
	case readindex.LookAtLease:
		r.lookAtLease(r.peers[e.Peer])
	case readindex.Introduce:
		wanted := r.peers[e.Peer].lease
		wanted.introductions = e.Introductions
		call(r, func(a *apiServer) (lease, error) { return a.put(wanted) }, func(lease, error) {
			r.step(readindex.IntroductionWritten{Peer: e.Peer})
		})
	case readindex.DeleteLease:
		unwanted := r.peers[e.Peer].lease
		call(r, func(a *apiServer) (bool, error) { return true, a.remove(unwanted) }, func(bool, error) {})
	case readindex.WriteLease:
		r.after(0, r.renew)
	case readindex.List:
		call(r, func(a *apiServer) ([]lease, error) { return a.list(), nil }, func(all []lease, err error) {
			listed := readindex.Listed{Epoch: e.Epoch, Err: err}
			for _, l := range all {
				if l.name != r.name {
					listed.Leases = append(listed.Leases, l.seen())
				}
			}
			r.step(listed)
		})
	case readindex.Sync:
		r.sync()
	case readindex.LookUp:
		r.lookUp(e)
	case readindex.Confirm:
		r.decide(e.Conn, e.Peer, nil)
	case readindex.Refuse:
		r.decide(e.Conn, 0, e.Err)
	case readindex.Log:
		r.w.say("%v: %s", r, message(e))
	}
}

func message(e readindex.Log) string {
	text := e.Message
	for i := 0; i+1 < len(e.Attrs); i += 2 {
		text += fmt.Sprintf(" %v=%q", e.Attrs[i], fmt.Sprint(e.Attrs[i+1]))
	}
	return text
}

// revisions are the own ones, for all tenants.
func (r *replica) revisions() readindex.Revisions {
	return r.store.marks.Max().Max(r.view.HandedOver)
}

// revisionsOf are those for one tenant.
func (r *replica) revisionsOf(tenant readindex.Tenant) readindex.Revisions {
	return r.store.marks.Of(tenant).Max(r.view.HandedOver)
}

func (r *replica) sync() {
	// Requests go on between the effect and what it does.
	r.after(r.w.delay(), func() {
		before := r.store.marks.Max()
		call(r, func(a *apiServer) (uint64, error) { return a.revision, nil }, func(latest uint64, err error) {
			r.step(readindex.Synced{Before: before, Latest: readindex.Revisions{readindex.Users: latest}, Err: err})
		})
	})
}

func (r *replica) lookUp(e readindex.LookUp) {
	h := r.dialled[e.Conn]
	call(r, func(a *apiServer) (lease, error) { return a.get(e.Name) }, func(found lease, err error) {
		r.step(readindex.LookedUp{Conn: e.Conn, Fingerprint: h.fingerprint, Lease: found.seen(), Err: err})
	})
}

func (r *replica) decide(id readindex.ConnID, peer readindex.PeerID, err error) {
	h := r.dialled[id]
	delete(r.dialled, id)
	h.verdict(peer, err)
}

func (r *replica) lookAtLease(p *knownPeer) {
	call(r, func(a *apiServer) (lease, error) { return a.get(p.name) }, func(found lease, err error) {
		if p.gone {
			return
		}
		event := readindex.PeerLease{Peer: p.id}
		switch {
		case errors.Is(err, errNotFound):
		case err != nil:
			event.Err = err
		default:
			p.lease = found
			seen := found.seen()
			event.Lease = &seen
		}
		r.step(event)
	})
}

// connect dials a peer.
func (r *replica) connect(p *knownPeer) {
	r.hello(p.contact, func(c *conn, err error) {
		switch {
		case p.gone && err == nil:
			c.close()
		case p.gone:
		case err != nil:
			r.step(readindex.ConnectFailed{Peer: p.id, Err: err})
		default:
			r.lastLink++
			id := r.lastLink
			r.links[id] = c
			r.step(readindex.Connected{Peer: p.id, Link: id})
		}
	})
}

// hello dials whoever is at the address, and waits to be known.
func (r *replica) hello(to readindex.Contact, done func(*conn, error)) {
	w, ended := r.w, false
	end := func(c *conn, err error) {
		if ended {
			if c != nil {
				c.close()
			}
			return
		}
		ended = true
		done(c, err)
	}
	r.after(r.global(connectTimeout), func() { end(nil, errTimeout) })
	at := slices.IndexFunc(w.replicas, func(other *replica) bool { return other.alive && other.uid == to.Address })
	if at < 0 || w.broken[between(r, w.replicas[at])] == cut || w.replicas[at].fingerprint != to.Fingerprint {
		r.after(w.delay(), func() { end(nil, errCut) })
		return
	}
	server := w.replicas[at]
	c := &conn{client: r, server: server, protocol: min(r.protocol, server.protocol)}
	c.send(server, func() {
		server.lastConn++
		id := server.lastConn
		server.dialled[id] = &handshake{name: r.name, fingerprint: r.fingerprint, verdict: func(peer readindex.PeerID, err error) {
			if err != nil {
				c.send(r, func() { end(nil, errClosed) })
				return
			}
			c.peer = server.peers[peer]
			c.send(r, func() { end(c, nil) })
		}}
		server.step(readindex.Dialled{Conn: id, Name: r.name, Fingerprint: r.fingerprint})
	})
}
