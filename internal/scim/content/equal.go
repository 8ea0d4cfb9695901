package content

import (
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Equal compares two values of an attribute as Equal does.
func Equal(a *schema.Attribute, x, y any) bool {
	switch x := x.(type) {
	case []any:
		list, ok := y.([]any)
		if !ok {
			return len(x) == 0 && !Assigned(y)
		}
		return equalLists(a, x, list)
	case Complex:
		c, ok := y.(Complex)
		if !ok && Assigned(y) {
			return false
		}
		for _, s := range a.SubAttributes {
			if s.Mutability != schema.ReadOnly && !s.Made() && !Equal(s, x[s.Name], c[s.Name]) {
				return false
			}
		}
		return true
	case nil:
		return !Assigned(y)
	default:
		switch y.(type) {
		case []any, Complex:
			return false
		}
		return x == y
	}
}

// equalLists compares elements pair by pair, and regardless of order only where
// that fails.
func equalLists(a *schema.Attribute, x, y []any) bool {
	if len(x) != len(y) {
		return false
	}
	i := 0
	for i < len(x) && Equal(a, x[i], y[i]) {
		i++
	}
	if i == len(x) {
		return true
	}
	count := make(map[string]int, len(x)-i)
	for _, e := range x[i:] {
		count[Key(a, e)]++
	}
	for _, e := range y[i:] {
		k := Key(a, e)
		if count[k] == 0 {
			return false
		}
		count[k]--
	}
	return true
}

// SameScalar says whether a filter's eq finds two simple values equal. Of a sub-attribute
// with several values, all have to be there.
func SameScalar(a *schema.Attribute, x, y any) bool {
	if a.MultiValued && a.Parent() != nil {
		return Assigned(x) && Equal(a, x, y)
	}
	return x != nil && y != nil && scalarKey(a, x) == scalarKey(a, y)
}
