package kubernetes

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// Get implements store.Store: from memory, or with live reads while the mirror
// cannot be known to be current.
func (s *Store) Get(ctx context.Context, t *scim.ResourceType, id string, view store.View) (found *scim.Resource, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guard(&err)
	return s.get(ctx, t, id, view)
}

// get is Get of a member.
func (s *Store) get(ctx context.Context, t *scim.ResourceType, id string, view store.View) (*scim.Resource, error) {
	ready := func() bool { return s.current(ctx, t) || s.caughtUp(ctx, t, s.liveReads(t, true, !view.WithoutGroups)) }
	found, known, err := fromMemory(s, ready, func(x *index.Index) (*scim.Resource, error) {
		if err := view.Take(ctx, view.Weight(x.MemberCount(t, id))); err != nil {
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
	return s.liveGet(ctx, t, id, view)
}

// List implements store.Store, likewise.
func (s *Store) List(ctx context.Context, t *scim.ResourceType, query store.Query) (page *store.Page, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guard(&err)
	id, name := store.Lookup(t, query.Filter)
	groups := !query.View.WithoutGroups || query.Filter.Mentions("groups")
	ready := func() bool {
		return s.current(ctx, t) || s.caughtUp(ctx, t, s.liveReads(t, id != "" || name != "", groups))
	}
	page, known, err := fromMemory(s, ready, func(x *index.Index) (*store.Page, error) { return x.List(ctx, t, query) })
	if known {
		return page, err
	}
	return s.liveList(ctx, t, query)
}

// fromMemory answers a read from memory. ready waits until memory is new enough, and
// reports whether it is. What read returns counts only if memory went on without a break
// from before ready until after it: it may begin anew at any moment, as it does for other
// schemas, and then is empty, or holds a part. known is false when there is no such
// answer, and the API server is to be asked instead.
func fromMemory[T any](s *Store, ready func() bool, read func(*index.Index) (T, error)) (answer T, known bool, err error) {
	var none T
	if s.mirror == nil {
		return none, false, nil
	}
	for range 2 {
		incarnation := s.mirror.progress.current()
		if !ready() {
			return none, false, nil
		}
		answer, err = read(s.mirror.index)
		if s.mirror.progress.current() == incarnation {
			return answer, true, err
		}
	}
	return none, false, nil
}

// caughtUp makes sure that memory is as new as the API server, if reading so many objects
// there is more than it is worth.
func (s *Store) caughtUp(ctx context.Context, t *scim.ResourceType, objects int) bool {
	return s.mirror != nil && objects > s.sizes.live && s.mirror.caughtUp(ctx, t, s.client) == nil
}

// liveReads is about how many objects a read of resources at the API server would LIST.
// single says that one resource is wanted, and groups that the groups of users are.
func (s *Store) liveReads(t *scim.ResourceType, single, groups bool) (objects int) {
	if s.mirror == nil {
		return 0
	}
	counts := s.mirror.Counts()
	if store.IsUser(t) && !single {
		objects += counts.Users
	}
	if store.IsUser(t) && groups || store.IsGroup(t) && !single {
		objects += counts.Groups + counts.Slices
	}
	return objects
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

// read returns the record with the id, live; nil when the tenant has none, and ErrUnreadable
// for one that cannot be read.
// Whoever gets to know what was read here can rely on every replica to know it
// too, or a later state. That an object is gone is no exception: who deleted it
// has told before that it is marked as deleted.
func (s *Store) read(ctx context.Context, t *scim.ResourceType, id string) (*record, error) {
	if _, err := idOf(id); err != nil {
		return nil, nil //nolint:nilerr // What is no id is nobody's.
	}
	object := newObject(t)
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: id}, object)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case failure.IsUnreadable(err):
		s.leaveOut(kindOf(t), id)
		return nil, fmt.Errorf("reading the %s %s: %w (%w)", t.Name, id, store.Unavailable(), failure.ErrUnreadable)
	case err != nil:
		return nil, failure.Wrap(err, "reading the %s %s", t.Name, id)
	}
	s.tell(kindOf(t), object)
	return decode(s.tenant.Name, t, object)
}

// tell notes that a client may be told what the object says.
func (s *Store) tell(kind readindex.Kind, object client.Object) {
	if s.mirror != nil {
		s.mirror.progress.tell(kind, revisionOf(object))
	}
}

// seen is what the API server has shown up to now, for shown.
func (s *Store) seen() seen {
	if s.mirror == nil {
		return seen{}
	}
	return s.mirror.progress.seen()
}

// shown notes the latest revision of a kind, as the API server has answered it to a call
// that was made when it had shown what is known: by that of a list, or of a write.
func (s *Store) shown(known seen, kind readindex.Kind, revision uint64) {
	if s.mirror != nil {
		s.mirror.shown(known, kind, revision)
	}
}

// kindOf is the kind of the objects that hold resources of the type.
func kindOf(t *scim.ResourceType) readindex.Kind {
	if store.IsGroup(t) {
		return readindex.Groups
	}
	return readindex.Users
}

// derive makes of a resource that was just read or written what is shown of it: with what
// follows from others, and without what the view does not want.
func (s *Store) derive(ctx context.Context, resource *scim.Resource, view store.View) (*scim.Resource, error) {
	switch {
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		store.SetMembers(resource, nil)
	case store.IsGroup(resource.Type()):
		return resource, s.hideMissing(ctx, store.View{}, resource)
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		t := resource.Type()
		ready := func() bool { return s.current(ctx, t) || s.caughtUp(ctx, t, s.liveReads(t, true, true)) }
		_, known, _ := fromMemory(s, ready, func(x *index.Index) (struct{}, error) {
			x.Complete(resource)
			return struct{}{}, nil
		})
		if !known {
			return s.liveDerive(ctx, resource, view)
		}
	}
	return resource, nil
}
