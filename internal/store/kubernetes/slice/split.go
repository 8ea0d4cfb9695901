package slice

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

const (
	// MaxMembers bounds the members of one group in all its objects.
	MaxMembers = 250_000
	// FewMembers is up to how many members a group has in its own object. To write one with so
	// many takes the API server little more than to write an empty one.
	FewMembers = 100
	// FullMembers is for how many members a slice is at the most, of which it has three quarters
	// in the mean.
	FullMembers = 64
)

// CheckCount refuses a group that would have so many members, if that is more than MaxMembers.
func CheckCount(count int) error {
	if count <= MaxMembers {
		return nil
	}
	return scim.Errorf(http.StatusBadRequest, scim.TooMany,
		"the group would have %d members and %d is the most that it can have; spread them over several groups", count, MaxMembers)
}

// Split returns a resource as its own object holds it, which has room for so many members,
// and the members of a group that go into slices. Of a group with more members the object keeps
// those that it lists now, as the current one has it, or nil: who left it for a slice would be
// in neither until that is written, or for good if it cannot be.
func Split(next, current *scim.Resource, inline int) (itself *scim.Resource, others []index.Member, err error) {
	members := next.Members()
	if !store.IsGroup(next.Type()) || members.Len() <= inline {
		return next, nil, nil
	}
	if err := CheckCount(members.Len()); err != nil {
		return nil, nil, err
	}
	var has map[string]string
	if current != nil {
		has = store.MemberTypes(current)
	}
	stays := func(m scim.Reference) bool {
		_, stays := has[m.Value]
		return stays
	}
	itself = store.WithoutMembers(next)
	itself.SetMembers(members.Only(func(m scim.Reference) bool { return !stays(m) }))
	others = codec.MembersOfResource(itself)
	itself.SetMembers(members.Only(stays))
	return itself, others, nil
}
