package roster

import (
	"cmp"
	"slices"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// Member is an active user who is in a group, or in a group that is in it.
type Member struct {
	// ID is the SCIM id.
	ID string
	// Name is the value of the attribute that was asked for; empty if the user has none.
	Name string
}

// Find returns the ids of the groups that a selector finds, in order.
func (r *Roster) Find(selector scimv1alpha1.GroupSelector) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if selector.ID != "" {
		if _, found := r.groups[selector.ID]; found {
			return []string{selector.ID}
		}
		return nil
	}
	var found []string
	name := fold.Key(selector.DisplayName)
	for id, g := range r.groups {
		if (selector.ExternalID != "" && g.externalID == selector.ExternalID) || (selector.DisplayName != "" && g.name == name) {
			found = append(found, id)
		}
	}
	slices.Sort(found)
	return found
}

// Members returns the active users in a group and in the groups in it, each once, by their ids. Who is
// not known yet, is not among them. A group that is in itself is looked at once.
func (r *Roster) Members(group string, attribute scimv1alpha1.SubjectAttribute) []Member {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var found []Member
	seen, looked := map[string]struct{}{}, map[string]struct{}{group: {}}
	for pending := []string{group}; len(pending) > 0; {
		next := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		g, exists := r.groups[next]
		if !exists {
			continue
		}
		for _, part := range r.partsOf(next, g) {
			for _, id := range part.users {
				u, active := r.users[id]
				if _, again := seen[id]; again || !active {
					continue
				}
				seen[id] = struct{}{}
				found = append(found, Member{ID: id, Name: u.named(id, attribute)})
			}
			for _, id := range part.groups {
				if _, again := looked[id]; !again {
					looked[id] = struct{}{}
					pending = append(pending, id)
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	return found
}

// partsOf returns the members of a group, in the parts in which they are stored.
func (r *Roster) partsOf(id string, g group) []members {
	parts := []members{g.members}
	for _, slice := range r.slices[id] {
		parts = append(parts, slice)
	}
	return parts
}

func (u user) named(id string, attribute scimv1alpha1.SubjectAttribute) string {
	switch attribute {
	case scimv1alpha1.SubjectUserName:
		return u.userName
	case scimv1alpha1.SubjectPrimaryEmail:
		return u.email
	case scimv1alpha1.SubjectExternalID:
		return u.externalID
	case scimv1alpha1.SubjectID:
		return id
	default:
		return ""
	}
}
