package slice

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// MaxMembers bounds the members of one group in all its objects.
const MaxMembers = 250_000

// CheckCount refuses a group that would have so many members, if that is more than MaxMembers.
func CheckCount(count int) error {
	if count <= MaxMembers {
		return nil
	}
	return scim.Errorf(http.StatusBadRequest, scim.TooMany,
		"the group would have %d members and %d is the most that it can have; spread them over several groups", count, MaxMembers)
}

// Staying returns a group with those of its members first that it has already, so that
// they stay where they are: who leaves the group itself for a slice would be in neither
// until that is written, or for good if it cannot be.
func Staying(next, current *scim.Resource) *scim.Resource {
	has := store.MemberTypes(current)
	stays := func(m scim.Reference) bool {
		_, stays := has[m.Value]
		return stays
	}
	members := next.Members()
	first := members.Only(stays)
	ordered := store.WithoutMembers(next)
	ordered.SetMembers(first.And(members.Only(func(m scim.Reference) bool { return !stays(m) })))
	return ordered
}

// Split returns a resource as its own object holds it, with so many members inline at the
// most, and the members of a group for which that has no room.
func Split(resource *scim.Resource, inline int) (first *scim.Resource, others []index.Member, err error) {
	members := resource.Members()
	if !store.IsGroup(resource.Type()) || members.Len() <= inline {
		return resource, nil, nil
	}
	if err := CheckCount(members.Len()); err != nil {
		return nil, nil, err
	}
	others = codec.MembersOfResource(resource)[inline:]
	first = store.WithoutMembers(resource)
	first.SetMembers(members.First(inline))
	return first, others, nil
}
