package memory

import (
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// admitDeparture refuses a write that makes next of a resource, nil when it deletes it, for which the guard of the
// tenant is shut.
func (s *Store) admitDeparture(policy store.Policy, next, current *scim.Resource) error {
	now := time.Now()
	if policy.Guard.Open(now) {
		return nil
	}
	so := store.Departures{Active: s.counts().Active}
	if store.IsGroup(current.Type()) {
		return policy.AdmitRemoval(s.activeAmong(leftOut(next, current)), so.Active, now)
	}
	if !store.Departs(next, current) {
		return nil
	}
	for _, at := range s.left {
		if at.After(policy.Guard.Since(now)) {
			so.Left++
		}
	}
	return policy.AdmitDeparture(so, now)
}

// leftOut are the ids of the members of a group of which next has no more.
func leftOut(next, current *scim.Resource) (ids []string) {
	var stay map[string]string
	if next != nil {
		stay = store.MemberTypes(next)
	}
	for _, id := range current.Members().IDs() {
		if stay[id] == "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// activeAmong is how many active users there are among the ids, and in groups among these, each counted once.
func (s *Store) activeAmong(ids []string) (count int) {
	seen := map[string]bool{}
	for len(ids) > 0 {
		id := ids[len(ids)-1]
		ids = ids[:len(ids)-1]
		found := s.records[id]
		if found == nil || found.deleted || seen[id] {
			continue
		}
		seen[id] = true
		if store.TakesSeat(found.resource) {
			count++
		}
		ids = append(ids, found.resource.Members().IDs()...)
	}
	return count
}
