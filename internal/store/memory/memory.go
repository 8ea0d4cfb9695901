// Package memory keeps one tenant's users and groups in the process. It is the
// plainest Store that is right, for tests and for programs that embed the
// server without Kubernetes.
package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// Store is a store.Store in memory. Make it with New.
type Store struct {
	mu      sync.RWMutex
	records map[string]*record   // by id
	names   map[nameKey]string   // to the id of the holder
	left    map[string]time.Time // when those were deactivated or deleted who are so still, by id
}

// record is one resource. The resource is never changed in place.
type record struct {
	resource *scim.Resource
	bytes    int64 // store.StoredSize of the resource
	revision int
	deleted  bool // kept for Create to bring back, unknown to SCIM
}

// nameKey is what is unique: the folded name within a resource type.
type nameKey struct{ resourceType, folded string }

// New returns an empty store.
func New() *Store {
	return &Store{records: map[string]*record{}, names: map[nameKey]string{}, left: map[string]time.Time{}}
}

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (*scim.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	created := resource.Clone()
	if err := store.CheckSize(created, nil); err != nil {
		return nil, err
	}
	id, revision, now := uuid.NewString(), 1, time.Now().UTC()
	meta := scim.Meta{Created: now}
	var kept *scim.Resource
	if holder, held := s.names[keyOf(created)]; held {
		old := s.records[holder]
		if !old.deleted || policy.RefuseRecreation {
			return nil, store.Taken(created.Type(), store.Name(created.Type()))
		}
		id, revision, meta.Created, kept = holder, old.revision+1, old.resource.Meta().Created, old.resource
	}
	if err := policy.Admit(created, kept, kept == nil, s.counts()); err != nil {
		return nil, err
	}
	created.SetID(id)
	if err := s.settle(ctx, created, nil, policy); err != nil {
		return nil, err
	}
	s.put(created, meta, revision, now)
	return s.view(created, store.View{}), nil
}

func (s *Store) counts() store.Counts {
	counts := store.Counts{Objects: len(s.records)}
	for _, record := range s.records {
		counts.Bytes += record.bytes + store.ObjectOverhead
		if !record.deleted && store.TakesSeat(record.resource) {
			counts.Active++
		}
	}
	return counts
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, t *schema.ResourceType, id string, view store.View) (*scim.Resource, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, err := s.find(t, id)
	if err != nil {
		return nil, err
	}
	if err := view.Acquire(ctx, view.Weight(len(found.resource.Members().IDs()))); err != nil {
		return nil, err
	}
	return s.view(found.resource, view), nil
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, t *schema.ResourceType, id string, change store.Change, options store.UpdateOptions) (*scim.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(t, id)
	if err != nil {
		return nil, err
	}
	current := found.resource
	if version := current.Meta().Version; options.Precondition != nil && !options.Precondition(version) {
		return nil, store.PreconditionFailed(version)
	}
	if err := options.View.Acquire(ctx, options.View.Weight(len(current.Members().IDs()))); err != nil {
		return nil, err
	}
	next, err := options.Apply(change, current)
	if err != nil {
		return nil, err
	}
	next = next.Clone()
	if err := s.settle(ctx, next, current, options.Policy); err != nil {
		return nil, err
	}
	if next.Equal(current) {
		return s.view(current, options.View), nil
	}
	if holder, held := s.names[keyOf(next)]; held && holder != id {
		if !s.records[holder].deleted || options.Policy.RefuseRecreation {
			return nil, store.Taken(t, store.Name(t))
		}
	}
	if err := store.CheckSize(next, current); err != nil {
		return nil, err
	}
	if err := options.Policy.Admit(next, current, false, s.counts()); err != nil {
		return nil, err
	}
	if err := s.admitDeparture(options.Policy, next, current); err != nil {
		return nil, err
	}
	if s.names[keyOf(current)] == id {
		delete(s.names, keyOf(current))
	}
	s.put(next, current.Meta(), found.revision+1, time.Now().UTC())
	options.NoteChanged(current.Changed(next))
	return s.view(next, options.View), nil
}

