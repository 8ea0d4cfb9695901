package kubernetes

import (
	"context"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

// ReadLive makes reads from now on be ones at the API server, or ones from memory that has caught
// up with it, since another server may serve the tenant, too; or ends that. What memory had
// meanwhile does not count then: it is read anew.
func (s *Store) ReadLive(live bool) {
	if s.consistency.live.Load() && !live {
		s.cache.ReadAnew()
	}
	s.consistency.live.Store(live)
}

// Get implements store.Store: from memory, or with live reads while the cache
// cannot be known to be current.
func (s *Store) Get(ctx context.Context, t *schema.ResourceType, id string, view store.View) (found *scim.Resource, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guard(ctx, &err)
	return s.get(ctx, t, id, view)
}

// get is Get of a member.
func (s *Store) get(ctx context.Context, t *schema.ResourceType, id string, view store.View) (*scim.Resource, error) {
	ready := func() bool {
		return s.consistency.current(ctx, t) || s.consistency.caughtUp(ctx, t, s.consistency.liveReads(t, true, !view.WithoutGroups))
	}
	found, known, err := cache.Read(s.cache, ready, func(x *index.Index) (*scim.Resource, error) {
		if err := view.Acquire(ctx, view.Weight(x.MemberCount(t, id))); err != nil {
			return nil, err
		}
		if found, exists := x.Get(t, id, view); exists {
			return found, nil
		}
		return nil, store.NotFound(t, id)
	})
	if known {
		return found, err
	}
	return s.live.get(ctx, t, id, view)
}

// List implements store.Store, likewise.
func (s *Store) List(ctx context.Context, t *schema.ResourceType, query store.Query) (page *store.Page, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guard(ctx, &err)
	id, name := store.Lookup(t, query.Filter)
	groups := !query.View.WithoutGroups || query.Filter.Mentions("groups")
	ready := func() bool {
		return s.consistency.current(ctx, t) || s.consistency.caughtUp(ctx, t, s.consistency.liveReads(t, id != "" || name != "", groups))
	}
	page, known, err := cache.Read(s.cache, ready, func(x *index.Index) (*store.Page, error) { return x.List(ctx, t, query) })
	if known {
		return page, err
	}
	return s.live.list(ctx, t, query)
}

// derive makes of a resource that was just read or written what is shown of it: with what
// follows from others, and without what the view does not want.
func (s *Store) derive(ctx context.Context, resource *scim.Resource, view store.View) (*scim.Resource, error) {
	switch {
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		resource.SetMembers(scim.Members{})
	case store.IsGroup(resource.Type()):
		return resource, s.live.hideMissing(ctx, store.View{}, resource)
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		t := resource.Type()
		ready := func() bool {
			return s.consistency.current(ctx, t) || s.consistency.caughtUp(ctx, t, s.consistency.liveReads(t, true, true))
		}
		_, known, _ := cache.Read(s.cache, ready, func(x *index.Index) (struct{}, error) {
			x.Complete(resource)
			return struct{}{}, nil
		})
		if !known {
			return s.live.derive(ctx, resource, view)
		}
	}
	return resource, nil
}
