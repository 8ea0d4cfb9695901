package store

import (
	"cmp"
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
)

// Select carries a query out over resources: it filters, orders and cuts out
// the page (RFC 7644 section 3.4.2). It reorders the slice that it is given.
func Select(resources []*scim.Resource, query Query) *Page {
	chosen := resources
	if query.Filter != nil {
		chosen = slices.DeleteFunc(resources, func(r *scim.Resource) bool { return !query.Filter.Match(r) })
	}
	page := &Page{TotalResults: len(chosen)}
	first := max(query.StartIndex, 1) - 1
	if query.Count <= 0 || first >= len(chosen) {
		return page
	}
	// The order by creation makes pages stable while users are added: a new one
	// comes last, where it shifts no page that was read already.
	slices.SortFunc(chosen, func(a, b *scim.Resource) int {
		return cmp.Or(a.Meta().Created.Compare(b.Meta().Created), cmp.Compare(a.ID(), b.ID()))
	})
	query.Sort.Sort(chosen)
	page.Resources = chosen[first:min(first+query.Count, len(chosen))]
	return page
}

// Name says which attribute of a resource type is unique in a tenant: userName
// of users (RFC 7643 section 4.1.1) and displayName of groups, which identity
// providers take for unique.
func Name(t *scim.ResourceType) string {
	if t.Name == "Group" {
		return "displayName"
	}
	return "userName"
}

// NameOf returns the value of the resource's unique attribute.
func NameOf(r *scim.Resource) string {
	if r.Type().Name == "Group" {
		return r.DisplayName()
	}
	return r.UserName()
}

// Lookup returns the id or the unique name that every match of the filter has,
// so that a backend can answer without looking at every resource. Both are
// empty when the filter fixes neither.
func Lookup(t *scim.ResourceType, filter *scim.Filter) (id, name string) {
	if filter == nil {
		return "", ""
	}
	for _, equality := range filter.Equalities() {
		switch equality.Path {
		case "id":
			id = equality.Value
		case Name(t):
			name = equality.Value
		}
	}
	return id, name
}
