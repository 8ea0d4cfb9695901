// Package slice keeps the members of a group for which its own object has no room.
//
// A small group has its members in its own object, so that a change of them is one atomic
// write. What the API server does for a write grows with the members in the object: it looks
// at each of them. So once a group has more, it is marked with scimv1alpha1.LabelSliced for
// good, its own object takes no more of them, and those who come are in slices,
// ScimGroupMembers objects that belong to it. Its slices stay, empty or not, until it is
// deleted: so its version, which counts the changes of all of them, only grows.
//
// # One place for each member
//
// The hash of a member's id says which slice it is for (index.Place), and who adds it
// writes that one alone, by compare-and-swap: so two who add the same at the same time do not
// add it twice, and nobody looks for room. When a slice has too many members it raises its
// depth, and is from then on for half of them; the others, who stay listed for now, are
// strays, as are all in slices of the release before, which are for nobody, and in the group itself.
// A member is one wherever it is listed. What readers do does not depend on places, nor does
// what servers of the release before do, who put members into any slice with room.
//
// # Strays
//
// The upkeep moves strays to their places (Writer.Gather), first written there and then removed
// here, so that no reader misses them. Whoever removes a member removes it from wherever it is
// listed first, and then writes the slice that it is for, even if that does not list it. So a
// move under way cannot bring it back: it has read that slice before it read what it moves, and
// writes it by compare-and-swap. Servers of the release before do not know of that, which is why
// nothing is moved while there is one.
//
// The mark spares everybody to look for slices of a group that has none; which a group has,
// spec.groupRef of the slices says. A mark that was taken off by hand is put back by the
// next write of the members, or by the upkeep.
package slice

import (
	"time"

	"github.com/google/uuid"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// State is a group with slices as it was at one moment.
type State struct {
	// Object is the ScimGroup; nil when the state is that of the cache.
	Object *scimv1alpha1.ScimGroup
	// Current is the group without members, with the meta of all of it.
	Current *scim.Resource
	// Revision and generation are those of the ScimGroup.
	Revision   uint64
	generation int64
	// Marked reports whether the ScimGroup has the label of a group with slices.
	Marked bool
	// inline are the members in the ScimGroup itself.
	inline []index.Member
	// Slices are the others that belong to the group, in the order of their making.
	Slices []*index.Slice
	// Tag is that of the group's own slices.
	Tag string
}

// AttachMembers gives a resource of the group all members, each once.
func (g *State) AttachMembers(to *scim.Resource) {
	seen := make(map[uuid.UUID]bool, g.Size())
	members := scim.MakeMembers(g.Size())
	g.each(func(_ *index.Slice, listed []index.Member) {
		for _, m := range listed {
			if !seen[m.ID] {
				seen[m.ID] = true
				members.Add(store.Member(m.ID.String(), codec.MemberType(m)))
			}
		}
	})
	to.SetMembers(members)
}

// Complete gives a resource of the group, as it was read, the meta of all of it, and all
// members if the view wants them.
func (g *State) Complete(to *scim.Resource, view store.View) {
	to.SetMeta(g.Current.Meta())
	if !view.WithoutMembers {
		g.AttachMembers(to)
	}
}

// ChangesTo are the changes that make the members those that the next state has.
// One whose id is no id is left to who carries the changes out.
func (g *State) ChangesTo(next *scim.Resource) []scim.MemberChange {
	changes := []scim.MemberChange{}
	wanted := map[uuid.UUID]struct{}{}
	for _, text := range next.Members().IDs() {
		if id, err := codec.ParseID(text); err == nil {
			wanted[id] = struct{}{}
		}
	}
	listed := make(map[uuid.UUID]struct{}, g.Size())
	g.each(func(_ *index.Slice, members []index.Member) {
		for _, m := range members {
			listed[m.ID] = struct{}{}
			if _, stays := wanted[m.ID]; !stays {
				changes = append(changes, scim.MemberChange{ID: m.ID.String()})
			}
		}
	})
	for _, text := range next.Members().IDs() {
		id, err := codec.ParseID(text)
		if _, is := listed[id]; err != nil || !is {
			changes = append(changes, scim.MemberChange{ID: text, Add: true})
		}
	}
	return changes
}

// each calls back for the members in each object of the group; in is nil for the group itself.
func (g *State) each(yield func(in *index.Slice, listed []index.Member)) {
	yield(nil, g.inline)
	for _, slice := range g.Slices {
		yield(slice, slice.Members)
	}
}

// covers reports whether a slice of the group is for the member.
func (g *State) covers(slice *index.Slice, id uuid.UUID) bool {
	return slice.Place.Tag == g.Tag && slice.Place.Covers(id)
}

// listing says which slices list those of the ids that are listed; nil stands for the group
// itself.
func (g *State) listing(of map[uuid.UUID]bool) map[uuid.UUID][]*index.Slice {
	listing := map[uuid.UUID][]*index.Slice{}
	asked := func(id uuid.UUID) bool { _, asked := of[id]; return asked }
	without := func(*index.Slice) bool { return false }
	if len(of) == 1 { // The usual change, for which it would cost more than the rest to look at all.
		for only := range of {
			asked = func(id uuid.UUID) bool { return id == only }
			without = func(in *index.Slice) bool { return in != nil && !in.Strays && !in.Place.Covers(only) }
		}
	}
	g.each(func(in *index.Slice, listed []index.Member) {
		if without(in) {
			return
		}
		for i := range listed {
			if asked(listed[i].ID) {
				listing[listed[i].ID] = append(listing[listed[i].ID], in)
			}
		}
	})
	return listing
}

// After is the group, without members, after its slices have changed so many times,
// at that time for the last one.
func (g *State) After(changes int64, modified time.Time) *scim.Resource {
	for _, slice := range g.Slices {
		changes += slice.Generation
	}
	next := g.Current.Clone()
	meta := next.Meta()
	if modified.After(meta.LastModified) { // Else a clock is behind another pod's.
		meta.LastModified = modified
	}
	meta.Version = index.VersionWithSlices(g.generation, changes, meta.LastModified)
	next.SetMeta(meta)
	return next
}

// Size is how many members are listed.
func (g *State) Size() int {
	size := 0
	g.each(func(_ *index.Slice, listed []index.Member) { size += len(listed) })
	return size
}

// StateOf is the state of a group with slices that were read at the API server.
func StateOf(read *codec.Record, group *scimv1alpha1.ScimGroup, slices []*index.Slice) *State {
	current := read.Resource.Clone()
	current.SetMembers(scim.Members{})
	index.SortSlices(slices)
	state := &State{
		Object: group, Current: current, Revision: codec.RevisionOf(group), generation: group.GetGeneration(),
		Marked: codec.IsSliced(group), inline: codec.MembersOf(group.Spec.Members, group.Spec.MemberGroups), Slices: slices,
		Tag: codec.TagOf(group),
	}
	current.SetMeta(index.MetaWithSlices(current.Meta(), state.generation, slices))
	return state
}

// StateIn is the state of a group with slices in memory; nil when that has none.
func StateIn(x *index.Index, t *schema.ResourceType, id string) *State {
	key, err := codec.ParseID(id)
	if err != nil {
		return nil
	}
	current, known := x.Get(t, id, store.View{WithoutMembers: true})
	e := x.Entry(t, key)
	if !known || e == nil {
		return nil
	}
	return &State{
		Current: current, Revision: e.Revision, generation: e.Group.Generation,
		Marked: e.Group.Sliced, inline: e.Group.Members, Slices: x.Members().SlicesOf(key), Tag: e.Group.Tag,
	}
}
