package index

import (
	"slices"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/store"
)

// Members are the members of groups in an index, and the slices that list them.
type Members struct{ index *Index }

// Members returns the members in the index.
func (x *Index) Members() Members { return Members{x} }

// ParentsOf returns the ids of the groups that list the id as a member.
func (m Members) ParentsOf(id uuid.UUID) []uuid.UUID {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	parents := slices.Clone(m.index.content.members.parents[id])
	slices.SortFunc(parents, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(parents)
}

// TypeOf returns store.MemberUser or store.MemberGroup for an id that SCIM knows.
func (m Members) TypeOf(id uuid.UUID) (memberType string, known bool) {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	if m.index.content.users.get(id) != nil {
		return store.MemberUser, true
	}
	return store.MemberGroup, m.index.content.groups.get(id) != nil
}

// SlicesOf returns the slices of a group, in order.
func (m Members) SlicesOf(group uuid.UUID) []*Slice {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	return slices.Clone(m.index.content.members.slices[group])
}

// HasSlices reports whether any slice is of the group.
func (m Members) HasSlices(group uuid.UUID) bool {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	return len(m.index.content.members.slices[group]) > 0
}

// Unmarked returns the ids of the groups that have slices, although they do not say so.
func (m Members) Unmarked() (ids []uuid.UUID) {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	c := &m.index.content
	for id, of := range c.members.slices {
		if e := c.groups.get(id); e != nil && len(of) > 0 && !e.Group.Sliced {
			ids = append(ids, id)
		}
	}
	return ids
}

// Strayed returns slices of groups that exist and that list members who are for others.
func (m Members) Strayed() (strayed []*Slice) {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	c := &m.index.content
	for id, of := range c.members.slices {
		e := c.groups.get(id)
		if e == nil {
			continue
		}
		for _, s := range of {
			if s.Strays || s.Place.Tag != e.Group.Tag && len(s.Members) > 0 {
				strayed = append(strayed, s)
			}
		}
	}
	return strayed
}

// Inline are members in the own object of a group that are to be in slices.
type Inline struct {
	Group uuid.UUID
	// Copied reports whether slices list them all, too.
	Copied bool
}

// Inline returns which groups have members in their own objects that are to be in slices: those
// with slices, and those with more than a few.
func (m Members) Inline(few int) (inline []Inline) {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	c := &m.index.content
	for e := range c.groups.all() {
		if size := len(e.Group.Members); size > few || size > 0 && e.Group.Sliced {
			inline = append(inline, Inline{Group: e.ID, Copied: c.members.lists(e.ID, e.Group.Members)})
		}
	}
	return inline
}

// Missing is an id that something refers to and that no user or group has.
type Missing struct {
	ID uuid.UUID
	// Deleted reports whether somebody has deleted it: what is kept of it is there.
	Deleted bool
}

// Missing returns the ids that a group which exists lists and that do not exist.
func (m Members) Missing() []Missing {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	c := &m.index.content
	var ids []Missing
	for id, groups := range c.members.parents {
		if c.exists(id) {
			continue
		}
		if slices.ContainsFunc(groups, func(group uuid.UUID) bool { return c.groups.get(group) != nil }) {
			ids = append(ids, Missing{ID: id, Deleted: c.kept.has(id)})
		}
	}
	return ids
}

// MissingGroups returns the ids of the groups that have slices and do not exist.
func (m Members) MissingGroups() []Missing {
	m.index.mu.RLock()
	defer m.index.mu.RUnlock()
	c := &m.index.content
	var ids []Missing
	for id := range c.members.slices {
		if c.groups.get(id) == nil {
			ids = append(ids, Missing{ID: id, Deleted: c.kept.has(id)})
		}
	}
	return ids
}
