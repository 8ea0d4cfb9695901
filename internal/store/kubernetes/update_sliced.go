package kubernetes

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
)

// maxMembers bounds the members of one group in all its objects.
const maxMembers = 250_000

// membership is what a request makes of the members of a group with slices.
type membership struct {
	// add are members that no object lists.
	add []index.Member
	// keep are the members in the group itself that stay; dropped says whether
	// some do not.
	keep    []index.Member
	dropped bool
	// remove are the members that go, by the slice that lists them.
	remove map[string][]index.Member
}

func (m *membership) changes() bool { return len(m.add) > 0 || m.dropped || len(m.remove) > 0 }

// trySliced makes one try at a group with slices. The group itself is written
// only if it changes, and then first; members leave before others come.
func (u *update) trySliced(ctx context.Context, state *groupState) (*scim.Resource, error) {
	if err := u.check(state.current); err != nil {
		return nil, err
	}
	if err := u.reserve(ctx, state.size()); err != nil {
		return nil, err
	}
	next, wanted, err := u.nextSliced(ctx, state)
	if err != nil {
		return nil, err
	}
	if next.Equal(state.current) && !wanted.changes() {
		return u.whole(ctx)
	}
	if err := store.CheckSize(next, state.current); err != nil {
		return nil, err
	}
	if err := u.store.admitBytes(ctx, u.t, u.options.Policy, int64(len(wanted.add))*store.MemberSize); err != nil {
		return nil, err
	}
	itself := wanted.dropped || !next.Equal(state.current) || !state.marked
	if itself {
		group, err := u.readGroup(ctx, state)
		if err != nil {
			return nil, err
		}
		if u.doubt.overtaken(group) {
			return nil, store.Unsure()
		}
		if _, err := u.putSliced(ctx, group, state, next, wanted.keep); err != nil {
			return nil, err
		}
	}
	w := u.slices()
	err = w.remove(ctx, wanted.remove)
	if err == nil {
		err = w.add(ctx, wanted.add, state.slices)
	}
	u.wroteSlices(w)
	if err != nil {
		return nil, err
	}
	if u.options.View.WithoutMembers && !itself {
		u.store.cache.AcknowledgeAll(u.written)
		return state.after(w.changes, w.latest), nil
	}
	return u.whole(ctx)
}

// wroteSlices notes what was written of slices.
func (u *update) wroteSlices(w *sliceWriter) {
	if w.begun {
		u.doubt.begun()
	}
	u.written[readindex.GroupMembers] = max(u.written[readindex.GroupMembers], w.written)
}

// whole returns the group, with its slices, as the answer. It is read as for any client:
// what others have written before this request came is in it, too.
func (u *update) whole(ctx context.Context) (*scim.Resource, error) {
	u.store.cache.AcknowledgeAll(u.written)
	view := u.options.View
	view.Reserve = nil // That has been done.
	return u.store.get(ctx, u.t, u.id, view)
}

// owner returns the group as it is now.
func (u *update) owner(ctx context.Context) (*v1alpha1.ScimGroup, error) {
	read, err := u.store.readShown(ctx, u.t, u.id)
	if err != nil {
		return nil, err
	}
	group, isGroup := read.Object.(*v1alpha1.ScimGroup)
	if !isGroup {
		return nil, store.NotFound(u.t, u.id)
	}
	return group, nil
}

// readGroup reads the group of a state that is to be written. When the group has changed
// since, it waits until memory has caught up, for the next try.
func (u *update) readGroup(ctx context.Context, state *groupState) (*v1alpha1.ScimGroup, error) {
	if state.object != nil {
		return state.object, nil
	}
	group, err := u.owner(ctx)
	if err != nil || codec.RevisionOf(group) == state.revision {
		return group, err
	}
	var until readindex.Revisions
	until[readindex.Groups] = codec.RevisionOf(group)
	// If it does not catch up, the next try finds that and reads it all.
	_ = u.store.cache.Reach(ctx, until)
	return nil, retry.ErrLost
}

// putSliced writes the group itself with those of its members that stay.
func (u *update) putSliced(ctx context.Context, group *v1alpha1.ScimGroup, state *groupState, next *scim.Resource, keep []index.Member) (*scim.Resource, error) {
	members := make([]any, 0, len(keep))
	for _, m := range keep {
		members = append(members, store.Member(m.ID.String(), codec.MemberKind(m)))
	}
	object := next.Clone()
	store.SetMembers(object, members)
	codec.MarkSliced(group)
	return u.put(ctx, group, state.current, object)
}

// nextSliced returns what the change makes of a group with slices: the group
// without members, and what becomes of those.
func (u *update) nextSliced(ctx context.Context, state *groupState) (*scim.Resource, *membership, error) {
	changes := u.options.Members
	current := state.current
	if changes == nil && !u.options.ReplacesMembers {
		current = current.Clone()
		state.attachMembers(current)
	}
	next, err := u.change(current)
	if err != nil {
		return nil, nil, err
	}
	if changes == nil {
		changes = state.changesTo(next)
		next = store.WithoutMembers(next)
	}
	wanted, err := u.wanted(ctx, state, changes)
	if err != nil {
		return nil, nil, err
	}
	if count := state.size() + len(wanted.add); len(wanted.add) > 0 && count > maxMembers {
		return nil, nil, tooManyMembers(count)
	}
	return next, wanted, nil
}

