package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// completeMembers gives a group that was read the members in its slices, and acquires memory
// for all members.
func (l *liveReader) completeMembers(ctx context.Context, found *codec.Record, view store.View) error {
	group, isGroup := found.Object.(*scimv1alpha1.ScimGroup)
	if !isGroup {
		return nil
	}
	state, err := l.state(ctx, found, group)
	if err != nil {
		return err
	}
	if state == nil {
		return view.Acquire(ctx, view.Weight(len(group.Spec.Members)+len(group.Spec.MemberGroups)))
	}
	if err := view.Acquire(ctx, view.Weight(state.Size())); err != nil {
		return err
	}
	state.Complete(found.Resource, view)
	return nil
}

// fewGroups is up to how many groups the slices of each are LISTed, rather than those of all.
const fewGroups = 8

// completeMembersOf does the same for groups that may have slices. Those of many groups are
// LISTed once, whoever they belong to: each LIST has the API server look at all of them.
func (l *liveReader) completeMembersOf(ctx context.Context, groups []*codec.Record, view store.View) error {
	if len(groups) <= fewGroups {
		for _, group := range groups {
			if err := l.completeMembers(ctx, group, view); err != nil {
				return err
			}
		}
		return nil
	}
	of := make(map[string][]*index.Slice, len(groups))
	for _, one := range groups {
		of[one.Object.GetName()] = nil
	}
	err := l.objects.EachSlice(ctx, codec.OfTenant(l.tenant.Name), func(slice *index.Slice) error {
		name := slice.Group.String()
		if _, wanted := of[name]; !wanted {
			return nil
		}
		of[name] = append(of[name], slice)
		return view.Acquire(ctx, view.Weight(len(slice.Members)))
	})
	if err != nil {
		return fmt.Errorf("reading the members of groups: %w", err)
	}
	for _, one := range groups {
		group, isGroup := one.Object.(*scimv1alpha1.ScimGroup)
		if !isGroup {
			continue
		}
		if err := view.Acquire(ctx, view.Weight(len(group.Spec.Members)+len(group.Spec.MemberGroups))); err != nil {
			return err
		}
		if slices := of[group.Name]; len(slices) > 0 || codec.IsSliced(group) {
			slice.StateOf(one, group, slices).Complete(one.Resource, view)
		}
	}
	return nil
}

// mayBeSliced reports whether a group that was read may have slices: it is marked, or memory
// shows that it has some, or cannot tell. A group is marked before its slices are made, so
// that what memory lacks for being behind has not lost its mark.
func (l *liveReader) mayBeSliced(group *scimv1alpha1.ScimGroup) bool {
	id, err := codec.ParseID(group.Name)
	if err != nil || codec.IsSliced(group) {
		return err == nil
	}
	has, known, _ := cache.Read(l.cache, l.cache.Synced, func(x *index.Index) (bool, error) { return x.Members().HasSlices(id), nil })
	return has || !known
}

// state returns the state of a group that was read, or nothing when it has no slices,
// and never had any.
func (l *liveReader) state(ctx context.Context, read *codec.Record, group *scimv1alpha1.ScimGroup) (*slice.State, error) {
	if !l.mayBeSliced(group) {
		return nil, nil
	}
	slices, err := l.objects.SlicesOf(ctx, group.Name)
	if err != nil || len(slices) == 0 && !codec.IsSliced(group) {
		return nil, err
	}
	return slice.StateOf(read, group, slices), nil
}

// lookUpWeight is about how much memory it takes to look a member up, in bytes.
const lookUpWeight = 200

// hideMissing takes the members that do not exist out of groups that were read at the API
// server, or written, as memory does: what is deleted is taken out of its groups later, and
// what is restored may come later than they.
// It acquires memory for looking them up as the view has it.
func (l *liveReader) hideMissing(ctx context.Context, view store.View, groups ...*scim.Resource) error {
	listed := map[string]string{}
	for _, group := range groups {
		if err := view.Acquire(ctx, int64(group.Members().Len())*lookUpWeight); err != nil {
			return err
		}
		maps.Copy(listed, store.MemberTypes(group))
	}
	if len(listed) == 0 {
		return nil
	}
	known, err := l.resolve(ctx, slices.Collect(maps.Keys(listed)))
	if err != nil {
		return fmt.Errorf("looking up which members exist: %w", err)
	}
	for _, group := range groups {
		store.KeepMembers(group, func(id, memberType string) bool { return known[id] == memberType })
	}
	return nil
}
