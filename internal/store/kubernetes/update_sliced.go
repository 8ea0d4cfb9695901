package kubernetes

import (
	"context"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// trySliced makes one try at a group with slices. The group itself is written
// only if it changes, and then first.
func (u *update) trySliced(ctx context.Context, state *slice.State) (*scim.Resource, error) {
	if err := u.check(state.Current); err != nil {
		return nil, err
	}
	if err := u.acquire(ctx, state.Size()); err != nil {
		return nil, err
	}
	next, wanted, err := u.nextSliced(ctx, state)
	if err != nil {
		return nil, err
	}
	if next.Equal(state.Current) && !wanted.Changes() {
		return u.whole(ctx)
	}
	if err := store.CheckSize(next, state.Current); err != nil {
		return nil, err
	}
	if err := u.store.limits.admitBytes(ctx, u.t, u.options.Policy, int64(len(wanted.Add))*store.MemberSize); err != nil {
		return nil, err
	}
	if err := u.store.departures.admitRemoval(ctx, u.options.Policy, func() []uuid.UUID { return wanted.Gone }); err != nil {
		return nil, err
	}
	itself := wanted.Dropped || !next.Equal(state.Current) || !state.Marked
	if itself {
		group, err := u.readGroup(ctx, state)
		if err != nil {
			return nil, err
		}
		if u.doubt.overtaken(group) {
			return nil, store.Unsure()
		}
		u.changing = state.Current.Changed(next)
		if wanted.Dropped {
			u.changing = append(u.changing, u.t.Derived().Path())
		}
		if _, err := u.putSliced(ctx, group, state, next, wanted.Keep); err != nil {
			return nil, err
		}
	}
	w := u.slices(state.Tag)
	err = w.Apply(ctx, wanted, state.Slices)
	u.wroteSlices(w)
	if err != nil {
		return nil, err
	}
	if u.options.View.WithoutMembers && !itself {
		u.store.cache.AcknowledgeAll(u.written)
		return state.After(w.Changes, w.Latest), nil
	}
	return u.whole(ctx)
}

// wroteSlices notes what was written of slices.
func (u *update) wroteSlices(w *slice.Writer) {
	if w.Begun {
		u.doubt.begun()
	}
	if w.Listed {
		u.noteChanged([]string{u.t.Derived().Path()})
	}
	u.written[readindex.GroupMembers] = max(u.written[readindex.GroupMembers], w.Written)
}

// whole returns the group, with its slices, as the answer. It is read as for any client:
// what others have written before this request came is in it, too.
func (u *update) whole(ctx context.Context) (*scim.Resource, error) {
	u.store.cache.AcknowledgeAll(u.written)
	view := u.options.View
	view.Memory = nil // That has been done.
	return u.store.get(ctx, u.t, u.id, view)
}

// owner returns the group as it is now.
func (u *update) owner(ctx context.Context) (*scimv1alpha1.ScimGroup, error) {
	read, err := u.store.objects.ReadShown(ctx, u.t, u.id)
	if err != nil {
		return nil, err
	}
	group, isGroup := read.Object.(*scimv1alpha1.ScimGroup)
	if !isGroup {
		return nil, store.NotFound(u.t, u.id)
	}
	return group, nil
}

// readGroup reads the group of a state that is to be written. When the group has changed
// since, it waits until memory has caught up, for the next try.
func (u *update) readGroup(ctx context.Context, state *slice.State) (*scimv1alpha1.ScimGroup, error) {
	if state.Object != nil {
		return state.Object, nil
	}
	group, err := u.owner(ctx)
	if err != nil || codec.RevisionOf(group) == state.Revision {
		return group, err
	}
	var until readindex.Revisions
	until[readindex.Groups] = codec.RevisionOf(group)
	// If it does not catch up, the next try finds that and reads it all.
	_ = u.store.cache.Reach(ctx, until)
	return nil, retry.ErrLost
}

// putSliced writes the group itself with those of its members that stay.
func (u *update) putSliced(ctx context.Context, group *scimv1alpha1.ScimGroup, state *slice.State, next *scim.Resource, keep []index.Member) (*scim.Resource, error) {
	members := scim.MakeMembers(len(keep))
	for _, m := range keep {
		members.Add(store.Member(m.ID.String(), codec.MemberType(m)))
	}
	object := next.Clone()
	object.SetMembers(members)
	codec.MarkSliced(group)
	return u.put(ctx, group, state.Current, object)
}

// nextSliced returns what the change makes of a group with slices: the group
// without members, and what becomes of those.
func (u *update) nextSliced(ctx context.Context, state *slice.State) (*scim.Resource, *slice.Plan, error) {
	changes := u.options.Members
	current := state.Current
	if changes == nil && !u.options.ReplacesMembers {
		current = current.Clone()
		state.AttachMembers(current)
	}
	next, err := u.change(current)
	if err != nil {
		return nil, nil, err
	}
	if changes == nil {
		changes = state.ChangesTo(next)
		next = store.WithoutMembers(next)
	}
	wanted, candidates, nobody, err := state.Plan(changes, u.options.Policy.RejectUnknownMembers)
	if err != nil {
		return nil, nil, err
	}
	if wanted.Add, err = u.resolved(ctx, candidates); err != nil {
		return nil, nil, err
	}
	store.NoteDropped(ctx, nobody+len(candidates)-len(wanted.Add))
	if len(wanted.Add) == 0 {
		return next, wanted, nil
	}
	if err := slice.CheckCount(state.Size() + len(wanted.Add)); err != nil {
		return nil, nil, err
	}
	return next, wanted, nil
}

// resolved returns those of the ids that can be members of the group.
func (u *update) resolved(ctx context.Context, ids []string) ([]index.Member, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	group := scim.NewResource(u.t, scim.Complex{"id": u.id})
	candidates := scim.MakeMembers(len(ids))
	for _, id := range ids {
		candidates.Add(scim.Reference{Value: id})
	}
	group.SetMembers(candidates)
	if err := u.store.settle(ctx, group, nil, u.options.Policy); err != nil {
		return nil, err
	}
	return codec.MembersOfResource(group), nil
}

// overflow writes a group that has become too large for one object: the group, marked, and
// then slices with those who come.
func (u *update) overflow(ctx context.Context, stored client.Object, current, itself *scim.Resource, others []index.Member) (*scim.Resource, error) {
	object := stored.DeepCopyObject().(client.Object)
	codec.MarkSliced(object)
	if _, err := u.put(ctx, object, current, itself); err != nil {
		return nil, err
	}
	return u.spread(ctx, codec.TagOf(object), others)
}

// spread puts the members that a group itself has no room for into new slices.
func (u *update) spread(ctx context.Context, tag string, members []index.Member) (*scim.Resource, error) {
	w := u.slices(tag)
	err := w.Apply(ctx, &slice.Plan{Add: members}, nil)
	u.wroteSlices(w)
	if err != nil {
		return nil, err
	}
	return u.whole(ctx)
}

// slices returns what writes the slices of the group.
func (u *update) slices(tag string) *slice.Writer {
	exists := func(ctx context.Context) error {
		if u.made {
			return nil // It has just been written.
		}
		_, err := u.owner(ctx)
		return err
	}
	return &slice.Writer{
		Client: u.store.client, Tenant: u.store.tenant, Group: u.id, Tag: tag, By: u.by,
		Full: u.store.sizes.slice, Exists: exists, Evidence: u.evidence,
	}
}

// cachedState returns the state of a group with slices from memory. It is not ok
// for a group that memory does not know to have any, or that it cannot be
// known to be current about.
func (s *Store) cachedState(ctx context.Context, t *schema.ResourceType, id string) (state *slice.State, ok bool) {
	key, err := codec.ParseID(id)
	if err != nil {
		return nil, false
	}
	shown := s.cache.Index()
	if e := shown.Entry(t, key); e == nil || !e.Group.Sliced && !shown.Members().HasSlices(key) {
		return nil, false
	}
	state, ok, _ = cache.Read(s.cache, func() bool { return s.consistency.current(ctx, t) }, func(x *index.Index) (*slice.State, error) { return slice.StateIn(x, t, id), nil })
	return state, ok && state != nil
}
