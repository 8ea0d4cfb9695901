package index

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Named is a user or group under the name that it has.
type Named struct {
	ID       uuid.UUID
	Name     string
	Modified time.Time
}

// EachName calls back for everything that has a name, those that are kept and whose
// name nobody else has taken included, while nothing changes.
func (x *Index) EachName(t *scim.ResourceType, yield func(Named)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for e := range x.collection(t).all() {
		yield(Named{ID: e.ID, Name: e.Name, Modified: e.Frozen.Meta().LastModified})
	}
	x.eachKept(store.IsGroup(t), func(k Kept) {
		if !k.Released {
			yield(Named{ID: k.ID, Name: k.Name, Modified: k.Deleted})
		}
	})
}

// NameOf returns the name that the user or group with the id has, in the
// sense of EachName.
func (x *Index) NameOf(id uuid.UUID) (group bool, name string, has bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if e := x.users.get(id); e != nil {
		return false, e.Name, true
	}
	if e := x.groups.get(id); e != nil {
		return true, e.Name, true
	}
	kept, known := x.kept[id]
	return kept.Group, kept.Name, known && !kept.Released
}

// Bearers returns the ids of the users or groups that have the name, and of those that
// are kept and have it still.
func (x *Index) Bearers(t *scim.ResourceType, name string) (known, kept []uuid.UUID) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.collection(t).named(name) {
		known = append(known, e.ID)
	}
	asked := Kept{Group: store.IsGroup(t), Name: name}
	for _, id := range x.keptByName[asked.key()] {
		if k := x.kept[id]; k.Group == asked.Group && scim.EqualFold(k.Name, scim.Fold(name)) {
			kept = append(kept, id)
		}
	}
	return known, kept
}

// Knows reports whether there is anything under the id, kept or not.
func (x *Index) Knows(id uuid.UUID) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, kept := x.kept[id]
	return kept || x.users.get(id) != nil || x.groups.get(id) != nil
}

// KeptBefore returns what is kept and is over, as much as limit.
func (x *Index) KeptBefore(limit int, over func(Kept) bool) []Kept {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []Kept
	for _, kept := range x.kept {
		if len(found) < limit && over(kept) {
			found = append(found, kept)
		}
	}
	return found
}

// Missing is an id that something refers to and that no user or group has.
type Missing struct {
	ID uuid.UUID
	// Deleted says that somebody has deleted it: what is kept of it is there.
	Deleted bool
}

// MissingMembers returns the ids that a group which exists lists and that do not exist.
func (x *Index) MissingMembers() []Missing {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []Missing
	for id, groups := range x.parents {
		if x.users.get(id) != nil || x.groups.get(id) != nil {
			continue
		}
		if slices.ContainsFunc(groups, func(group uuid.UUID) bool { return x.groups.get(group) != nil }) {
			_, deleted := x.kept[id]
			ids = append(ids, Missing{ID: id, Deleted: deleted})
		}
	}
	return ids
}

// MissingGroups returns the ids of the groups that have slices and do not exist.
func (x *Index) MissingGroups() []Missing {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []Missing
	for id := range x.slices {
		if x.groups.get(id) == nil {
			_, deleted := x.kept[id]
			ids = append(ids, Missing{ID: id, Deleted: deleted})
		}
	}
	return ids
}
