package readindex_test

import (
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// write is a client that writes at a replica. done is told the revision, if the write was
// acknowledged.
func (r *replica) write(tenant readindex.Tenant, done func(uint64, bool)) {
	if !r.member() || r.leaving {
		done(0, false)
		return
	}
	r.requests++
	type written struct {
		revision uint64
		history  int
	}
	known, restarts := r.store.known(tenant), r.store.restarts
	call(r, func(a *apiServer) (written, error) { return written{a.write(), a.history}, nil }, func(is written, err error) {
		if err != nil {
			r.requests--
			done(0, false)
			return
		}
		r.shown(known, restarts, is.revision)
		r.acknowledge(tenant, is.revision, is.history, done)
	})
}

// shown notes a revision that the API server has shown, which cannot be lower than what
// was known before.
func (r *replica) shown(known uint64, restarts int, revision uint64) {
	if revision < known && restarts == r.store.restarts {
		r.step(readindex.Rewound{})
	}
}

// acknowledge makes the own Revisions cover what a client is told, and tells it, once it is not
// hidden from any other replica, if this one is a member after that.
func (r *replica) acknowledge(tenant readindex.Tenant, revision uint64, history int, done func(uint64, bool)) {
	r.store.marks.Raise(tenant, readindex.Users, revision)
	r.after(r.w.delay()/4, func() {
		r.disclose(tenant, func() {
			r.after(r.w.delay()/8, func() { r.respond(tenant, revision, history, done) })
		})
	})
}

// respond is the moment at which a client is told of a revision.
func (r *replica) respond(tenant readindex.Tenant, revision uint64, history int, done func(uint64, bool)) {
	r.requests--
	if !r.member() {
		done(revision, false)
		return
	}
	if history == r.store.era {
		of := acknowledged{history: history, tenant: tenant}
		r.w.acknowledged[of] = max(r.w.acknowledged[of], revision)
	}
	done(revision, true)
}

// event is what a watch brings: a client that reads may be told of it from now on.
func (r *replica) event(tenant readindex.Tenant) {
	if r.store.era == r.w.api.history && r.member() {
		r.store.marks.Raise(tenant, readindex.Users, r.w.api.revision)
	}
}

// read is a client that reads at a replica. It checks that the revision at which it may
// read from memory covers all that was acknowledged before; otherwise it reads at the API
// server. done is told the revision, whether from memory, and why not.
func (r *replica) read(tenant readindex.Tenant, done func(revision uint64, err error)) {
	if r.leaving {
		done(0, nil)
		return
	}
	r.requests++
	newest := 0
	for of := range r.w.acknowledged {
		newest = max(newest, of.history)
	}
	least := r.w.acknowledged[acknowledged{history: newest, tenant: tenant}]
	arrived := r.w.timeline.Now()
	r.readIndex(tenant, func(revisions readindex.Revisions, err error) {
		if err != nil {
			r.w.fallbacks++
			r.readLive(tenant, err, done)
			return
		}
		r.w.reads++
		r.checkRead(arrived, newest, least, revisions[readindex.Users])
		if revisions[readindex.Users] > r.w.api.revision { // Memory does not get there.
			r.w.vain++
			r.readLive(tenant, nil, done)
			return
		}
		r.acknowledge(tenant, revisions[readindex.Users], r.store.era, func(revision uint64, _ bool) { done(revision, nil) })
	})
}

func (r *replica) checkRead(arrived time.Duration, newest int, least, revision uint64) {
	switch {
	case r.store.era < newest:
		r.w.violated("%v reads memory of history %d, and something of history %d was acknowledged before the read came at %v",
			r, r.store.era, newest, arrived)
	case r.store.era == newest && revision < least:
		r.w.violated("%v reads at revision %d, and %d was acknowledged before the read came at %v", r, revision, least, arrived)
	}
}

// readLive reads at the API server.
func (r *replica) readLive(tenant readindex.Tenant, why error, done func(uint64, error)) {
	type shown struct {
		revision uint64
		history  int
	}
	known, restarts := r.store.known(tenant), r.store.restarts
	call(r, func(a *apiServer) (shown, error) { return shown{a.revision, a.history}, nil }, func(is shown, err error) {
		if err != nil {
			r.requests--
			done(0, err)
			return
		}
		r.shown(known, restarts, is.revision)
		r.acknowledge(tenant, is.revision, is.history, func(revision uint64, _ bool) { done(revision, why) })
	})
}
