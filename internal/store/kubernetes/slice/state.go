// Package slice keeps the members of a group for which its own object has no room.
//
// A group has up to scimv1alpha1.MaxGroupMembers members in its own object, so that a
// change of them is one atomic write. Those beyond are in slices, ScimGroupMembers
// objects that belong to it. Once a group has had slices it is marked with
// scimv1alpha1.LabelSliced for good, and its slices stay, empty or not, until it is
// deleted: so its version, which counts the changes of all of them, only grows.
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
}

// AttachMembers gives a resource of the group all members, each once.
func (g *State) AttachMembers(to *scim.Resource) {
	seen := make(map[uuid.UUID]bool, g.Size())
	members := scim.MakeMembers(g.Size())
	g.eachPlace(func(_ string, listed []index.Member) {
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
	g.eachPlace(func(_ string, members []index.Member) {
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

// eachPlace calls back for the members in each object of the group; the place is
// the name of a slice, empty for the group itself.
func (g *State) eachPlace(yield func(place string, listed []index.Member)) {
	yield("", g.inline)
	for _, slice := range g.Slices {
		yield(slice.Name, slice.Members)
	}
}

// places says where those of the ids are listed that are.
func (g *State) places(of map[uuid.UUID]bool) map[uuid.UUID][]string {
	places := map[uuid.UUID][]string{}
	asked := func(id uuid.UUID) bool { _, asked := of[id]; return asked }
	if len(of) == 1 { // The usual change, for which a map would cost more than the rest.
		for only := range of {
			asked = func(id uuid.UUID) bool { return id == only }
		}
	}
	g.eachPlace(func(place string, listed []index.Member) {
		for i := range listed {
			if asked(listed[i].ID) {
				places[listed[i].ID] = append(places[listed[i].ID], place)
			}
		}
	})
	return places
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
	g.eachPlace(func(_ string, listed []index.Member) { size += len(listed) })
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
		Marked: e.Group.Sliced, inline: e.Group.Members, Slices: x.Members().SlicesOf(key),
	}
}
