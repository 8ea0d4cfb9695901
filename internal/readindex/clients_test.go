package readindex_test

import (
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// write is a client that writes at a replica. done is told the revision, if the write was
// acknowledged.
func (r *replica) write(done func(uint64, bool)) {
	if !r.member() || r.leaving {
		done(0, false)
		return
	}
	r.requests++
	type written struct {
		revision uint64
		history  int
	}
	known, era := r.store.acknowledged, r.store.restarts
	call(r, func(a *apiServer) (written, error) { return written{a.write(), a.history}, nil }, func(is written, err error) {
		if err != nil {
			r.requests--
			done(0, false)
			return
		}
		r.shown(known, era, is.revision)
		r.acknowledge(is.revision, is.history, done)
	})
}

// shown notes a revision that the API server has shown, which cannot be lower than what
// was known before.
func (r *replica) shown(known uint64, restarts int, revision uint64) {
	if revision < known && restarts == r.store.restarts {
		r.step(readindex.Rewound{})
	}
}

// acknowledge makes the own Revisions cover what a client is told, and tells it, if the
// replica is a member after that.
func (r *replica) acknowledge(revision uint64, history int, done func(uint64, bool)) {
	r.store.acknowledged = max(r.store.acknowledged, revision)
	r.after(r.w.delay()/4, func() {
		r.requests--
		if !r.member() {
			done(revision, false)
			return
		}
		if history == r.store.era {
			r.w.acknowledged[history] = max(r.w.acknowledged[history], revision)
		}
		done(revision, true)
	})
}

// read is a client that reads at a replica. It checks that the revision at which it may
// read from memory covers all that was acknowledged before; otherwise it reads at the API
// server. done is told the revision, whether from memory, and why not.
func (r *replica) read(done func(revision uint64, err error)) {
	if r.leaving {
		done(0, nil)
		return
	}
	r.requests++
	newest := 0
	for history := range r.w.acknowledged {
		newest = max(newest, history)
	}
	least := r.w.acknowledged[newest]
	arrived := r.w.now
	r.readIndex(func(revisions readindex.Revisions, err error) {
		if err != nil {
			r.w.fallbacks++
			r.readLive(err, done)
			return
		}
		r.w.reads++
		r.checkRead(arrived, newest, least, revisions[readindex.Users])
		if revisions[readindex.Users] > r.w.api.revision { // Memory does not get there.
			r.readLive(nil, done)
			return
		}
		r.acknowledge(revisions[readindex.Users], r.store.era, func(revision uint64, _ bool) { done(revision, nil) })
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
func (r *replica) readLive(why error, done func(uint64, error)) {
	type shown struct {
		revision uint64
		history  int
	}
	known, restarts := r.store.acknowledged, r.store.restarts
	call(r, func(a *apiServer) (shown, error) { return shown{a.revision, a.history}, nil }, func(is shown, err error) {
		if err != nil {
			r.requests--
			done(0, err)
			return
		}
		r.shown(known, restarts, is.revision)
		r.acknowledge(is.revision, is.history, func(revision uint64, _ bool) { done(revision, why) })
	})
}
