package index

import (
	"context"
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/scim/sorting"
	"github.com/kubescim/kubescim/internal/store"
)

// List returns the page that the query asks for, as store.Select would.
func (x *Index) List(ctx context.Context, t *schema.ResourceType, query store.Query) (*store.Page, error) {
	s := search{index: x, resourceType: t, among: x.content.of(t)}
	if query.Filter == nil && query.Sort == nil {
		s.order()
		return x.page(ctx, func() []*Entry { return s.among.order }, query)
	}
	chosen, err := s.choose(ctx, query.Filter)
	if err != nil {
		return nil, err
	}
	if query.Sort != nil {
		chosen = sorted(chosen, query.Sort)
	}
	return x.page(ctx, func() []*Entry { return chosen }, query)
}

// sorted returns the entries in another order than that of creation.
func sorted(entries []*Entry, by *sorting.Sort) []*Entry {
	order := by.OrderCompact(len(entries), func(i int) *compact.Resource { return entries[i].compact() })
	sorted := make([]*Entry, len(entries))
	for i, at := range order {
		sorted[i] = entries[at]
	}
	return sorted
}

// page makes the page of the entries that the query chose.
func (x *Index) page(ctx context.Context, chosen func() []*Entry, query store.Query) (*store.Page, error) {
	page, entries, weight, err := x.window(chosen, query)
	if err != nil {
		return nil, err
	}
	// Nobody who brings a change is held up while this waits for memory.
	if err := query.View.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range entries {
		page.Resources = append(page.Resources, x.content.resource(e, query.View))
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
		return store.Position{Created: all[i].Compact.Created(), ID: all[i].Compact.ID()}
	})
	if err != nil {
		return nil, nil, 0, err
	}
	entries = slices.Clone(all[first:end])
	for _, e := range entries {
		weight += 2 * (int64(len(e.Compact.Text())) + query.View.Weight(x.content.members.count(e)))
	}
	page = &store.Page{TotalResults: len(all), More: end < len(all), Resources: make([]*scim.Resource, 0, len(entries))}
	return page, entries, weight, nil
}
