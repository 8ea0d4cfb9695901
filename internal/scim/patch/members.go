package patch

import (
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
)

// AssignOdd assigns members whose names have to be understood first, as a PATCH without
// a path does: so every name means the same in both.
func AssignOdd(d decode.Reader, r *scim.Resource, odd []decode.OddMember) (*scim.Resource, error) {
	d.Leniency.IgnoreReadOnly = true
	d.Leniency.CreateMissing = true // There is nothing yet that a path could find.
	c := stepCompiler{d: d, verb: verbReplace, odd: true}
	for _, m := range odd {
		if err := c.assignMember(m.Home, m.Member); err != nil {
			return nil, err
		}
	}
	c.steps = slices.DeleteFunc(c.steps, func(s step) bool { return s.value == nil && s.parts == nil }) // null is no value
	if err := collision(r, c.steps); err != nil {
		return nil, err
	}
	return applied(r, c.steps)
}
