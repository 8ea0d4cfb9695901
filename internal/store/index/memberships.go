package index

import (
	"slices"

	"github.com/google/uuid"
)

// memberships are which groups list which members, in their own objects and in slices.
type memberships struct {
	// slices are the overflow members by their group, in order; sliceOf has the
	// group of each slice. They may be there before the group.
	slices  map[uuid.UUID][]*Slice
	sliceOf map[string]uuid.UUID
	// parents are the groups that list an id as a member: once for each place
	// that lists it, and whether the group is there or not.
	parents map[uuid.UUID][]uuid.UUID

	bytes int64 // that the slices take where they are stored
}

func newMemberships() memberships {
	return memberships{slices: map[uuid.UUID][]*Slice{}, sliceOf: map[string]uuid.UUID{}, parents: map[uuid.UUID][]uuid.UUID{}}
}

// putSlice adds a slice, or takes it in place of its former state.
func (m *memberships) putSlice(s *Slice) {
	m.removeSlice(s.Name)
	m.sliceOf[s.Name] = s.Group
	of := m.slices[s.Group]
	at, _ := slices.BinarySearchFunc(of, s, compareSlices)
	m.slices[s.Group] = slices.Insert(of, at, s)
	m.bytes += int64(s.Bytes)
	m.list(s.Group, s.Members)
}

func (m *memberships) removeSlice(name string) {
	group, known := m.sliceOf[name]
	if !known {
		return
	}
	of := m.slices[group]
	at := slices.IndexFunc(of, func(s *Slice) bool { return s.Name == name })
	m.unlist(group, of[at].Members)
	m.bytes -= int64(of[at].Bytes)
	m.slices[group] = slices.Delete(of, at, at+1)
	if len(m.slices[group]) == 0 {
		delete(m.slices, group)
	}
	delete(m.sliceOf, name)
}

// list notes that the group lists the members, unlist that one place less does.
func (m *memberships) list(group uuid.UUID, members []Member) {
	for _, one := range members {
		m.parents[one.ID] = append(m.parents[one.ID], group)
	}
}

func (m *memberships) unlist(group uuid.UUID, members []Member) {
	for _, one := range members {
		of := m.parents[one.ID]
		at := slices.Index(of, group)
		if at < 0 {
			continue
		}
		if len(of) == 1 {
			delete(m.parents, one.ID)
			continue
		}
		m.parents[one.ID] = slices.Delete(of, at, at+1)
	}
}

// lists reports whether slices of a group list all of the members, which its object lists too.
func (m *memberships) lists(group uuid.UUID, members []Member) bool {
	for _, one := range members {
		places := 0
		for _, parent := range m.parents[one.ID] {
			if parent == group {
				places++
			}
		}
		if places < 2 {
			return false
		}
	}
	return true
}

// count is how many members the entry of a group, or nil, lists; none for a user.
func (m *memberships) count(e *Entry) int {
	if e == nil || e.Group == nil {
		return 0
	}
	count := len(e.Group.Members)
	for _, s := range m.slices[e.ID] {
		count += len(s.Members)
	}
	return count
}
