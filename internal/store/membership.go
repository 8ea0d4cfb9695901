package store

import (
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
)

// Membership derives the groups of users from the members of groups (RFC 7643
// section 4.1.2). It is made of all groups of a tenant at one moment.
type Membership struct {
	display map[string]string
	parents map[string][]string // id of a user or group to the ids of the groups that list it
}

// NewMembership returns the membership in the groups.
func NewMembership(groups []*scim.Resource) *Membership {
	m := &Membership{display: make(map[string]string, len(groups)), parents: map[string][]string{}}
	for _, group := range groups {
		m.display[group.ID()] = group.DisplayName()
		for _, member := range group.Members().IDs() {
			m.parents[member] = append(m.parents[member], group.ID())
		}
	}
	return m
}

// GroupsOf returns the value of a user's groups attribute: the groups that list
// the user as direct, the groups that hold those as indirect, each once.
func (m *Membership) GroupsOf(userID string) []scim.Reference {
	direct := slices.Clone(m.parents[userID])
	seen := map[string]bool{}
	var groups []scim.Reference
	add := func(ids []string, kind string) (added []string) {
		slices.Sort(ids)
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			added = append(added, id)
			groups = append(groups, scim.Reference{Value: id, Display: m.display[id], Type: kind})
		}
		return added
	}
	// seen bounds the walk: groups may hold each other in a circle.
	for level := add(direct, "direct"); len(level) > 0; {
		var above []string
		for _, id := range level {
			above = append(above, m.parents[id]...)
		}
		level = add(above, "indirect")
	}
	return groups
}

// Complete sets the groups of a user to what the membership says.
func (m *Membership) Complete(user *scim.Resource) {
	user.SetDerived(m.GroupsOf(user.ID()))
}
