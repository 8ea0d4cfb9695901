package index

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// Kind is a kind of object that is stored.
type Kind int

// The kinds of objects.
const (
	UserObjects Kind = iota
	GroupObjects
	SliceObjects
	kinds
)

// Position is, for each kind of object, the revision up to which somebody knows of all changes.
type Position [kinds]uint64

// Change is that a user or group is another one since a revision, be it deleted by now.
type Change struct {
	Revision uint64
	// Kind is that of the object that has changed: a slice, or else that of the user or group.
	Kind  Kind
	ID    uuid.UUID // of the user or group
	Group bool
}

// State is what there is of a user or group.
type State struct {
	// Revision is the highest one of its objects, so that it never goes back.
	Revision uint64
	// Deleted reports whether SCIM knows it no more; then there is nothing else.
	Deleted bool
	// Resource is it, without the groups of a user, and without the members of a group that has too many.
	Resource *scim.Resource
	// Whole reports whether the members are there, all of them.
	Whole bool
}

// HasChanged reports whether there is anything that somebody does not know of, at no cost.
func (x *Index) HasChanged(since Position) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for kind, revision := range x.content.latest {
		if revision > since[kind] {
			return true
		}
	}
	return false
}

// Changes returns what somebody does not know of, the oldest first and at most so many, and how
// many there are in all. What has changed several times is in it once.
func (x *Index) Changes(since Position, limit int) (oldest []Change, all int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	first := newest{limit: limit}
	x.content.objects(func(c Change) {
		if c.Revision > since[c.Kind] {
			first.add(c)
			all++
		}
	})
	return first.sorted(), all
}

// objects calls back for all objects.
func (c *content) objects(yield func(Change)) {
	for e := range c.users.all() {
		yield(Change{Revision: e.Revision, Kind: UserObjects, ID: e.ID})
	}
	for e := range c.groups.all() {
		yield(Change{Revision: e.Revision, Kind: GroupObjects, ID: e.ID, Group: true})
	}
	for _, kept := range c.kept.byID {
		yield(Change{Revision: kept.Revision, Kind: kindOf(kept.Group), ID: kept.ID, Group: kept.Group})
	}
	for group, of := range c.members.slices {
		for _, slice := range of {
			yield(Change{Revision: slice.Revision, Kind: SliceObjects, ID: group, Group: true})
		}
	}
}

func kindOf(group bool) Kind {
	if group {
		return GroupObjects
	}
	return UserObjects
}

// newest keeps, of many changes, those with the lowest revisions, in twice the room that they take.
type newest struct {
	limit int
	kept  []Change
	below uint64 // what is not below it is not among them; 0 while all are kept
}

func (n *newest) add(c Change) {
	if n.below > 0 && c.Revision >= n.below {
		return
	}
	n.kept = append(n.kept, c)
	if len(n.kept) == 2*n.limit {
		n.sorted()
		n.below = n.kept[n.limit-1].Revision
	}
}

func (n *newest) sorted() []Change {
	slices.SortFunc(n.kept, func(a, b Change) int { return cmp.Compare(a.Revision, b.Revision) })
	n.kept = n.kept[:min(len(n.kept), n.limit)]
	return n.kept
}

// State returns what there is of what has changed; false when there is nothing any more. A group of
// more members than most comes without any.
func (x *Index) State(of Change, t *schema.ResourceType, most int) (state State, known bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := &x.content
	if kept, is := c.kept.byID[of.ID]; is {
		return State{Revision: kept.Revision, Deleted: true}, true
	}
	e := c.of(t).get(of.ID)
	if e == nil {
		return State{}, false
	}
	state.Revision, state.Whole = e.Revision, c.members.count(e) <= most
	for _, slice := range c.members.slices[e.ID] {
		state.Revision = max(state.Revision, slice.Revision)
	}
	state.Resource = c.resource(e, store.View{WithoutGroups: true, WithoutMembers: !state.Whole})
	return state, true
}
