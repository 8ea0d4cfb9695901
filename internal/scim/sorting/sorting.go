// Package sorting orders resources (RFC 7644 section 3.4.2.3).
package sorting

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// OrderCompact is Order of resources that are kept compact.
func (s *Sort) OrderCompact(n int, resource func(i int) *compact.Resource) []int {
	var needs compact.Needs
	if s != nil {
		needs.Add(s.t, s.ref.Schema, s.ref.Attr)
	}
	return s.Order(n, func(i int) *scim.Resource { return resource(i).Part(needs, nil) })
}

// Sort is an order of resources (RFC 7644 section 3.4.2.3).
type Sort struct {
	t          *schema.ResourceType
	ref        schema.Ref
	descending bool
}

// Parse reads sortBy and sortOrder. Without sortBy there is no order, and the
// result is nil. What cannot be sorted by is 400 invalidValue, the one keyword of
// RFC 7644 table 9 that is for queries too.
func Parse(t *schema.ResourceType, sortBy, sortOrder string) (*Sort, error) {
	descending := false
	switch {
	case sortOrder == "" || ascii.Equal(sortOrder, "ascending"):
	case ascii.Equal(sortOrder, "descending"):
		descending = true
	default:
		return nil, scim.BadRequest(scim.InvalidValue, "sortOrder must be ascending or descending")
	}
	if sortBy == "" {
		return nil, nil
	}
	r, wrong := t.Resolve(sortBy)
	if wrong != nil {
		return nil, scim.BadRequest(scim.InvalidValue, "sortBy: %s", wrong.Problem)
	}
	if r.Attr == nil {
		return nil, scim.BadRequest(scim.InvalidValue, "sortBy: %q names a schema and no attribute", sortBy)
	}
	if r.Sub == nil && r.Attr.Type == schema.TypeComplex {
		if r.Sub = r.Attr.ValueAttr(); r.Sub == nil {
			return nil, scim.BadRequest(scim.InvalidValue, "sortBy: %q is complex: name a sub-attribute", r.Attr.Path())
		}
	}
	if r.Attr.Secret() || r.Leaf().Secret() {
		return nil, scim.Errorf(http.StatusForbidden, scim.Sensitive, "sortBy: %q is confidential and cannot be sorted by", r.Attr.Path())
	}
	if r.Leaf().Made() || r.Leaf().Unkept() || r.Leaf() == schema.MetaLocation {
		return nil, scim.BadRequest(scim.InvalidValue, "sortBy: %q is made by the server and cannot be sorted by", r.Leaf().Path())
	}
	return &Sort{t: t, ref: r, descending: descending}, nil
}

// Names reports whether the order is that of the derived attribute, or of a part of it.
func (s *Sort) Names(derived string) bool {
	return s != nil && s.ref.Attr == s.t.Derived() && s.ref.Attr.Name == derived
}

// Sort sorts resources and keeps the order of equal ones. Unassigned values come
// last, or first if the order is descending. Of a multi-valued attribute the
// primary value counts, or else the first.
func (s *Sort) Sort(rs []*scim.Resource) {
	before := slices.Clone(rs)
	for i, at := range s.Order(len(rs), func(i int) *scim.Resource { return rs[i] }) {
		rs[i] = before[at]
	}
}

// Order is the order that Sort brings n resources into, as their indexes. It asks for
// each resource once, so that they need not all be in memory at the same time. A nil
// Sort changes nothing.
func (s *Sort) Order(n int, resource func(i int) *scim.Resource) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if s == nil || n < 2 {
		return order
	}
	keys := make([]sortKey, n)
	for i := range keys {
		keys[i] = s.key(resource(i))
	}
	slices.SortStableFunc(order, func(x, y int) int {
		if s.descending {
			return keys[y].compare(keys[x])
		}
		return keys[x].compare(keys[y])
	})
	return order
}

// sortKey is what one resource is sorted by.
type sortKey struct {
	unassigned bool
	text       string
	number     float64
	integer    int64
	instant    time.Time
}

func (k sortKey) compare(o sortKey) int {
	if k.unassigned || o.unassigned {
		switch {
		case k.unassigned == o.unassigned:
			return 0
		case k.unassigned:
			return 1
		default:
			return -1
		}
	}
	return cmp.Or(strings.Compare(k.text, o.text), cmp.Compare(k.integer, o.integer),
		cmp.Compare(k.number, o.number), k.instant.Compare(o.instant))
}

func (s *Sort) key(r *scim.Resource) sortKey {
	var v any
	if s.ref.Attr == schema.AttrMeta {
		v = r.MetaValue(s.ref.Sub)
	} else {
		v = content.First(s.ref.Attr, r.Value(s.ref))
		if c, ok := v.(scim.Complex); ok && s.ref.Sub != nil {
			v = content.First(s.ref.Sub, c[s.ref.Sub.Name])
		}
	}
	a := s.ref.Leaf()
	switch v := v.(type) {
	case bool:
		k := sortKey{}
		if v {
			k.integer = 1
		}
		return k
	case int64:
		return sortKey{integer: v}
	case float64:
		return sortKey{number: v}
	case time.Time:
		return sortKey{instant: v}
	case string:
		if a.Type == schema.TypeDateTime {
			t, _ := content.ParseDateTime(v)
			return sortKey{instant: t}
		}
		if a.Folds() {
			v = fold.Key(v)
		}
		return sortKey{text: v}
	}
	return sortKey{unassigned: true}
}
