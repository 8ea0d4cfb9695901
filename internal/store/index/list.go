package index

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Get returns the resource with the id.
func (x *Index) Get(t *scim.ResourceType, id string, view store.View) (resource *scim.Resource, known bool) {
	key, err := uuid.Parse(id)
	if err != nil {
		return nil, false
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	e := x.collection(t).get(key)
	if e == nil || e.Frozen.ID() != id {
		return nil, false
	}
	return x.resource(e, view), true
}

// MemberCount is how many members a group lists; none for what is no group.
func (x *Index) MemberCount(t *scim.ResourceType, id string) int {
	if !store.IsGroup(t) {
		return 0
	}
	key, err := uuid.Parse(id)
	if err != nil {
		return 0
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.memberCount(x.groups.get(key))
}

// memberCount is the same for an entry, or nil.
func (x *Index) memberCount(e *Entry) int {
	if e == nil || e.Group == nil {
		return 0
	}
	count := len(e.Group.Members)
	for _, s := range x.slices[e.ID] {
		count += len(s.Members)
	}
	return count
}

// Entry returns what is kept of the user or group with the id, nil for none.
func (x *Index) Entry(t *scim.ResourceType, id uuid.UUID) *Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.collection(t).get(id)
}

// List returns the page that the query asks for, as store.Select would.
func (x *Index) List(ctx context.Context, t *scim.ResourceType, query store.Query) (*store.Page, error) {
	if query.Filter == nil && query.Sort == nil {
		return x.all(ctx, t, query)
	}
	chosen, err := x.choose(ctx, t, query.Filter)
	if err != nil {
		return nil, err
	}
	if query.Sort != nil {
		chosen = x.sorted(chosen, query.Sort)
	}
	return x.page(ctx, func() []*Entry { return chosen }, query)
}

// all returns a page of all resources in the order of creation.
func (x *Index) all(ctx context.Context, t *scim.ResourceType, query store.Query) (*store.Page, error) {
	c := x.collection(t)
	x.sort(c)
	return x.page(ctx, func() []*Entry { return c.order }, query)
}

// page makes the page of the entries that the query chose.
func (x *Index) page(ctx context.Context, chosen func() []*Entry, query store.Query) (*store.Page, error) {
	page, entries, weight, err := x.window(chosen, query)
	if err != nil {
		return nil, err
	}
	// Nobody who brings a change is held up while this waits for memory.
	if err := query.View.Take(ctx, weight); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range entries {
		page.Resources = append(page.Resources, x.resource(e, query.View))
	}
	return page, nil
}

// window is the page without its resources, the entries of those, and about how much
// memory a list of them takes: each is there by itself, and in the list.
func (x *Index) window(chosen func() []*Entry, query store.Query) (page *store.Page, entries []*Entry, weight int64, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	all := chosen()
	first, end, err := query.Window(len(all), func(i int) store.Position {
		return store.Position{Created: all[i].Frozen.Created(), ID: all[i].Frozen.ID()}
	})
	if err != nil {
		return nil, nil, 0, err
	}
	entries = slices.Clone(all[first:end])
	for _, e := range entries {
		weight += 2 * (int64(len(e.Frozen.Text())) + query.View.Weight(x.memberCount(e)))
	}
	page = &store.Page{TotalResults: len(all), More: end < len(all), Resources: make([]*scim.Resource, 0, len(entries))}
	return page, entries, weight, nil
}

// sort makes the order of a collection if nobody has before.
func (x *Index) sort(c *collection) {
	x.mu.RLock()
	sorted := c.order != nil
	x.mu.RUnlock()
	if sorted {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	c.sort()
}

// choose returns the entries that match the filter, in the order of creation.
func (x *Index) choose(ctx context.Context, t *scim.ResourceType, filter *scim.Filter) ([]*Entry, error) {
	all, exact := x.candidates(t, filter)
	if filter == nil || exact {
		return all, nil
	}
	derives := filter.Mentions("groups") || filter.Mentions("members")
	var chosen []*Entry
	for i, e := range all {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("looking at %d of %d %ss: %w", i, len(all), t.Name, ctx.Err())
		}
		var derived []scim.Reference
		if derives {
			derived = x.derived(e)
		}
		if filter.MatchFrozen(e.frozen(), derived) {
			chosen = append(chosen, e)
		}
	}
	return chosen, nil
}

// derived is what follows for one entry. A search through many asks for one at a
// time, so that it holds nobody up who brings a change.
func (x *Index) derived(e *Entry) []scim.Reference {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.references(e, store.View{})
}

// sorted returns the entries in another order than that of creation.
func (x *Index) sorted(entries []*Entry, by *scim.Sort) []*Entry {
	order := by.OrderFrozen(len(entries), func(i int) *scim.Frozen { return entries[i].frozen() })
	sorted := make([]*Entry, len(entries))
	for i, at := range order {
		sorted[i] = entries[at]
	}
	return sorted
}

// candidates returns entries among which are all that match the filter, in the
// order of creation, and whether they are just those. The slice is the caller's.
func (x *Index) candidates(t *scim.ResourceType, filter *scim.Filter) (all []*Entry, exact bool) {
	c := x.collection(t)
	x.sort(c)
	x.mu.RLock()
	defer x.mu.RUnlock()
	if equality, sole := filter.Sole(); sole {
		if some, indexed := x.find(t, c, equality); indexed {
			slices.SortFunc(some, compareEntries)
			return some, true
		}
	}
	found := false
	for _, equality := range filter.Equalities() {
		some, indexed := x.find(t, c, equality)
		if indexed && (!found || len(some) < len(all)) {
			all, found = some, true
		}
	}
	if found {
		slices.SortFunc(all, compareEntries)
		return all, false
	}
	return slices.Clone(c.order), false
}

// find returns the entries for which an equality holds, if there is an index.
func (x *Index) find(t *scim.ResourceType, c *collection, e scim.Equality) (found []*Entry, indexed bool) {
	switch e.Path {
	case "id":
		if id, err := uuid.Parse(e.Value); err == nil {
			if entry := c.get(id); entry != nil && entry.Frozen.ID() == e.Value {
				return []*Entry{entry}, true
			}
		}
		return nil, true
	case store.Name(t):
		return c.named(e.Value), true
	case "externalId":
		return c.external(e.Value), true
	case "emails.value":
		return c.addressed(e.Value), true
	case "members.value":
		return x.listing(e.Value), true
	}
	return nil, false
}

// listing returns the groups that list a member that exists.
func (x *Index) listing(member string) []*Entry {
	id, err := uuid.Parse(member)
	if err != nil || id.String() != scim.Fold(member) || x.users.get(id) == nil && x.groups.get(id) == nil {
		return nil
	}
	var found []*Entry
	for _, group := range x.parents[id] {
		if e := x.groups.get(group); e != nil && !slices.Contains(found, e) {
			found = append(found, e)
		}
	}
	return found
}
