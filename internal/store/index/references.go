package index

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// resource makes the resource of an entry, with what the view wants of its derived
// attribute.
func (c *content) resource(e *Entry, view store.View) *scim.Resource {
	return e.compact().Expand(c.references(e, view))
}

// references are the values of an entry's derived attribute that the view wants.
func (c *content) references(e *Entry, view store.View) []scim.Reference {
	switch group := store.IsGroup(e.Compact.Type()); {
	case group && !view.WithoutMembers:
		return c.membersOf(e)
	case !group && !view.WithoutGroups:
		return c.groupsOf(e.ID)
	}
	return nil
}

// membersOf are a group's members: those in its object and then those in its
// slices, each once, and only those that exist. A member that was deleted, but
// could not be taken out of the group yet, is none.
func (c *content) membersOf(e *Entry) []scim.Reference {
	of := c.members.slices[e.ID]
	size := len(e.Group.Members)
	for _, s := range of {
		size += len(s.Members)
	}
	if size == 0 {
		return nil
	}
	references := make([]scim.Reference, 0, size)
	var seen map[uuid.UUID]struct{}
	if len(of) > 0 { // Within one object nothing is listed twice.
		seen = make(map[uuid.UUID]struct{}, size)
	}
	add := func(members []Member) {
		for _, m := range members {
			if seen != nil {
				if _, again := seen[m.ID]; again {
					continue
				}
				seen[m.ID] = struct{}{}
			}
			memberType, from := store.MemberUser, &c.users
			if m.Group {
				memberType, from = store.MemberGroup, &c.groups
			}
			if member := from.get(m.ID); member != nil {
				references = append(references, scim.Reference{Value: member.Compact.ID(), Type: memberType})
			}
		}
	}
	add(e.Group.Members)
	for _, s := range of {
		add(s.Members)
	}
	return references
}

// groupsOf are the groups of a user (RFC 7643 section 4.1.2): those that list it
// as direct, those that hold these as indirect, each once.
func (c *content) groupsOf(user uuid.UUID) []scim.Reference {
	level := c.members.parents[user]
	if len(level) == 0 {
		return nil
	}
	var references []scim.Reference
	seen := map[uuid.UUID]bool{}
	// seen bounds the walk: groups may hold each other in a circle.
	for typeValue := "direct"; len(level) > 0; typeValue = "indirect" {
		var above []uuid.UUID
		start := len(references)
		for _, id := range level {
			group := c.groups.get(id)
			if group == nil || seen[id] {
				continue
			}
			seen[id] = true
			references = append(references, scim.Reference{Value: group.Compact.ID(), Type: typeValue, Display: group.Name})
			above = append(above, c.members.parents[id]...)
		}
		slices.SortFunc(references[start:], func(a, b scim.Reference) int { return strings.Compare(a.Value, b.Value) })
		level = above
	}
	return references
}
