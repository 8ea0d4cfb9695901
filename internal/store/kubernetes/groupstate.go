package kubernetes

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// A group has up to v1alpha1.MaxGroupMembers members in its own object, so that a
// change of them is one atomic write. Those beyond are in slices, ScimGroupMembers
// objects that belong to it. Once a group has had slices it is marked with
// v1alpha1.LabelSliced for good, and its slices stay, empty or not, until it is
// deleted: so its version, which counts the changes of all of them, only grows.
//
// The mark spares everybody to look for slices of a group that has none; which a group has,
// spec.groupRef of the slices says. A mark that was taken off by hand is put back by the
// next write of the members, or by the upkeep.

// groupState is a group with slices as it was at one moment.
type groupState struct {
	// object is the ScimGroup; nil when the state is that of the cache.
	object *v1alpha1.ScimGroup
	// current is the group without members, with the meta of all of it.
	current *scim.Resource
	// revision and generation are those of the ScimGroup.
	revision   uint64
	generation int64
	marked     bool
	inline     []index.Member
	slices     []*index.Slice
}

// attachMembers gives a resource of the group all members, each once.
func (g *groupState) attachMembers(to *scim.Resource) {
	seen := make(map[uuid.UUID]bool, g.size())
	members := make([]any, 0, g.size())
	g.eachPlace(func(_ string, listed []index.Member) {
		for _, m := range listed {
			if !seen[m.ID] {
				seen[m.ID] = true
				members = append(members, store.Member(m.ID.String(), codec.MemberKind(m)))
			}
		}
	})
	store.SetMembers(to, members)
}

// complete gives a resource of the group, as it was read, the meta of all of it, and all
// members if the view wants them.
func (g *groupState) complete(to *scim.Resource, view store.View) {
	to.SetMeta(g.current.Meta())
	if !view.WithoutMembers {
		g.attachMembers(to)
	}
}

// changesTo are the changes that make the members those that the next state has.
// One whose id is no id is left to who carries the changes out.
func (g *groupState) changesTo(next *scim.Resource) []scim.MemberChange {
	changes := []scim.MemberChange{}
	wanted := map[uuid.UUID]struct{}{}
	for _, text := range next.MemberIDs() {
		if id, err := codec.ParseID(text); err == nil {
			wanted[id] = struct{}{}
		}
	}
	listed := make(map[uuid.UUID]struct{}, g.size())
	g.eachPlace(func(_ string, members []index.Member) {
		for _, m := range members {
			listed[m.ID] = struct{}{}
			if _, stays := wanted[m.ID]; !stays {
				changes = append(changes, scim.MemberChange{ID: m.ID.String()})
			}
		}
	})
	for _, text := range next.MemberIDs() {
		id, err := codec.ParseID(text)
		if _, is := listed[id]; err != nil || !is {
			changes = append(changes, scim.MemberChange{ID: text, Add: true})
		}
	}
	return changes
}

// eachPlace calls back for the members in each object of the group; the place is
// the name of a slice, empty for the group itself.
func (g *groupState) eachPlace(yield func(place string, listed []index.Member)) {
	yield("", g.inline)
	for _, slice := range g.slices {
		yield(slice.Name, slice.Members)
	}
}

