package index

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/store"
)

// departures are when users became inactive, or were deleted, who are so still: in microseconds
// since 1970, and no longer ago than a guard looks back.
type departures struct {
	times    []int64
	unsorted bool
}

// displaced is how many may be moved for one that does not come last, as between clocks of several
// pods. More are put in order together.
const displaced = 1024

// add adds a user who went at that time, if that is lately.
func (d *departures) add(at int64, now time.Time) {
	oldest := now.Add(-guard.LongestWindow).UnixMicro()
	if at < oldest {
		return
	}
	if len(d.times) == cap(d.times) {
		d.times = slices.DeleteFunc(d.times, func(one int64) bool { return one < oldest })
	}
	place := len(d.times)
	if !d.unsorted && place > 0 && d.times[place-1] > at {
		place, _ = slices.BinarySearch(d.times, at)
	}
	if len(d.times)-place > displaced {
		place, d.unsorted = len(d.times), true
	}
	d.times = slices.Insert(d.times, place, at)
}

// remove takes a user out who went at that time, and is back or gone for good.
func (d *departures) remove(at int64) {
	d.sort()
	if place, found := slices.BinarySearch(d.times, at); found {
		d.times = slices.Delete(d.times, place, place+1)
	}
}

// since is how many went after that time.
func (d *departures) since(after time.Time) int {
	d.sort()
	place, _ := slices.BinarySearch(d.times, after.UnixMicro()+1)
	return len(d.times) - place
}

func (d *departures) sort() {
	if d.unsorted {
		slices.Sort(d.times)
		d.unsorted = false
	}
}

// Departures returns how many users went after that time and how many are active, and which of the given ones are.
func (x *Index) Departures(after time.Time, among []uuid.UUID) (so store.Departures, active []uuid.UUID) {
	x.mu.Lock() // They may be put in order.
	defer x.mu.Unlock()
	c := &x.content
	for _, id := range among {
		if e := c.users.get(id); e != nil && e.Active {
			active = append(active, id)
		}
	}
	return store.Departures{Left: c.users.left.since(after) + c.kept.left.since(after), Active: c.users.active}, active
}

// ActiveUsers returns how many active users there are among the ids, and in groups among these, each
// counted once. It looks no further once there are more than enough.
func (m Members) ActiveUsers(among []uuid.UUID, enough int) (count int) {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	c := &m.index.content
	var (
		seen   = make(map[uuid.UUID]struct{}, min(len(among), enough+1))
		groups []*Entry
	)
	// look reports whether to go on. seen bounds the walk: groups may hold each other in a circle.
	look := func(id uuid.UUID) bool {
		if _, again := seen[id]; again {
			return true
		}
		seen[id] = struct{}{}
		if user := c.users.get(id); user != nil && user.Active {
			count++
		}
		if group := c.groups.get(id); group != nil {
			groups = append(groups, group)
		}
		return count <= enough
	}
	lookAt := func(members []Member) bool {
		return !slices.ContainsFunc(members, func(member Member) bool { return !look(member.ID) })
	}
	for _, id := range among {
		if !look(id) {
			return count
		}
	}
	for len(groups) > 0 {
		group := groups[len(groups)-1]
		groups = groups[:len(groups)-1]
		if !lookAt(group.Group.Members) {
			return count
		}
		for _, slice := range c.members.slices[group.ID] {
			if !lookAt(slice.Members) {
				return count
			}
		}
	}
	return count
}
