// Package index keeps a tenant's users and groups in memory so that reads need
// no call to whatever stores them. It knows nothing of where they come from:
// somebody puts and removes them in the order in which they changed.
//
// What is kept of a resource is its frozen form and the keys that it is found
// by; about as much memory as its JSON.
package index

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Index is the users and groups of one tenant. It is safe for concurrent use.
// Make it with New.
type Index struct {
	mu     sync.RWMutex
	users  collection
	groups collection
	kept   map[uuid.UUID]Kept
	// keptByName finds those kept who have a name still by the hash of it.
	keptByName map[uint32][]uuid.UUID

	// slices are the overflow members by their group, in order; sliceOf says
	// which group a slice is of. They may be there before the group.
	slices  map[uuid.UUID][]*Slice
	sliceOf map[string]uuid.UUID
	// parents are the groups that list an id as a member: once for each place
	// that lists it, and whether the group is there or not.
	parents map[uuid.UUID][]uuid.UUID

	active  int   // users that are
	markers int   // of those kept
	bytes   int64 // that all of it takes where it is stored
}

// New returns an empty index.
func New() *Index {
	x := &Index{}
	x.reset()
	return x
}

func (x *Index) reset() {
	x.users, x.groups = newCollection(), newCollection()
	x.kept, x.keptByName = map[uuid.UUID]Kept{}, map[uint32][]uuid.UUID{}
	x.slices, x.sliceOf = map[uuid.UUID][]*Slice{}, map[string]uuid.UUID{}
	x.parents = map[uuid.UUID][]uuid.UUID{}
	x.active, x.markers, x.bytes = 0, 0, 0
}

// Reset empties the index.
func (x *Index) Reset() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reset()
}

// Entry is one user or group. It does not change once it is in the index.
type Entry struct {
	ID     uuid.UUID
	Frozen scim.Frozen
	// Revision is the resourceVersion of the object that it was read from.
	Revision uint64
	// Name is the userName or displayName. It, the client's own id and the addresses
	// are best parts of the text of Frozen.
	Name string
	// ExternalID is the client's own id, empty when there is none.
	ExternalID string
	// Emails are the addresses of a user.
	Emails []string
	// Group is what there is of a group besides; nil for a user.
	Group *Group
	// Active is whether a user is.
	Active bool
	// Bytes is about how much the object takes where it is stored, without slices.
	Bytes int32
}

// Group is what an Entry of a group has and one of a user has not.
type Group struct {
	// Generation is that of the group's object.
	Generation int64
	// Sliced is whether it says that it has, or has had, slices.
	Sliced bool
	// Members are those in the object itself.
	Members []Member

	whole *scim.Frozen // with slices: with the meta of all of it
}

// Member is a member of a group by its id.
type Member struct {
	ID    uuid.UUID
	Group bool // a group, else a user
}

// Slice holds members of a group that its own object has no room for.
type Slice struct {
	Name       string
	Group      uuid.UUID
	Revision   uint64
	Generation int64
	Created    time.Time
	Modified   time.Time
	Members    []Member
	Bytes      int32 // about how much it takes where it is stored
}

// Kept is a user or group that SCIM does not know any more, and whose object is
// still there.
type Kept struct {
	ID      uuid.UUID
	Group   bool
	Name    string
	Deleted time.Time
	// Released says that somebody else may have the name by now.
	Released bool
	Bytes    int32 // about how much it takes where it is stored
	// Marker says that it stands for nobody.
	Marker bool
}

// Counts say how many there are, and how many bytes they take where they are stored.
// Kept ones are those that stand for somebody.
type Counts struct {
	Users, ActiveUsers, Groups, Slices, Kept, Markers int
	Bytes                                             int64
}

// Counts returns how many users, groups and slices of groups there are.
func (x *Index) Counts() Counts {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Counts{
		Users: x.users.count(), ActiveUsers: x.active, Groups: x.groups.count(), Slices: len(x.sliceOf),
		Kept: len(x.kept) - x.markers, Markers: x.markers, Bytes: x.bytes,
	}
}

// PutUser adds a user, or takes it in place of its former state.
func (x *Index) PutUser(e *Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(x.users.put(e))
	x.bytes += int64(e.Bytes)
	if e.Active {
		x.active++
	}
	x.removeKept(e.ID)
}

// forget takes what was an entry, if there was one, out of the counts.
func (x *Index) forget(former *Entry) {
	if former == nil {
		return
	}
	x.bytes -= int64(former.Bytes)
	if former.Active {
		x.active--
	}
}

