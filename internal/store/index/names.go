package index

import (
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// Names are the names in an index, and who has them: users and groups that SCIM knows, and
// those that are kept and whose name nobody else may have yet.
type Names struct{ index *Index }

// Names returns the names in the index.
func (x *Index) Names() Names { return Names{x} }

// Named is a user or group under the name that it has.
type Named struct {
	ID       uuid.UUID
	Name     string
	Modified time.Time
}

// Each calls back for everything that has a name, while nothing changes.
func (n Names) Each(t *schema.ResourceType, yield func(Named)) {
	n.index.mu.RLock()
	defer n.index.mu.RUnlock()
	c := &n.index.content
	for e := range c.of(t).all() {
		yield(Named{ID: e.ID, Name: e.Name, Modified: e.Compact.Meta().LastModified})
	}
	c.kept.each(store.IsGroup(t), func(k Kept) {
		if !k.Released {
			yield(Named{ID: k.ID, Name: k.Name, Modified: k.Deleted})
		}
	})
}

// Of returns the name that the user or group with the id has.
func (n Names) Of(id uuid.UUID) (group bool, name string, has bool) {
	n.index.mu.RLock()
	defer n.index.mu.RUnlock()
	c := &n.index.content
	if e := c.users.get(id); e != nil {
		return false, e.Name, true
	}
	if e := c.groups.get(id); e != nil {
		return true, e.Name, true
	}
	kept, known := c.kept.byID[id]
	return kept.Group, kept.Name, known && !kept.Released
}

// Bearers returns the ids of the users or groups that have the name, and of those that
// are kept and have it still.
func (n Names) Bearers(t *schema.ResourceType, name string) (known, kept []uuid.UUID) {
	n.index.mu.RLock()
	defer n.index.mu.RUnlock()
	c := &n.index.content
	for _, e := range c.of(t).named(name) {
		known = append(known, e.ID)
	}
	return known, c.kept.bearers(store.IsGroup(t), name)
}
