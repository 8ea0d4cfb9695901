package moving_test

import (
	"fmt"
	"slices"
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/moving"
)

// off is how a server serves a tenant that is not in the list.
const off scimv1alpha1.HostingMode = ""

// replica is a replica of a server, as internal/replica and internal/readindex make it be.
type replica struct {
	*world
	name, server string
	alive        bool
	// away is true while it cannot reach the API server.
	away bool
	// renewed is when it renewed its Lease last; epoch counts how often it has got one.
	renewed time.Duration
	epoch   int
	// joined is true once it has listed the ScimTenants in its epoch.
	joined bool
	// mode is how it serves the tenant, by the version that it has seen; synced is true once it
	// may read from memory.
	mode scimv1alpha1.HostingMode
	seen tenant
	// port is the one at which it serves the tenant alone; 0 when there is none. occupied is true
	// while somebody else has its ports.
	port     int32
	occupied bool
	synced   bool
	// stored is how far its memory goes.
	stored int
	// drained counts how often it has closed its connections, and drainedAt is since when, by what
	// it has seen, the traffic is led elsewhere.
	drained   int
	drainedAt time.Duration
	// requests are those under way, and used is when the last one came or went.
	requests []*request
	used     time.Duration
	// pending are versions that are not stated yet, and done is the latest one that is.
	pending []pending
	done    int
}

// request is one for the tenant.
type request struct {
	fromMemory bool
	ended      bool
}

// pending is a version that is stated once some requests have ended.
type pending struct {
	version int
	after   []*request
}

// start starts a replica of a server.
func (w *world) start(server string) *replica {
	w.started++
	r := &replica{world: w, name: fmt.Sprintf("%s-%d", server, w.started), server: server, alive: true}
	w.replicas = append(w.replicas, r)
	r.join()
	r.renew()
	return r
}

func (r *replica) String() string { return r.name }

// then does something later, if the replica is alive by then.
func (r *replica) then(most time.Duration, do func()) {
	r.after(r.delay(most), func() {
		if r.alive {
			do()
		}
	})
}

// join gets a Lease, and lists the ScimTenants after that.
func (r *replica) join() {
	r.epoch++
	r.joined, r.synced = false, false
	epoch := r.epoch
	r.then(time.Second, func() {
		if r.away || epoch != r.epoch {
			return
		}
		r.renewed = r.timeline.Now()
		r.leases[r.name] = lease{server: r.server, renewed: r.timeline.Now()}
		r.then(time.Second, func() {
			if r.away || epoch != r.epoch {
				return
			}
			r.joined = true
			r.follow(r.tenant)
		})
	})
}

// renew renews the Lease now and then. A replica that has lost it begins anew.
func (r *replica) renew() {
	r.after(renewal, func() {
		switch {
		case !r.alive:
			return
		case r.away:
		case !r.joined, r.timeline.Now()-r.renewed >= countedOn:
			r.join()
		default:
			r.renewed = r.timeline.Now()
			kept := r.leases[r.name]
			kept.renewed, kept.states = r.timeline.Now(), r.done
			r.leases[r.name] = kept
		}
		r.renew()
	})
}

// member reports whether it counts on its Lease, and so may answer.
func (r *replica) member() bool { return r.alive && r.joined && r.timeline.Now()-r.renewed < countedOn }

// remembers reports whether it reads from memory.
func (r *replica) remembers() bool { return r.mode == scimv1alpha1.HostingModeMemory && r.synced }

// watch brings a version of the ScimTenant.
func (r *replica) watch(t tenant) {
	epoch := r.epoch
	var deliver func()
	deliver = func() {
		switch {
		case epoch != r.epoch:
		case r.away:
			r.then(time.Second, deliver)
		case r.joined:
			r.follow(t)
		}
	}
	r.then(3*time.Second, deliver)
}

