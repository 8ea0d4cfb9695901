package kubernetes

import (
	"context"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

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
	state, ok, _ = cache.Read(s.cache, func() bool { return s.current(ctx, t) }, func(x *index.Index) (*slice.State, error) { return slice.StateIn(x, t, id), nil })
	return state, ok && state != nil
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
func (s *Store) liveState(ctx context.Context, read *codec.Record, group *v1alpha1.ScimGroup) (*slice.State, error) {
	if !s.mayBeSliced(group) {
		return nil, nil
	}
	slices, err := s.objects.SlicesOf(ctx, group.Name)
	if err != nil || len(slices) == 0 && !codec.IsSliced(group) {
		return nil, err
	}
	return slice.StateOf(read, group, slices), nil
}
