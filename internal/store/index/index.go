// Package index keeps a tenant's users and groups in memory so that reads need
// no call to whatever stores them. It knows nothing of where they come from:
// somebody puts and removes them in the order in which they changed.
//
// What is kept of a resource is its compact form and the keys that it is found
// by; about as much memory as its JSON.
package index

import (
	"sync"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// Index is the users and groups of one tenant. It is safe for concurrent use.
// Make it with New. Names and Members ask it about these.
type Index struct {
	mu      sync.RWMutex
	content content
}

// New returns an empty index.
func New() *Index {
	return &Index{content: newContent()}
}

// Reset empties the index.
func (x *Index) Reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content = newContent()
}

// Counts say how many there are, and how many bytes they take where they are stored.
// Kept ones are those that stand for somebody; MarkerBytes are what the others take of the bytes.
type Counts struct {
	Users, ActiveUsers, Groups, Slices, Kept, Markers int
	Bytes, MarkerBytes                                int64
}

// Counts returns how many users, groups and slices of groups there are.
func (x *Index) Counts() Counts {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := &x.content
	return Counts{
		Users: c.users.count(), ActiveUsers: c.users.active, Groups: c.groups.count(), Slices: len(c.members.sliceOf),
		Kept: len(c.kept.byID) - c.kept.markers, Markers: c.kept.markers,
		Bytes: c.users.bytes + c.groups.bytes + c.members.bytes + c.kept.bytes, MarkerBytes: c.kept.markerBytes,
	}
}

// PutUser adds a user, or takes it in place of its former state.
func (x *Index) PutUser(e *Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content.note(UserObjects, e.Revision)
	x.content.users.put(e)
	x.content.kept.remove(e.ID)
}

// RemoveUser removes a user, kept or not.
func (x *Index) RemoveUser(id uuid.UUID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content.removeUser(id)
}

// PutGroup adds a group, or takes it in place of its former state.
func (x *Index) PutGroup(e *Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content.note(GroupObjects, e.Revision)
	x.content.removeGroup(e.ID)
	x.content.putGroup(e)
}

// RemoveGroup removes a group, kept or not.
func (x *Index) RemoveGroup(id uuid.UUID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content.removeGroup(id)
}

// PutKept adds a user or group that was deleted and is kept, in place of what it was.
func (x *Index) PutKept(k Kept) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content.note(kindOf(k.Group), k.Revision)
	if k.Group {
		x.content.removeGroup(k.ID)
	} else {
		x.content.removeUser(k.ID)
	}
	x.content.kept.put(k)
}

// PutSlice adds a slice of a group, or takes it in place of its former state.
func (x *Index) PutSlice(s *Slice) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content.note(SliceObjects, s.Revision)
	x.content.members.putSlice(s)
	x.content.refresh(s.Group)
}

// RemoveSlice removes a slice.
func (x *Index) RemoveSlice(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	group := x.content.members.sliceOf[name]
	x.content.members.removeSlice(name)
	x.content.refresh(group)
}

// EachUser calls back for the ids of all users, kept ones too, while nothing changes.
func (x *Index) EachUser(yield func(id uuid.UUID)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.content.each(false, yield)
}

// EachGroup is EachUser for groups.
func (x *Index) EachGroup(yield func(id uuid.UUID)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.content.each(true, yield)
}

// EachSlice calls back for the names of all slices, while nothing changes.
func (x *Index) EachSlice(yield func(name string)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for name := range x.content.members.sliceOf {
		yield(name)
	}
}

// Knows reports whether there is anything under the id, kept or not.
func (x *Index) Knows(id uuid.UUID) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.content.kept.has(id) || x.content.exists(id)
}

// KeptBefore returns what is kept and is over, as much as limit.
func (x *Index) KeptBefore(limit int, over func(Kept) bool) []Kept {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []Kept
	for _, kept := range x.content.kept.byID {
		if len(found) < limit && over(kept) {
			found = append(found, kept)
		}
	}
	return found
}

// Markers returns all markers, in any order.
func (x *Index) Markers() []Kept {
	x.mu.RLock()
	defer x.mu.RUnlock()
	markers := make([]Kept, 0, x.content.kept.markers)
	for _, kept := range x.content.kept.byID {
		if kept.Marker {
			markers = append(markers, kept)
		}
	}
	return markers
}

// Entry returns what is kept of the user or group with the id, nil for none.
func (x *Index) Entry(t *schema.ResourceType, id uuid.UUID) *Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.content.of(t).get(id)
}

// Get returns the resource with the id.
func (x *Index) Get(t *schema.ResourceType, id string, view store.View) (resource *scim.Resource, known bool) {
	key, err := uuid.Parse(id)
	if err != nil {
		return nil, false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.content.of(t).get(key)
	if e == nil || e.Compact.ID() != id {
		return nil, false
	}
	return x.content.resource(e, view), true
}

// MemberCount is how many members a group lists; none for what is no group.
func (x *Index) MemberCount(t *schema.ResourceType, id string) int {
	if !store.IsGroup(t) {
		return 0
	}
	key, err := uuid.Parse(id)
	if err != nil {
		return 0
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.content.members.count(x.content.groups.get(key))
}

// Complete sets the groups of a user to what they are now.
func (x *Index) Complete(user *scim.Resource) {
	id, err := uuid.Parse(user.ID())
	if err != nil {
		return
	}
	x.mu.RLock()
	references := x.content.groupsOf(id)
	x.mu.RUnlock()
	user.SetDerived(references)
}
