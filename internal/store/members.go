package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// Kinds of members (RFC 7643 section 4.2, members.type).
const (
	MemberUser  = "User"
	MemberGroup = "Group"
)

// Resolve returns the kinds of those ids that the tenant knows, as a map from
// the id to MemberUser or MemberGroup.
type Resolve func(ctx context.Context, ids []string) (map[string]string, error)

// SettleMembers makes the members of a group what a backend keeps of them: the
// id and the kind. Members that current has already keep their kind; the others
// are resolved, and one that is unknown is left out or refused by the policy. A
// group is not known to itself.
func SettleMembers(ctx context.Context, group, current *scim.Resource, policy Policy, resolve Resolve) error {
	kinds := map[string]string{}
	if current != nil {
		kinds = MemberKinds(current)
	}
	ids := group.MemberIDs()
	unknown := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return kinds[id] != "" || id == group.ID() })
	if len(unknown) > 0 {
		resolved, err := resolve(ctx, unknown)
		if err != nil {
			return fmt.Errorf("looking up %d members: %w", len(unknown), err)
		}
		for id, kind := range resolved {
			kinds[id] = kind
		}
	}
	members := make([]any, 0, len(ids))
	for _, id := range ids {
		switch kind := kinds[id]; {
		case kind != "":
			members = append(members, Member(id, kind))
		case policy.RejectUnknownMembers:
			return UnknownMember(id)
		}
	}
	NoteDropped(ctx, len(ids)-len(members))
	SetMembers(group, members)
	return nil
}

// Member returns one value of a group's members attribute.
func Member(id, kind string) scim.Complex {
	return scim.Complex{"value": id, "type": kind}
}

// SetMembers sets a group's members attribute; none unassigns it.
func SetMembers(group *scim.Resource, members []any) {
	if len(members) == 0 {
		delete(group.Attributes(), "members")
		return
	}
	group.Attributes()["members"] = members
}

// KeepMembers leaves a group with those of its members that are to be kept.
func KeepMembers(group *scim.Resource, keep func(id, kind string) bool) {
	members, _ := group.Attributes()["members"].([]any)
	SetMembers(group, slices.DeleteFunc(slices.Clone(members), func(member any) bool {
		complex, _ := member.(scim.Complex)
		id, _ := complex["value"].(string)
		kind, _ := complex["type"].(string)
		return !keep(id, kind)
	}))
}

// WithoutMember returns a copy of the group that does not list the id, and
// whether the group listed it.
func WithoutMember(group *scim.Resource, id string) (*scim.Resource, bool) {
	members, _ := group.Attributes()["members"].([]any)
	rest := slices.DeleteFunc(slices.Clone(members), func(member any) bool {
		complex, _ := member.(scim.Complex)
		return complex["value"] == id
	})
	if len(rest) == len(members) {
		return group, false
	}
	next := group.Clone()
	SetMembers(next, rest)
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
	members, _ := current.Attributes()["members"].([]any)
	members = slices.Clone(members)
	at := make(map[string]int, len(members))
	for i, member := range members {
		complex, _ := member.(scim.Complex)
		id, _ := complex["value"].(string)
		at[fold.Key(id)] = i
	}
	for _, change := range changes {
		id := fold.Key(change.ID)
		i, listed := at[id]
		switch {
		case change.Add && !listed:
			at[id] = len(members)
			members = append(members, scim.Complex{"value": change.ID})
		case !change.Add && listed:
			members[i] = nil
			delete(at, id)
		}
	}
	result := next.Clone()
	SetMembers(result, slices.DeleteFunc(members, func(member any) bool { return member == nil }))
	return result
}

// WithoutMembers returns a copy of a group that lists none.
func WithoutMembers(group *scim.Resource) *scim.Resource {
	without := group.Clone()
	SetMembers(without, nil)
	return without
}

// MemberKinds returns the kind of each member of a group by its id.
func MemberKinds(group *scim.Resource) map[string]string {
	members, _ := group.Attributes()["members"].([]any)
	kinds := make(map[string]string, len(members))
	for _, member := range members {
		complex, _ := member.(scim.Complex)
		id, _ := complex["value"].(string)
		kind, _ := complex["type"].(string)
		kinds[id] = kind
	}
	return kinds
}
