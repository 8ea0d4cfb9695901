package scim

import (
	"iter"
	"slices"

	"github.com/kubescim/kubescim/internal/scim/fold"
)

// Members are the members of a group, in order. They share the memory of what they are made
// of, and do not change it.
type Members struct{ list []any }

// MakeMembers are none, with room for so many.
func MakeMembers(room int) Members { return Members{make([]any, 0, room)} }

// MembersOf are the members that are referred to.
func MembersOf(references []Reference) Members { return Members{ReferenceValues(references)} }

// Members are a group's members; none of a user.
func (r *Resource) Members() Members {
	list, _ := r.Attributes()["members"].([]any)
	return Members{list}
}

// SetMembers gives a group its members; without any the attribute is unassigned.
func (r *Resource) SetMembers(m Members) {
	if len(m.list) == 0 {
		delete(r.own(), "members")
		return
	}
	r.own()["members"] = m.list
}

// Add lists one more member. Call it while nobody else has the members.
func (m *Members) Add(member Reference) { m.list = append(m.list, referenceValue(member)) }

// Len is how many there are.
func (m Members) Len() int { return len(m.list) }

// All are the members, one after the other.
func (m Members) All() iter.Seq[Reference] {
	return func(yield func(Reference) bool) {
		for _, member := range m.list {
			if !yield(referenceOf(member)) {
				return
			}
		}
	}
}

// IDs are the ids of the members; nil for none.
func (m Members) IDs() []string {
	if len(m.list) == 0 {
		return nil
	}
	ids := make([]string, 0, len(m.list))
	for member := range m.All() {
		if member.Value != "" {
			ids = append(ids, member.Value)
		}
	}
	return ids
}

// Only are the members for which keep is true.
func (m Members) Only(keep func(Reference) bool) Members {
	return Members{slices.DeleteFunc(slices.Clone(m.list), func(member any) bool { return !keep(referenceOf(member)) })}
}

// First are so many of the members.
func (m Members) First(n int) Members { return Members{slices.Clone(m.list[:n])} }

// And are these members and others behind them.
func (m Members) And(others Members) Members { return Members{slices.Concat(m.list, others.list)} }

// After are the members after the changes, which are made one after the other.
func (m Members) After(changes []MemberChange) Members {
	list := slices.Clone(m.list)
	at := make(map[string]int, len(list))
	for i, member := range list {
		at[fold.Key(referenceOf(member).Value)] = i
	}
	for _, change := range changes {
		id := fold.Key(change.ID)
		i, listed := at[id]
		switch {
		case change.Add && !listed:
			at[id] = len(list)
			list = append(list, Complex{"value": change.ID})
		case !change.Add && listed:
			list[i] = nil
			delete(at, id)
		}
	}
	return Members{slices.DeleteFunc(list, func(member any) bool { return member == nil })}
}

// MemberChange adds a member to a group, or takes one out.
type MemberChange struct {
	// ID is the member's id as the client sent it, or folded where it is taken out.
	ID  string
	Add bool
}
