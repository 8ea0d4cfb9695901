package kubernetes

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/barrier"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Get implements store.Store: from memory, or with live reads while the mirror
// cannot be known to be current.
func (s *Store) Get(ctx context.Context, t *scim.ResourceType, id string, view store.View) (found *scim.Resource, err error) {
	defer s.guard(&err)
	if !s.current(ctx, t) && !s.caughtUp(ctx, t, true, !view.WithoutGroups) {
		return s.liveGet(ctx, t, id, view)
	}
	if err := view.Take(ctx, view.Weight(s.mirror.index.MemberCount(t, id))); err != nil {
		return nil, err
	}
	found, known := s.mirror.index.Get(t, id, view)
	if !known {
		return nil, store.NotFound(t, id)
	}
	return found, nil
}

// List implements store.Store, likewise.
func (s *Store) List(ctx context.Context, t *scim.ResourceType, query store.Query) (page *store.Page, err error) {
	defer s.guard(&err)
	if !s.current(ctx, t) {
		id, name := store.Lookup(t, query.Filter)
		groups := !query.View.WithoutGroups || query.Filter.Mentions("groups")
		if !s.caughtUp(ctx, t, id != "" || name != "", groups) {
			return s.liveList(ctx, t, query)
		}
	}
	return s.mirror.index.List(ctx, t, query)
}

// caughtUp makes sure that memory is as new as the API server, if reading there would
// mean to read more objects than it is worth. single says that one resource is
// wanted, and groups that the groups of users are.
func (s *Store) caughtUp(ctx context.Context, t *scim.ResourceType, single, groups bool) bool {
	if s.mirror == nil {
		return false
	}
	counts, objects := s.mirror.Counts(), 0
	if store.IsUser(t) && !single {
		objects += counts.Users
	}
	if store.IsUser(t) && groups || store.IsGroup(t) && !single {
		objects += counts.Groups + counts.Slices
	}
	return objects > s.sizes.live && s.mirror.caughtUp(ctx, t, s.client) == nil
}

// current reports whether memory is as new as all that any replica has told a
// client before the call.
func (s *Store) current(ctx context.Context, t *scim.ResourceType) bool {
	if s.mirror == nil {
		return false
	}
	err := s.mirror.current(ctx, t)
	s.metrics.read(err == nil)
	return err == nil
}

// read returns the record with the id, live; nil when the tenant has none.
// Whoever gets to know what was read here can rely on every replica to know it
// too, or a later state. That an object is gone is no exception: who deleted it
// has told before that it is marked as deleted.
func (s *Store) read(ctx context.Context, t *scim.ResourceType, id string) (*record, error) {
	if _, err := idOf(id); err != nil {
		return nil, nil //nolint:nilerr // What is no id is nobody's.
	}
	object := newObject(t)
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: id}, object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err, "reading the %s %s", t.Name, id)
	}
	s.tell(kindOf(t), object)
	return decode(s.tenant.Name, t, object)
}

// tell notes that a client may be told what the object says.
func (s *Store) tell(kind barrier.Kind, object client.Object) {
	if s.mirror != nil {
		s.mirror.progress.tell(kind, revisionOf(object))
	}
}

// kindOf is the kind of the objects that hold resources of the type.
func kindOf(t *scim.ResourceType) barrier.Kind {
	if store.IsGroup(t) {
		return barrier.Groups
	}
	return barrier.Users
}

// derive adds to a resource that was just read or written what follows from
// others, and takes off what the view does not want.
func (s *Store) derive(ctx context.Context, resource *scim.Resource, view store.View) (*scim.Resource, error) {
	switch {
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		store.SetMembers(resource, nil)
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		if !s.current(ctx, resource.Type()) && !s.caughtUp(ctx, resource.Type(), true, true) {
			return s.liveDerive(ctx, resource, view)
		}
		s.mirror.index.Complete(resource)
	}
	return resource, nil
}