// places says where those of the ids are listed that are.
func (g *groupState) places(of map[uuid.UUID]bool) map[uuid.UUID][]string {
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

// after is the group, without members, after its slices have changed so many times,
// at that time for the last one.
func (g *groupState) after(changes int64, modified time.Time) *scim.Resource {
	for _, slice := range g.slices {
		changes += slice.Generation
	}
	next := g.current.Clone()
	meta := next.Meta()
	if modified.After(meta.LastModified) { // Else a clock is behind another pod's.
		meta.LastModified = modified
	}
	meta.Version = index.VersionWithSlices(g.generation, changes, meta.LastModified)
	next.SetMeta(meta)
	return next
}

// size is how many members are listed.
func (g *groupState) size() int {
	size := 0
	g.eachPlace(func(_ string, listed []index.Member) { size += len(listed) })
	return size
}

// cachedState returns the state of a group with slices from memory. It is not ok
// for a group that memory does not know to have any, or that it cannot be
// known to be current about.
func (s *Store) cachedState(ctx context.Context, t *scim.ResourceType, id string) (state *groupState, ok bool) {
	key, err := codec.ParseID(id)
	if err != nil {
		return nil, false
	}
	shown := s.cache.Index()
	if e := shown.Entry(t, key); e == nil || !e.Group.Sliced && !shown.Members().HasSlices(key) {
		return nil, false
	}
	state, ok, _ = cache.Read(s.cache, func() bool { return s.current(ctx, t) }, func(x *index.Index) (*groupState, error) {
		current, known := x.Get(t, id, store.View{WithoutMembers: true})
		e := x.Entry(t, key)
		if !known || e == nil {
			return nil, nil
		}
		return &groupState{
			current: current, revision: e.Revision, generation: e.Group.Generation,
			marked: e.Group.Sliced, inline: e.Group.Members, slices: x.Members().SlicesOf(key),
		}, nil
	})
	return state, ok && state != nil
}

// stateOf is the state of a group with slices that were read at the API server.
func stateOf(read *codec.Record, group *v1alpha1.ScimGroup, slices []*index.Slice) *groupState {
	current := read.Resource.Clone()
	store.SetMembers(current, nil)
	index.SortSlices(slices)
	state := &groupState{
		object: group, current: current, revision: codec.RevisionOf(group), generation: group.GetGeneration(),
		marked: codec.IsSliced(group), inline: codec.MembersOf(group.Spec.Members, group.Spec.MemberGroups), slices: slices,
	}
	current.SetMeta(index.MetaWithSlices(current.Meta(), state.generation, slices))
	return state
}

// mayBeSliced reports whether a group that was read may have slices: it is marked, or memory
// shows that it has some, or cannot tell. A group is marked before its slices are made, so
// that what memory lacks for being behind has not lost its mark.
func (s *Store) mayBeSliced(group *v1alpha1.ScimGroup) bool {
	id, err := codec.ParseID(group.Name)
	if err != nil || codec.IsSliced(group) {
		return err == nil
	}
	has, known, _ := cache.Read(s.cache, s.cache.Synced, func(x *index.Index) (bool, error) { return x.Members().HasSlices(id), nil })
	return has || !known
}

// liveState returns the state of a group that was read, or nothing when it has no slices,
// and never had any.
func (s *Store) liveState(ctx context.Context, read *codec.Record, group *v1alpha1.ScimGroup) (*groupState, error) {
	if !s.mayBeSliced(group) {
		return nil, nil
	}
	slices, err := s.liveSlices(ctx, group.Name)
	if err != nil || len(slices) == 0 && !codec.IsSliced(group) {
		return nil, err
	}
	return stateOf(read, group, slices), nil
}

// liveSlices LISTs the slices of a group.
func (s *Store) liveSlices(ctx context.Context, group string) (slices []*index.Slice, err error) {
	err = s.eachSlice(ctx, codec.OfGroup(s.tenant.Name, group), func(slice *index.Slice) error {
		slices = append(slices, slice)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the members of the group %s: %w", group, err)
	}
	return slices, nil
}

// eachSlice LISTs the tenant's slices that are selected.
func (s *Store) eachSlice(ctx context.Context, selected client.ListOption, yield func(*index.Slice) error) error {
	return s.eachObject(ctx, readindex.GroupMembers, selected, func(object client.Object) error {
		slice, isSlice := object.(*v1alpha1.ScimGroupMembers)
		if !isSlice || slice.Spec.TenantRef.Name != s.tenant.Name || slice.DeletionTimestamp != nil {
			return nil
		}
		group, err := codec.ParseID(slice.Spec.GroupRef.Name)
		if err != nil {
			return nil //nolint:nilerr // It is no group's.
		}
		return yield(codec.SliceEntry(group, slice))
	})
}