func tooManyMembers(count int) error {
	return scim.Errorf(http.StatusBadRequest, scim.TooMany,
		"the group would have %d members and %d is the most that it can have; spread them over several groups", count, maxMembers)
}

// wanted returns what the changes come to, given who is listed where. The last
// change of a member counts.
func (u *update) wanted(ctx context.Context, state *groupState, changes []scim.MemberChange) (*membership, error) {
	last := make(map[uuid.UUID]bool, len(changes))
	nobody := 0
	var order []uuid.UUID
	for _, change := range changes {
		id, err := codec.ParseID(change.ID)
		switch {
		case err == nil:
		case change.Add && u.options.Policy.RejectUnknownMembers:
			return nil, store.UnknownMember(change.ID)
		default:
			if change.Add {
				nobody++
			}
			continue // It is nobody's.
		}
		if _, again := last[id]; !again {
			order = append(order, id)
		}
		last[id] = change.Add
	}
	places := state.places(last)
	wanted := &membership{remove: map[string][]index.Member{}}
	wanted.keep = slices.DeleteFunc(slices.Clone(state.inline), func(m index.Member) bool {
		add, asked := last[m.ID]
		return asked && !add
	})
	wanted.dropped = len(wanted.keep) < len(state.inline)
	var candidates []string
	for _, id := range order {
		switch {
		case last[id] && len(places[id]) == 0:
			candidates = append(candidates, id.String())
		case !last[id]:
			for _, place := range places[id] {
				if place != "" {
					wanted.remove[place] = append(wanted.remove[place], index.Member{ID: id})
				}
			}
		}
	}
	var err error
	wanted.add, err = u.resolved(ctx, candidates)
	store.NoteDropped(ctx, nobody+len(candidates)-len(wanted.add))
	return wanted, err
}

// resolved returns those of the ids that can be members of the group.
func (u *update) resolved(ctx context.Context, ids []string) ([]index.Member, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	group := scim.NewResource(u.t, scim.Complex{"id": u.id})
	candidates := make([]any, len(ids))
	for i, id := range ids {
		candidates[i] = scim.Complex{"value": id}
	}
	store.SetMembers(group, candidates)
	if err := u.store.settle(ctx, group, nil, u.options.Policy); err != nil {
		return nil, err
	}
	return codec.MembersOfResource(group), nil
}

// overflow writes a group that has become too large for one object: the group
// with as many members as it holds, marked, and then slices with the others.
func (u *update) overflow(ctx context.Context, stored client.Object, current, next *scim.Resource) (*scim.Resource, error) {
	first, others, err := u.store.split(staying(next, current))
	if err != nil {
		return nil, err
	}
	object := stored.DeepCopyObject().(client.Object)
	codec.MarkSliced(object)
	if _, err := u.put(ctx, object, current, first); err != nil {
		return nil, err
	}
	return u.spread(ctx, others)
}

// staying returns a group with those of its members first that it has already, so that
// they stay where they are: who leaves the group itself for a slice would be in neither
// until that is written, or for good if it cannot be.
func staying(next, current *scim.Resource) *scim.Resource {
	has := store.MemberKinds(current)
	members, _ := next.Attributes()["members"].([]any)
	stays := func(member any) bool {
		complex, _ := member.(scim.Complex)
		id, _ := complex["value"].(string)
		_, stays := has[id]
		return stays
	}
	first := slices.DeleteFunc(slices.Clone(members), func(member any) bool { return !stays(member) })
	ordered := store.WithoutMembers(next)
	store.SetMembers(ordered, append(first, slices.DeleteFunc(slices.Clone(members), stays)...))
	return ordered
}

// split returns a resource as its own object holds it, and the members of a
// group for which that has no room.
func (s *Store) split(resource *scim.Resource) (first *scim.Resource, others []index.Member, err error) {
	members, _ := resource.Attributes()["members"].([]any)
	if !store.IsGroup(resource.Type()) || len(members) <= s.sizes.inline {
		return resource, nil, nil
	}
	if len(members) > maxMembers {
		return nil, nil, tooManyMembers(len(members))
	}
	others = codec.MembersOfResource(resource)[s.sizes.inline:]
	first = store.WithoutMembers(resource)
	store.SetMembers(first, slices.Clone(members[:s.sizes.inline]))
	return first, others, nil
}

// spread puts the members that a group itself has no room for into new slices.
func (u *update) spread(ctx context.Context, members []index.Member) (*scim.Resource, error) {
	w := u.slices()
	err := w.add(ctx, members, nil)
	u.wroteSlices(w)
	if err != nil {
		return nil, err
	}
	return u.whole(ctx)
}

// slices returns what writes the slices of the group.
func (u *update) slices() *sliceWriter {
	return &sliceWriter{store: u.store, group: u.id, by: u.by, evidence: u.evidence, exists: func(ctx context.Context) error {
		if u.made {
			return nil // It has just been written.
		}
		_, err := u.owner(ctx)
		return err
	}}
}
