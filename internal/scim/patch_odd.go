package scim

import "slices"

// assignOdd assigns members whose names have to be understood first, as a PATCH without
// a path does: so every name means the same in both.
func assignOdd(d reader, r *Resource, odd []oddMember) (*Resource, error) {
	d.l.IgnoreReadOnly = true
	d.l.CreateMissing = true // There is nothing yet that a path could find.
	c := stepCompiler{d: d, verb: verbReplace, odd: true}
	for _, m := range odd {
		if err := c.assignMember(m.home, m.Member); err != nil {
			return nil, err
		}
	}
	c.steps = slices.DeleteFunc(c.steps, func(s step) bool { return s.value == nil && s.parts == nil }) // null is no value
	if err := collision(r, c.steps); err != nil {
		return nil, err
	}
	return applied(r, c.steps)
}
