package patch

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// MemberChanges takes a PATCH of a group apart: into the members that it adds and
// removes one by one, in order, and a Patch of everything else. So a change of a
// member costs what it changes and not what the group holds. It is not ok if the
// operations touch members in any other way, such as replacing all.
func (p *Patch) MemberChanges() (changes []scim.MemberChange, rest *Patch, ok bool) {
	rest = &Patch{t: p.t, l: p.l}
	for _, op := range p.ops {
		kept := operation{number: op.number}
		for _, s := range op.steps {
			if s.at.Attr == nil || s.at.Attr != p.t.Derived() || !s.at.Attr.Identified() {
				kept.steps = append(kept.steps, s)
				continue
			}
			some, ok := s.memberChanges()
			if !ok {
				return nil, nil, false
			}
			changes = append(changes, some...)
		}
		rest.ops = append(rest.ops, kept)
	}
	return changes, rest, true
}

// memberChanges are the changes of one step; not ok if it is of another kind.
func (s *step) memberChanges() (changes []scim.MemberChange, ok bool) {
	if s.at.Sub != nil || len(s.parts) > 0 {
		return nil, false
	}
	switch f := s.at.filter; {
	case s.verb == verbAdd && f == nil, s.verb == verbRemove && s.listed && f == nil:
		elements, _ := s.value.([]any)
		for _, e := range elements {
			c, _ := e.(scim.Complex)
			id, _ := c["value"].(string)
			if id == "" {
				return nil, false
			}
			if s.verb == verbRemove {
				id = fold.Key(id)
			}
			changes = append(changes, scim.MemberChange{ID: id, Add: s.verb == verbAdd})
		}
		return changes, true
	case s.verb == verbRemove && !s.listed && f != nil && f.ID != nil && f.Simple():
		return []scim.MemberChange{{ID: fold.Key(*f.ID)}}, true
	}
	return nil, false
}
