package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
)

// Types of members (RFC 7643 section 4.2, members.type).
const (
	MemberUser  = "User"
	MemberGroup = "Group"
)

// Resolve returns the types of those ids that the tenant knows, as a map from
// the id to MemberUser or MemberGroup.
type Resolve func(ctx context.Context, ids []string) (map[string]string, error)

// SettleMembers makes the members of a group what a backend keeps of them: the
// id and the type. Members that current has already keep their type; the others
// are resolved, and one that is unknown is left out or refused by the policy. A
// group is not known to itself.
func SettleMembers(ctx context.Context, group, current *scim.Resource, policy Policy, resolve Resolve) error {
	types := map[string]string{}
	if current != nil {
		types = MemberTypes(current)
	}
	ids := group.Members().IDs()
	unknown := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return types[id] != "" || id == group.ID() })
	if len(unknown) > 0 {
		resolved, err := resolve(ctx, unknown)
		if err != nil {
			return fmt.Errorf("looking up %d members: %w", len(unknown), err)
		}
		for id, memberType := range resolved {
			types[id] = memberType
		}
	}
	members := scim.MakeMembers(len(ids))
	for _, id := range ids {
		switch memberType := types[id]; {
		case memberType != "":
			members.Add(Member(id, memberType))
		case policy.RejectUnknownMembers:
			return UnknownMember(id)
		}
	}
	NoteDropped(ctx, len(ids)-members.Len())
	group.SetMembers(members)
	return nil
}

// Member returns one value of a group's members attribute.
func Member(id, memberType string) scim.Reference { return scim.Reference{Value: id, Type: memberType} }

// KeepMembers leaves a group with those of its members that are to be kept.
func KeepMembers(group *scim.Resource, keep func(id, memberType string) bool) {
	group.SetMembers(group.Members().Only(func(m scim.Reference) bool { return keep(m.Value, m.Type) }))
}

// WithoutMember returns a copy of the group that does not list the id, and
// whether the group listed it.
func WithoutMember(group *scim.Resource, id string) (*scim.Resource, bool) {
	members := group.Members()
	rest := members.Only(func(m scim.Reference) bool { return m.Value != id })
	if rest.Len() == members.Len() {
		return group, false
	}
	next := group.Clone()
	next.SetMembers(rest)
	return next, true
}

// Apply returns what an Update with the options makes of the current state.
func (o UpdateOptions) Apply(change Change, current *scim.Resource) (*scim.Resource, error) {
	if o.Members == nil || !IsGroup(current.Type()) {
		return change(current)
	}
	next, err := change(WithoutMembers(current))
	if err != nil {
		return nil, err
	}
	return ApplyMembers(next, current, o.Members), nil
}

// ApplyMembers makes next, a group without members, have those of current with the
// changes made one after the other.
func ApplyMembers(next, current *scim.Resource, changes []scim.MemberChange) *scim.Resource {
	result := next.Clone()
	result.SetMembers(current.Members().After(changes))
	return result
}

// WithoutMembers returns a copy of a group that lists none.
func WithoutMembers(group *scim.Resource) *scim.Resource {
	without := group.Clone()
	without.SetMembers(scim.Members{})
	return without
}

// MemberTypes returns the type of each member of a group by its id.
func MemberTypes(group *scim.Resource) map[string]string {
	members := group.Members()
	types := make(map[string]string, members.Len())
	for member := range members.All() {
		types[member.Value] = member.Type
	}
	return types
}