func (x *Index) removeKept(id uuid.UUID) {
	former, known := x.kept[id]
	if !known {
		return
	}
	x.bytes -= int64(former.Bytes)
	if former.Marker {
		x.markers--
	}
	delete(x.kept, id)
	name := former.key()
	x.keptByName[name] = slices.DeleteFunc(x.keptByName[name], func(one uuid.UUID) bool { return one == id })
	if len(x.keptByName[name]) == 0 {
		delete(x.keptByName, name)
	}
}

// key is the hash by which what is kept is found by its name.
func (k Kept) key() uint32 { return hashOf([]byte(scim.Fold(k.Name))) }

// PutKept adds a user or group that was deleted and is kept, in place of what it was.
func (x *Index) PutKept(k Kept) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if k.Group {
		x.removeGroup(k.ID)
	} else {
		x.removeUser(k.ID)
	}
	x.kept[k.ID] = k
	if !k.Released {
		x.keptByName[k.key()] = append(x.keptByName[k.key()], k.ID)
	}
	x.bytes += int64(k.Bytes)
	if k.Marker {
		x.markers++
	}
}

// RemoveUser removes a user, kept or not.
func (x *Index) RemoveUser(id uuid.UUID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeUser(id)
}

func (x *Index) removeUser(id uuid.UUID) {
	x.forget(x.users.remove(id))
	x.removeKept(id)
}

// PutGroup adds a group, or takes it in place of its former state.
func (x *Index) PutGroup(e *Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeGroup(e.ID)
	x.complete(e)
	x.groups.put(e)
	x.bytes += int64(e.Bytes)
	x.list(e.ID, e.Group.Members)
}

// RemoveGroup removes a group, kept or not.
func (x *Index) RemoveGroup(id uuid.UUID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeGroup(id)
}

func (x *Index) removeGroup(id uuid.UUID) {
	if former := x.groups.remove(id); former != nil {
		x.unlist(id, former.Group.Members)
		x.forget(former)
	}
	x.removeKept(id)
}

// PutSlice adds a slice of a group, or takes it in place of its former state.
func (x *Index) PutSlice(s *Slice) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeSlice(s.Name)
	x.sliceOf[s.Name] = s.Group
	of := append(slices.Clone(x.slices[s.Group]), s)
	SortSlices(of)
	x.slices[s.Group] = of
	x.bytes += int64(s.Bytes)
	x.list(s.Group, s.Members)
	x.refresh(s.Group)
}

// SortSlices brings slices into the order of their members: that of creation.
func SortSlices(of []*Slice) {
	slices.SortFunc(of, func(a, b *Slice) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
}

// RemoveSlice removes a slice.
func (x *Index) RemoveSlice(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	group := x.sliceOf[name]
	x.removeSlice(name)
	x.refresh(group)
}

func (x *Index) removeSlice(name string) {
	group, known := x.sliceOf[name]
	if !known {
		return
	}
	of := x.slices[group]
	at := slices.IndexFunc(of, func(s *Slice) bool { return s.Name == name })
	x.unlist(group, of[at].Members)
	x.bytes -= int64(of[at].Bytes)
	x.slices[group] = slices.Delete(slices.Clone(of), at, at+1)
	if len(x.slices[group]) == 0 {
		delete(x.slices, group)
	}
	delete(x.sliceOf, name)
}

// list notes that the group lists the members, unlist that one place less does.
func (x *Index) list(group uuid.UUID, members []Member) {
	for _, m := range members {
		x.parents[m.ID] = append(x.parents[m.ID], group)
	}
}

func (x *Index) unlist(group uuid.UUID, members []Member) {
	for _, m := range members {
		of := x.parents[m.ID]
		at := slices.Index(of, group)
		if at < 0 {
			continue
		}
		if len(of) == 1 {
			delete(x.parents, m.ID)
			continue
		}
		x.parents[m.ID] = slices.Delete(of, at, at+1)
	}
}

// EachUser calls back for the ids of all users, kept ones too, while nothing changes.
func (x *Index) EachUser(yield func(id uuid.UUID)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for e := range x.users.all() {
		yield(e.ID)
	}
	x.eachKept(false, func(k Kept) { yield(k.ID) })
}

// EachGroup is EachUser for groups.
func (x *Index) EachGroup(yield func(id uuid.UUID)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for e := range x.groups.all() {
		yield(e.ID)
	}
	x.eachKept(true, func(k Kept) { yield(k.ID) })
}

func (x *Index) eachKept(groups bool, yield func(Kept)) {
	for _, kept := range x.kept {
		if kept.Group == groups {
			yield(kept)
		}
	}
}

// EachSlice calls back for the names of all slices, while nothing changes.
func (x *Index) EachSlice(yield func(name string)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for name := range x.sliceOf {
		yield(name)
	}
}

// collection is the collection of a resource type.
func (x *Index) collection(t *scim.ResourceType) *collection {
	if store.IsGroup(t) {
		return &x.groups
	}
	return &x.users
}
