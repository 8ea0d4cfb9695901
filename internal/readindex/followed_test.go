package readindex_test

import (
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// tenants are what replicas go by besides each other, as the API server has it, and what the
// operator knows of who goes by it. While it has an older revision, a replica would answer
// clients whom another server answers by then.
type tenants struct {
	revision int
	// acknowledged is up to where all replicas go, as far as the operator can see.
	acknowledged int
	observed     map[string]*readindex.Observation
}

// follow reads what there is to go by, in the epoch that has begun.
func (r *replica) follow() {
	epoch := r.view.Epoch
	call(r, func(a *apiServer) (int, error) { return a.w.tenants.revision, nil }, func(revision int, err error) {
		switch {
		case epoch != r.view.Epoch:
		case err != nil:
			r.after(r.w.delay(), r.follow)
		default:
			r.goes, r.goesSince = max(r.goes, revision), epoch
			r.step(readindex.Followed{Epoch: epoch})
		}
	})
}

// watchTenants lets changes come to a replica, sometimes late.
func (s *story) watchTenants(r *replica) {
	s.after(s.between(0, time.Second), func() {
		revision, late := s.tenants.revision, s.delay()
		if s.chance(5) {
			late = s.between(0, 20*time.Second)
		}
		r.after(late, func() { r.goes = max(r.goes, revision) })
		s.watchTenants(r)
	})
}

// operate is the operator, which changes what replicas go by once all of them have acknowledged
// what it was before.
func (s *story) operate() {
	s.after(s.between(0, time.Second), func() {
		t := &s.tenants
		all := true
		for name, lease := range s.api.leases {
			if t.observed[name] == nil {
				t.observed[name] = &readindex.Observation{}
			}
			seen := lease.seen()
			ranOut := t.observed[name].RanOut(&seen, readindex.Look{Began: s.timeline.Now(), Ended: s.timeline.Now()})
			all = all && (ranOut || lease.goes >= t.revision)
		}
		if all && s.api.history == 0 {
			t.acknowledged = t.revision
			t.revision++
		}
		s.operate()
	})
}
