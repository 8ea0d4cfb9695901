package readindex_test

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// lease is the Lease of a replica as it is stored.
type lease struct {
	name     string
	revision uint64
	holder   string
	contact  readindex.Contact
	renewal  int
	duration time.Duration
	// legacy is true for a release that does not look for introductions.
	legacy        bool
	introductions []string
	introduced    []string
	unreachable   []string
	// goes is up to which revision of the tenants the replica goes.
	goes int
}

// seen is what another replica reads in the Lease.
func (l lease) seen() readindex.Lease {
	return readindex.Lease{
		Name: l.name, Revision: l.revision, Contact: l.contact, Renewal: l.holder + " " + strconv.Itoa(l.renewal), Duration: l.duration,
		Introducible: !l.legacy, Introductions: slices.Clone(l.introductions), Introduced: slices.Clone(l.introduced),
	}
}

var (
	errAway     = errors.New("the API server is away")
	errNotFound = errors.New("not found")
	errConflict = errors.New("conflict")
)

// apiServer is the API server with its etcd.
type apiServer struct {
	w    *world
	away bool
	// slow is true if it often takes long.
	slow     bool
	revision uint64
	leases   map[string]lease
	renewals int
	// history counts how often it was restored.
	history int
	backup  *backup
}

type backup struct {
	revision uint64
	leases   map[string]lease
}

// write writes something and returns its revision.
func (a *apiServer) write() uint64 {
	a.revision++
	return a.revision
}

func (a *apiServer) get(name string) (lease, error) {
	found, is := a.leases[name]
	if !is {
		return lease{}, errNotFound
	}
	return found, nil
}

// put creates a Lease that has no revision, and updates one that has the last.
func (a *apiServer) put(wanted lease) (lease, error) {
	found, is := a.leases[wanted.name]
	switch {
	case wanted.revision == 0 && is:
		return lease{}, errConflict
	case wanted.revision != 0 && !is:
		return lease{}, errNotFound
	case found.revision != wanted.revision:
		return lease{}, errConflict
	}
	wanted.revision = a.write()
	a.leases[wanted.name] = wanted
	return wanted, nil
}

func (a *apiServer) remove(unwanted lease) error {
	found, is := a.leases[unwanted.name]
	switch {
	case !is:
		return nil
	case found.revision != unwanted.revision:
		return errConflict
	}
	a.write()
	delete(a.leases, unwanted.name)
	return nil
}

func (a *apiServer) list() []lease {
	var all []lease
	for _, name := range slices.Sorted(maps.Keys(a.leases)) {
		all = append(all, a.leases[name])
	}
	return all
}

func (a *apiServer) backUp() {
	a.backup = &backup{revision: a.revision, leases: maps.Clone(a.leases)}
}

// restore goes back to the backup. What was written since made the revisions so high that
// those which follow are never as high again.
func (a *apiServer) restore() {
	a.history++
	a.revision, a.leases = a.backup.revision, maps.Clone(a.backup.leases)
	a.backup = nil
}

// call asks the API server for a replica. done is called once, at the replica, with what
// was asked for, or with an error; what was asked may have been done all the same, also
// later.
func call[T any](r *replica, ask func(*apiServer) (T, error), done func(T, error)) {
	w, answered := r.w, false
	answer := func(value T, err error) {
		if !answered {
			answered = true
			done(value, err)
		}
	}
	var none T
	r.after(r.global(callTimeout), func() { answer(none, errTimeout) })
	there, back := w.delay(), w.delay()
	if w.chance(500) {
		there = w.between(0, 2*callTimeout)
	}
	if w.api.slow && w.chance(6) {
		there = w.between(0, callTimeout)
	}
	if w.api.slow && w.chance(6) {
		back = w.between(0, callTimeout)
	}
	w.after(there, func() {
		if w.api.away || r.refused {
			r.after(back, func() { answer(none, errAway) })
			return
		}
		value, err := ask(&w.api)
		if !w.chance(200) { // Otherwise the answer is lost.
			r.after(back, func() { answer(value, err) })
		}
	})
}
