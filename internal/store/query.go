package store

import (
	"cmp"
	"net/http"
	"slices"
	"sort"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Select carries a query out over resources: it filters, orders and cuts out
// the page (RFC 7644 section 3.4.2). It reorders the slice that it is given.
func Select(resources []*scim.Resource, query Query) (*Page, error) {
	chosen := resources
	if query.Filter != nil {
		chosen = slices.DeleteFunc(resources, func(r *scim.Resource) bool { return !query.Filter.Match(r) })
	}
	// The order by creation makes pages stable while users are added: a new one
	// comes last, where it shifts no page that was read already.
	slices.SortFunc(chosen, func(a, b *scim.Resource) int { return PositionOf(a).compare(PositionOf(b)) })
	query.Sort.Sort(chosen)
	first, end, err := query.Window(len(chosen), func(i int) Position { return PositionOf(chosen[i]) })
	if err != nil {
		return nil, err
	}
	return &Page{TotalResults: len(chosen), Resources: chosen[first:end], More: end < len(chosen)}, nil
}

// Window returns which of the n resources that the filter chose are in the page,
// from the index first up to end. The resources are in the query's order, and
// position tells the place of each.
func (q Query) Window(n int, position func(i int) Position) (first, end int, err error) {
	if first, err = q.first(n, position); err != nil {
		return 0, 0, err
	}
	return first, min(first+max(q.Count, 0), n), nil
}

// first returns the index of the first resource of the page.
func (q Query) first(n int, position func(i int) Position) (int, error) {
	if q.After == nil {
		return min(max(q.StartIndex, 1)-1, n), nil
	}
	if q.Sort == nil {
		return sort.Search(n, func(i int) bool { return position(i).compare(*q.After) > 0 }), nil
	}
	// The place in any other order is known only by the resource itself.
	for i := range n {
		if position(i).ID == q.After.ID {
			return i + 1, nil
		}
	}
	return 0, scim.Errorf(http.StatusBadRequest, scim.ExpiredCursor,
		"the resource at which the last page ended is gone; start again without the cursor's value")
}

// compare orders positions by time of creation, then id.
func (p Position) compare(other Position) int {
	return cmp.Or(p.Created.Compare(other.Created), cmp.Compare(p.ID, other.ID))
}

// IsUser reports whether the resource type is User. Resource types are told by
// their names, since a tenant's are made anew when its schema extensions change.
func IsUser(t *schema.ResourceType) bool { return t.Name == MemberUser }

// IsGroup reports whether the resource type is Group.
func IsGroup(t *schema.ResourceType) bool { return t.Name == MemberGroup }

// Name says which attribute of a resource type is unique in a tenant: userName
// of users (RFC 7643 section 4.1.1) and displayName of groups, which identity
// providers take for unique.
func Name(t *schema.ResourceType) string {
	if IsGroup(t) {
		return "displayName"
	}
	return "userName"
}

// NameOf returns the value of the resource's unique attribute.
func NameOf(r *scim.Resource) string {
	if IsGroup(r.Type()) {
		return r.DisplayName()
	}
	return r.UserName()
}

// Lookup returns the id or the unique name that every match of the filter has,
// so that a backend can answer without looking at every resource. Both are
// empty when the filter fixes neither.
func Lookup(t *schema.ResourceType, filter *filter.Filter) (id, name string) {
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