// Delete implements store.Store.
func (s *Store) Delete(_ context.Context, t *schema.ResourceType, id string, options store.DeleteOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(t, id)
	if err != nil {
		return err
	}
	if version := found.resource.Meta().Version; options.Precondition != nil && !options.Precondition(version) {
		return store.PreconditionFailed(version)
	}
	uncreates := options.Uncreates(found.resource)
	if !uncreates {
		if err := s.admitDeparture(options.Policy, nil, found.resource); err != nil {
			return err
		}
		if store.Departs(nil, found.resource) {
			s.left[id] = time.Now()
		}
	}
	for _, other := range s.records {
		if next, listed := store.WithoutMember(other.resource, id); listed {
			s.put(next, other.resource.Meta(), other.revision+1, time.Now().UTC())
		}
	}
	if store.IsUser(t) && options.Policy.KeepDeletedUsers && !uncreates {
		kept := found.resource.Clone()
		kept.SetActive(false)
		s.records[id] = &record{resource: kept, bytes: store.StoredSize(kept), revision: found.revision + 1, deleted: true}
		return nil
	}
	delete(s.records, id)
	delete(s.names, keyOf(found.resource))
	return nil
}

// List implements store.Store.
func (s *Store) List(ctx context.Context, t *schema.ResourceType, query store.Query) (*store.Page, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.all(t.Name)
	if store.IsUser(t) {
		// The filter may ask for groups, so they are there before it runs.
		membership := store.NewMembership(s.all(store.MemberGroup))
		for i, user := range all {
			all[i] = user.Clone()
			membership.Complete(all[i])
		}
	}
	page, err := store.Select(all, query)
	if err != nil {
		return nil, err
	}
	members := 0
	for _, resource := range page.Resources {
		members += len(resource.Members().IDs())
	}
	if err := query.View.Acquire(ctx, query.View.Weight(members)); err != nil {
		return nil, err
	}
	for i, resource := range page.Resources {
		page.Resources[i] = s.view(resource, query.View)
	}
	return page, nil
}

// find returns the record of the id when SCIM knows it as the resource type.
func (s *Store) find(t *schema.ResourceType, id string) (*record, error) {
	found, ok := s.records[id]
	if !ok || found.deleted || found.resource.Type().Name != t.Name {
		return nil, store.NotFound(t, id)
	}
	return found, nil
}

// all returns the resources of the type of that name that SCIM knows.
func (s *Store) all(typeName string) []*scim.Resource {
	var all []*scim.Resource
	for _, one := range s.records {
		if one.resource.Type().Name == typeName && !one.deleted {
			all = append(all, one.resource)
		}
	}
	return all
}

// put keeps the resource as its new revision and makes it the holder of its name.
func (s *Store) put(resource *scim.Resource, meta scim.Meta, revision int, now time.Time) {
	meta.LastModified, meta.Version = now, fmt.Sprintf(`W/"%d"`, revision)
	resource.SetMeta(meta)
	if store.IsUser(resource.Type()) {
		resource.SetDerived(nil)
	}
	switch before, known := s.records[resource.ID()]; {
	case store.TakesSeat(resource):
		delete(s.left, resource.ID())
	case known && !before.deleted && store.Departs(resource, before.resource):
		s.left[resource.ID()] = now
	}
	s.records[resource.ID()] = &record{resource: resource, bytes: store.StoredSize(resource), revision: revision}
	s.names[keyOf(resource)] = resource.ID()
}

// settle makes the members of a group those that the tenant knows.
func (s *Store) settle(ctx context.Context, next, current *scim.Resource, policy store.Policy) error {
	if !store.IsGroup(next.Type()) {
		return nil
	}
	return store.SettleMembers(ctx, next, current, policy, func(_ context.Context, ids []string) (map[string]string, error) {
		types := map[string]string{}
		for _, id := range ids {
			if found, ok := s.records[id]; ok && !found.deleted {
				types[id] = found.resource.Type().Name
			}
		}
		return types, nil
	})
}

// view returns a copy of the resource for a caller, with what the view wants.
func (s *Store) view(resource *scim.Resource, view store.View) *scim.Resource {
	copied := resource.Clone()
	switch {
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		store.NewMembership(s.all(store.MemberGroup)).Complete(copied)
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		copied.SetMembers(scim.Members{})
	}
	return copied
}

// keyOf returns what is unique about the resource.
func keyOf(r *scim.Resource) nameKey {
	return nameKey{resourceType: r.Type().Name, folded: fold.Key(store.NameOf(r))}
}

var _ store.Store = (*Store)(nil)
