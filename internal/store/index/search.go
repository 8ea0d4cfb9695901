package index

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// search finds the resources of a type that match a filter.
type search struct {
	index        *Index
	resourceType *schema.ResourceType
	among        *collection // those of the type
}

// order makes the order of the collection if nobody has before.
func (s *search) order() {
	s.index.mu.RLock()
	sorted := s.among.order != nil
	s.index.mu.RUnlock()
	if sorted {
		return
	}
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	s.among.sort()
}

// choose returns the entries that match the filter, in the order of creation.
func (s *search) choose(ctx context.Context, filter *filter.Filter) ([]*Entry, error) {
	all, exact := s.candidates(filter)
	if filter == nil || exact {
		return all, nil
	}
	derives := filter.Mentions("groups") || filter.Mentions("members")
	var chosen []*Entry
	for i, e := range all {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("looking at %d of %d %ss: %w", i, len(all), s.resourceType.Name, ctx.Err())
		}
		var derived []scim.Reference
		if derives {
			derived = s.derived(e)
		}
		if filter.MatchCompact(e.compact(), derived) {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

// derived is what follows for one entry. A search through many asks for one at a
// time, so that it holds nobody up who brings a change.
func (s *search) derived(e *Entry) []scim.Reference {
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	return s.index.content.references(e, store.View{})
}

// candidates returns entries among which are all that match the filter, in the
// order of creation, and whether they are just those. The slice is the caller's.
func (s *search) candidates(filter *filter.Filter) (all []*Entry, exact bool) {
	s.order()
	s.index.mu.RLock()
	defer s.index.mu.RUnlock()
	if equality, sole := filter.Sole(); sole {
		if some, indexed := s.find(equality); indexed {
			slices.SortFunc(some, compareEntries)
			return some, true
		}
	}
	found := false
	for _, equality := range filter.Equalities() {
		some, indexed := s.find(equality)
		if indexed && (!found || len(some) < len(all)) {
			all, found = some, true
		}
	}
	if found {
		slices.SortFunc(all, compareEntries)
		return all, false
	}
	return slices.Clone(s.among.order), false
}

// find returns the entries for which an equality holds, if there is an index for it. The
// caller holds the lock.
func (s *search) find(e filter.Equality) (found []*Entry, indexed bool) {
	switch e.Path {
	case "id":
		if id, err := uuid.Parse(e.Value); err == nil {
			if entry := s.among.get(id); entry != nil && entry.Compact.ID() == e.Value {
				return []*Entry{entry}, true
			}
		}
		return nil, true
	case store.Name(s.resourceType):
		return s.among.named(e.Value), true
	case "externalId":
		return s.among.external(e.Value), true
	case "emails.value":
		return s.among.addressed(e.Value), true
	case "members.value":
		return s.index.content.listing(e.Value), true
	}
	return nil, false
}

// listing returns the groups that list a member that exists.
func (c *content) listing(member string) []*Entry {
	id, err := uuid.Parse(member)
	if err != nil || id.String() != fold.Key(member) || !c.exists(id) {
		return nil
	}
	var found []*Entry
	for _, group := range c.members.parents[id] {
		if e := c.groups.get(group); e != nil && !slices.Contains(found, e) {
			found = append(found, e)
		}
	}
	return found
}
