package scim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Sort is an order of resources (RFC 7644 section 3.4.2.3).
type Sort struct {
	t          *ResourceType
	ref        ref
	descending bool
}

// ParseSort reads sortBy and sortOrder. Without sortBy there is no order, and the
// result is nil. What cannot be sorted by is 400 invalidValue, the one keyword of
// RFC 7644 table 9 that is for queries too.
func ParseSort(t *ResourceType, sortBy, sortOrder string) (*Sort, error) {
	descending := false
	switch {
	case sortOrder == "" || equalASCII(sortOrder, "ascending"):
	case equalASCII(sortOrder, "descending"):
		descending = true
	default:
		return nil, badRequest(InvalidValue, "sortOrder must be ascending or descending")
	}
	if sortBy == "" {
		return nil, nil
	}
	r, wrong := t.resolve(sortBy)
	if wrong != nil {
		return nil, badRequest(InvalidValue, "sortBy: %s", wrong.problem)
	}
	if r.attr == nil {
		return nil, badRequest(InvalidValue, "sortBy: %q names a schema and no attribute", sortBy)
	}
	if r.sub == nil && r.attr.Type == TypeComplex {
		if r.sub = r.attr.value; r.sub == nil {
			return nil, badRequest(InvalidValue, "sortBy: %q is complex: name a sub-attribute", r.attr.path)
		}
	}
	if r.attr.secret() || r.leaf().secret() {
		return nil, Errorf(http.StatusForbidden, Sensitive, "sortBy: %q is confidential and cannot be sorted by", r.attr.path)
	}
	if r.leaf().made() || r.leaf().unkept || r.leaf() == metaLocation {
		return nil, badRequest(InvalidValue, "sortBy: %q is made by the server and cannot be sorted by", r.leaf().path)
	}
	return &Sort{t: t, ref: r, descending: descending}, nil
}

// Sort sorts resources and keeps the order of equal ones. Unassigned values come
// last, or first if the order is descending. Of a multi-valued attribute the
// primary value counts, or else the first.
func (s *Sort) Sort(rs []*Resource) {
	before := slices.Clone(rs)
	for i, at := range s.Order(len(rs), func(i int) *Resource { return rs[i] }) {
		rs[i] = before[at]
	}
}

// Order is the order that Sort brings n resources into, as their indexes. It asks for
// each resource once, so that they need not all be in memory at the same time. A nil
// Sort changes nothing.
func (s *Sort) Order(n int, resource func(i int) *Resource) []int {
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

func (s *Sort) key(r *Resource) sortKey {
	var v any
	if s.ref.attr == attrMeta {
		v = r.metaValue(s.ref.sub)
	} else {
		v = first(s.ref.attr, r.Value(s.ref))
		if c, ok := v.(Complex); ok && s.ref.sub != nil {
			v = first(s.ref.sub, c[s.ref.sub.Name])
		}
	}
	a := s.ref.leaf()
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
		if a.Type == TypeDateTime {
			t, _ := parseDateTime(v)
			return sortKey{instant: t}
		}
		if a.folds() {
			v = Fold(v)
		}
		return sortKey{text: v}
	}
	return sortKey{unassigned: true}
}

// first is the value of a multi-valued attribute that is primary, or else the first
// one.
func first(a *Attribute, v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	for _, e := range list {
		if isPrimary(a, e) {
			return e
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[0]
}
