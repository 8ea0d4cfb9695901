package scim

// MemberChange adds a member to a group, or takes one out.
type MemberChange struct {
	// ID is the member's id as the client sent it, or folded where it is taken out.
	ID  string
	Add bool
}

// MemberChanges takes a PATCH of a group apart: into the members that it adds and
// removes one by one, in order, and a Patch of everything else. So a change of a
// member costs what it changes and not what the group holds. It is not ok if the
// operations touch members in any other way, such as replacing all.
func (p *Patch) MemberChanges() (changes []MemberChange, rest *Patch, ok bool) {
	rest = &Patch{t: p.t, l: p.l}
	for _, op := range p.ops {
		kept := operation{number: op.number}
		for _, s := range op.steps {
			if s.at.attr == nil || s.at.attr != p.t.derived || !s.at.attr.identified {
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
func (s *step) memberChanges() (changes []MemberChange, ok bool) {
	if s.at.sub != nil || len(s.parts) > 0 {
		return nil, false
	}
	switch f := s.at.filter; {
	case s.verb == verbAdd && f == nil, s.verb == verbRemove && s.listed && f == nil:
		elements, _ := s.value.([]any)
		for _, e := range elements {
			c, _ := e.(Complex)
			id, _ := c["value"].(string)
			if id == "" {
				return nil, false
			}
			if s.verb == verbRemove {
				id = Fold(id)
			}
			changes = append(changes, MemberChange{ID: id, Add: s.verb == verbAdd})
		}
		return changes, true
	case s.verb == verbRemove && !s.listed && f != nil && f.id != nil && f.simple():
		return []MemberChange{{ID: Fold(*f.id)}}, true
	}
	return nil, false
}
