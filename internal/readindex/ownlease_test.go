package readindex_test

import (
	"errors"
	"strings"

	"github.com/kubescim/kubescim/internal/readindex"
)

// ownLease is what a process knows of its own Lease, as the driver's.
type ownLease struct {
	current   *lease
	highest   uint64
	rewound   bool
	history   uint64
	earlier   readindex.Observation
	writing   bool
	again     bool
	scheduled int
}

var errReplaced = errors.New("replaced")

// renew writes the own Lease, and does so again in time.
func (r *replica) renew() {
	if r.leaving {
		return
	}
	if r.own.writing {
		r.own.again = true
		return
	}
	r.own.writing = true
	began, known := r.local(), r.view.History
	r.writeLease(func(fresh bool, err error) {
		own := &r.own
		if own.rewound && known == own.history {
			r.step(readindex.Rewound{})
		}
		own.rewound, own.history = false, r.view.History
		if fresh || errors.Is(err, errReplaced) {
			r.step(readindex.LeaseLost{})
		}
		if err == nil {
			r.step(readindex.LeaseWritten{Began: began, Unbroken: !fresh})
		}
		own.writing = false
		if errors.Is(err, errReplaced) {
			r.crash()
			if r.w.ended != nil {
				r.w.ended(r)
			}
			return
		}
		pause := leaseDuration / 3
		switch {
		case own.again:
			own.again, pause = false, 0
		case err != nil:
			pause = leaseDuration / 15
		}
		own.scheduled++
		mine := own.scheduled
		r.after(r.global(pause), func() {
			if own.scheduled == mine {
				r.renew()
			}
		})
	})
}

// writeLease writes it once. fresh is true when it was not held without a break.
func (r *replica) writeLease(done func(fresh bool, err error)) {
	if r.own.current == nil {
		r.takeLease(func(err error) { done(true, err) })
		return
	}
	r.putLease(*r.own.current, func(err error) {
		switch {
		case errors.Is(err, errConflict):
			r.rereadLease(func(err error) {
				if errors.Is(err, errNotFound) {
					r.own.current = nil
					r.takeLease(func(err error) { done(true, err) })
					return
				}
				if err != nil {
					done(false, err)
					return
				}
				r.readIntroductions(r.own.current.introductions, func() {
					r.putLease(*r.own.current, func(err error) { done(false, err) })
				})
			})
		case errors.Is(err, errNotFound):
			r.own.current = nil
			r.takeLease(func(err error) { done(true, err) })
		default:
			done(false, err)
		}
	})
}

func (r *replica) rereadLease(done func(error)) {
	call(r, func(a *apiServer) (lease, error) { return a.get(r.name) }, func(found lease, err error) {
		switch {
		case err != nil:
		case found.contact != r.contact():
			err = errReplaced
		default:
			r.sawLease(found)
			r.own.current = &found
		}
		done(err)
	})
}

func (r *replica) sawLease(l lease) {
	if r.own.highest == 0 { // Memory is filled now.
		r.store.era = r.w.api.history
	}
	r.own.rewound = r.own.rewound || l.revision < r.own.highest
	r.own.highest = l.revision
}

// takeLease makes the Lease, or takes it over from an earlier process of the pod.
func (r *replica) takeLease(done func(error)) {
	look := readindex.Look{Began: r.local()}
	call(r, func(a *apiServer) (lease, error) { return a.get(r.name) }, func(found lease, err error) {
		look.Ended = r.local()
		seen := found.seen()
		switch {
		case errors.Is(err, errNotFound):
			r.putLease(lease{name: r.name}, done)
		case err != nil:
			done(err)
		case found.holder != r.uid && !r.own.earlier.RanOut(&seen, look):
			done(errors.New("waiting until the Lease of an earlier pod of the same name has run out"))
		default:
			r.putLease(found, done)
		}
	})
}

func (r *replica) putLease(l lease, done func(error)) {
	l.holder, l.contact, l.duration, l.legacy = r.uid, r.contact(), leaseDuration, r.protocol == 1
	l.introductions = nil
	l.introduced, l.unreachable = r.core.Statement()
	l.goes = 0
	if r.goesSince == r.view.Epoch {
		l.goes = r.goes
	}
	call(r, func(a *apiServer) (lease, error) {
		a.renewals++
		l.renewal = a.renewals
		return a.put(l)
	}, func(written lease, err error) {
		if err == nil {
			r.sawLease(written)
			r.own.current = &written
		}
		done(err)
	})
}

func (r *replica) readIntroductions(introductions []string, done func()) {
	if len(introductions) == 0 {
		done()
		return
	}
	name, token, _ := strings.Cut(introductions[0], "/")
	call(r, func(a *apiServer) (lease, error) { return a.get(name) }, func(found lease, err error) {
		if err == nil && name != r.name {
			r.step(readindex.Introduced{Token: token, Lease: found.seen()})
		}
		r.readIntroductions(introductions[1:], done)
	})
}

// deleteLease gives the own Lease up.
func (r *replica) deleteLease(done func()) {
	remove := func(then func(error)) {
		unwanted := *r.own.current
		call(r, func(a *apiServer) (bool, error) { return true, a.remove(unwanted) }, func(_ bool, err error) { then(err) })
	}
	if r.own.current == nil {
		done()
		return
	}
	remove(func(err error) {
		if !errors.Is(err, errConflict) {
			done()
			return
		}
		r.rereadLease(func(err error) {
			if err != nil {
				done()
				return
			}
			remove(func(error) { done() })
		})
	})
}
