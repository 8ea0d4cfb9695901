package kubernetes

import (
	"context"

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
	state, ok, _ = cache.Read(s.cache, func() bool { return s.consistency.current(ctx, t) }, func(x *index.Index) (*slice.State, error) { return slice.StateIn(x, t, id), nil })
	return state, ok && state != nil
}