// follow goes by a version of the ScimTenant, and states it once requests have ended that began
// under a mode which is over.
func (r *replica) follow(t tenant) {
	if t.version <= r.seen.version {
		r.report()
		return
	}
	former, drained := r.mode, r.drains()
	leads := r.mode != off && !drained
	r.seen, r.mode = t, off
	for _, s := range t.servers {
		if s.Name == r.server {
			r.mode = s.Mode
		}
	}
	r.listen()
	if leads && r.mode == off || r.drains() && !drained {
		r.drained, r.drainedAt = r.drained+1, r.timeline.Now()
	}
	if r.mode != scimv1alpha1.HostingModeMemory {
		r.synced = false
	} else if !r.synced {
		r.sync()
	}
	var after []*request
	for _, q := range r.requests {
		if !q.ended && (r.mode == off || q.fromMemory && former != r.mode) {
			after = append(after, q)
		}
	}
	r.pending = append(r.pending, pending{version: t.version, after: after})
	r.report()
}

// listen has it listen at the port that the tenant is to have, and at no other one.
func (r *replica) listen() {
	if wanted := moving.PortAt(r.seen.servers, r.server); wanted == 0 || !r.occupied {
		r.port = wanted
	}
}

// sync raises what the server's replicas have acknowledged to the latest at the API server.
func (r *replica) sync() {
	version := r.seen.version
	r.then(time.Second, func() {
		if r.away || r.seen.version != version {
			return
		}
		r.marks[r.server] = max(r.marks[r.server], r.committed)
		r.synced = true
	})
}

// report states what is not pending any more.
func (r *replica) report() {
	for len(r.pending) > 0 && !slices.ContainsFunc(r.pending[0].after, func(q *request) bool { return !q.ended }) {
		r.done = r.pending[0].version
		r.pending = r.pending[1:]
	}
	done, epoch := r.done, r.epoch
	r.then(time.Second, func() {
		kept, is := r.leases[r.name]
		if is && !r.away && epoch == r.epoch {
			kept.states = max(kept.states, done)
			r.leases[r.name] = kept
		}
	})
}

// drains reports whether it closes connections, since the traffic goes elsewhere.
func (r *replica) drains() bool { return r.mode != off && r.seen.servers[0].Name != r.server }

// request answers a request; done is called at its end.
func (r *replica) request(write bool, done func()) {
	if !r.joined || !r.member() { // its client is to try again
		r.after(0, done)
		return
	}
	if r.mode == off {
		r.violated("%v refuses a request, since it serves the tenant no more", r)
		return
	}
	q := &request{fromMemory: !write && r.remembers()}
	r.requests, r.used = append(r.requests, q), r.timeline.Now()
	before, revision := r.acknowledged, 0
	if q.fromMemory {
		revision = max(r.stored, r.marks[r.server])
	}
	r.then(4*time.Second, func() {
		if write && !r.away {
			r.committed++
		}
		if !q.fromMemory {
			revision = r.committed
		}
		r.then(4*time.Second, func() {
			answers := r.member() && (q.fromMemory || !r.away)
			q.ended, r.used = true, r.timeline.Now()
			r.requests = slices.DeleteFunc(r.requests, func(other *request) bool { return other == q })
			if answers {
				r.answer(write, revision, before)
			}
			r.report()
			done()
		})
	})
}

// answer lets the client know.
func (r *replica) answer(write bool, revision, before int) {
	if write {
		r.writes++
	} else {
		r.reads++
	}
	if revision < before {
		r.violated("%v reads %d from memory, and %d was acknowledged before", r, revision, before)
	}
	r.marks[r.server] = max(r.marks[r.server], revision)
	r.acknowledged = max(r.acknowledged, revision)
	r.stored = max(r.stored, revision)
}

// crash ends it.
func (r *replica) crash() {
	r.alive = false
	r.replicas = slices.DeleteFunc(r.replicas, func(other *replica) bool { return other == r })
}

// stop ends it as a shutdown does: its Lease goes after its last answer.
func (r *replica) stop() {
	r.crash()
	delete(r.leases, r.name)
}

// asked is what it says when the operator asks.
func (r *replica) asked() moving.Replica {
	found := moving.Replica{Serves: r.joined && r.mode != off && r.port == moving.PortAt(r.seen.servers, r.server)}
	if r.joined && r.drains() && len(r.requests) == 0 {
		found.Idle = r.timeline.Now() - max(r.used, r.drainedAt)
	}
	return found
}
