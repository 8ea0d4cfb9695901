// Package roster keeps in memory who of one tenant is in which group, and what the API server
// knows them by: of users, groups and members of groups, no more than that takes. Where they come
// from is not known here.
package roster

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// Roster is who of one tenant is in which group. It is safe for concurrent use.
type Roster struct {
	mu     sync.RWMutex
	users  map[string]user
	groups map[string]group
	// slices are the ScimGroupMembers of each group, by the group and then by their name.
	slices map[string]map[string]members
	// groupOf is the group of each ScimGroupMembers.
	groupOf map[string]string
}

// user is what is kept of a ScimUser who is active.
type user struct {
	userName, email, externalID string
}

// group is what is kept of a ScimGroup.
type group struct {
	name, externalID string
	members          members
}

// members are the ids of users and groups in a group.
type members struct {
	users, groups []string
}

// New returns a roster with nobody in it.
func New() *Roster {
	return &Roster{users: map[string]user{}, groups: map[string]group{}, slices: map[string]map[string]members{}, groupOf: map[string]string{}}
}

// PutUser adds a user, or what has become of one. It reports whether that matters to anybody.
func (r *Roster) PutUser(u *scimv1alpha1.ScimUser) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, was := r.users[u.Name]
	after, is := activeUser(u)
	if !is {
		delete(r.users, u.Name)
		return was
	}
	r.users[u.Name] = after
	return !was || before != after
}

// DeleteUser removes a user.
func (r *Roster) DeleteUser(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, was := r.users[id]
	delete(r.users, id)
	return was
}

// PutGroup adds a group, or what has become of one.
func (r *Roster) PutGroup(g *scimv1alpha1.ScimGroup) bool {
	if !g.DeletionTimestamp.IsZero() || !g.Spec.Meta.DeletedTime.IsZero() {
		return r.DeleteGroup(g.Name)
	}
	after := group{name: fold.Key(g.Spec.DisplayName), externalID: g.Spec.ExternalID, members: membersOf(g.Spec.Members, g.Spec.MemberGroups)}
	r.mu.Lock()
	defer r.mu.Unlock()
	before, was := r.groups[g.Name]
	r.groups[g.Name] = after
	return !was || before.name != after.name || before.externalID != after.externalID || !before.members.equal(after.members)
}

// DeleteGroup removes a group.
func (r *Roster) DeleteGroup(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, was := r.groups[id]
	delete(r.groups, id)
	return was
}

// PutMembers adds some of the members of a group, or what has become of them.
func (r *Roster) PutMembers(m *scimv1alpha1.ScimGroupMembers) bool {
	if !m.DeletionTimestamp.IsZero() {
		return r.DeleteMembers(m.Name)
	}
	after, of := membersOf(m.Spec.Members, m.Spec.MemberGroups), m.Spec.GroupRef.Name
	r.mu.Lock()
	defer r.mu.Unlock()
	before, was := r.slices[of][m.Name]
	if r.slices[of] == nil {
		r.slices[of] = map[string]members{}
	}
	r.slices[of][m.Name], r.groupOf[m.Name] = after, of
	return !was || !before.equal(after)
}

// DeleteMembers removes some of the members of a group, by the name of their object.
func (r *Roster) DeleteMembers(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	of, was := r.groupOf[name]
	delete(r.groupOf, name)
	delete(r.slices[of], name)
	if len(r.slices[of]) == 0 {
		delete(r.slices, of)
	}
	return was
}

// Names returns the names of the objects of a kind that are kept: users, groups or members.
func (r *Roster) Names(kind Kind) []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch kind {
	case Users:
		return slices.Collect(maps.Keys(r.users))
	case Groups:
		return slices.Collect(maps.Keys(r.groups))
	default:
		return slices.Collect(maps.Keys(r.groupOf))
	}
}

// Kind is a kind of objects that a roster is made of.
type Kind int

// The kinds.
const (
	Users Kind = iota
	Groups
	Members
)

// activeUser returns what is kept of a user, and whether anything is.
func activeUser(u *scimv1alpha1.ScimUser) (user, bool) {
	if !ptr.Deref(u.Spec.Active, true) || !u.DeletionTimestamp.IsZero() || !u.Spec.Meta.DeletedTime.IsZero() {
		return user{}, false
	}
	kept := user{userName: strings.Clone(u.Spec.UserName), externalID: strings.Clone(u.Spec.ExternalID), email: u.MainEmail()}
	if kept.email == kept.userName { // It most often is, and there may be very many.
		kept.email = kept.userName
	}
	return kept, true
}

func membersOf(users, groups []scimv1alpha1.MemberID) members {
	return members{users: texts(users), groups: texts(groups)}
}

func texts(ids []scimv1alpha1.MemberID) []string {
	if len(ids) == 0 {
		return nil
	}
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return all
}

func (m members) equal(other members) bool {
	return slices.Equal(m.users, other.users) && slices.Equal(m.groups, other.groups)
}
