package scim

// stepList changes a multi-valued attribute.
func (p *applier) stepList(s *step) error {
	l := p.list(s.at)
	switch {
	case s.verb == verbRemove:
		return p.removeElements(l, s)
	case s.at.filter != nil || s.at.sub != nil:
		return p.changeElements(l, s)
	case s.verb == verbReplace:
		elements, _ := s.value.([]any)
		return p.replaceElements(l, elements)
	default:
		elements, _ := s.value.([]any)
		return p.addElements(l, elements)
	}
}

// list is the working copy of a multi-valued attribute.
func (p *applier) list(at target) *list {
	l := p.lists[at.attr]
	if l == nil {
		items, _ := p.r.container(at.schema)[at.attr.Name].([]any)
		l = &list{attr: at.attr, items: items, heft: heft(items)}
		p.lists[at.attr] = l
	}
	return l
}

// addElements appends what is not there yet.
func (p *applier) addElements(l *list, elements []any) error {
	for _, e := range elements {
		if err := p.lookUp(l, 1); err != nil {
			return err
		}
		at, found := l.find(elementKey(l.attr, e))
		switch {
		case !found:
			at = l.append(e)
		case l.attr.identified:
			continue
		default:
			if err := p.merge(l, at, e); err != nil {
				return err
			}
		}
		if isPrimary(l.attr, e) {
			if err := p.demoteOthers(l, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// merge adds to an element the sub-attributes of another that has the same `value` and
// `type`, of which a filter finds those of both equal: these stay as they are.
func (p *applier) merge(l *list, at int, with any) error {
	more, _ := with.(Complex)
	s := step{verb: verbAdd, at: target{ref: ref{attr: l.attr}}}
	for _, sub := range l.attr.SubAttributes {
		if v := more[sub.Name]; assigned(v) && sub != l.attr.value && sub != l.attr.kind {
			s.parts = append(s.parts, part{sub, v})
		}
	}
	if len(s.parts) == 0 {
		return nil
	}
	if err := p.spend(changeWork); err != nil {
		return err
	}
	e, err := p.changedElement(l.attr, &s, l.items[at])
	if err != nil {
		return err
	}
	l.set(at, e)
	return nil
}

// replaceElements puts a new list in place. Members that stay are left as they are.
func (p *applier) replaceElements(l *list, elements []any) error {
	if err := p.spend(len(l.items) + len(elements)); err != nil {
		return err
	}
	if l.attr.identified {
		elements = keepElements(l.attr, l.compact(), elements).([]any)
	}
	l.items, l.index, l.holes, l.heft = append([]any(nil), elements...), nil, 0, heft(elements)
	l.own, l.changed = true, true
	return nil
}

// matches are the positions of the elements that a path names: all without a filter.
func (p *applier) matches(l *list, f *valueFilter) ([]int, error) {
	if f != nil && f.id != nil {
		if err := p.lookUp(l, f.cost); err != nil {
			return nil, err
		}
		at, found := l.find(elementKey(l.attr, Complex{l.attr.value.Name: *f.id}))
		if !found || !f.match(p.r, l.items[at]) {
			return nil, nil
		}
		return []int{at}, nil
	}
	cost := 1
	if f != nil {
		cost = f.cost
	}
	if err := p.look(l, len(l.items)*cost); err != nil {
		return nil, err
	}
	var found []int
	for i, e := range l.items {
		if e != nil && (f == nil || f.match(p.r, e)) {
			found = append(found, i)
		}
	}
	return found, nil
}

// changeWork is to how many comparisons the change of an element comes, which is copied.
const changeWork = 20

// changeElements changes the elements that a path names, or makes the one that it
// asks for where that is allowed.
func (p *applier) changeElements(l *list, s *step) error {
	found, err := p.matches(l, s.at.filter)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return p.createElement(l, s)
	}
	if err := p.spend(len(found) * changeWork); err != nil {
		return err
	}
	primaries, last := 0, 0
	for _, i := range found {
		e, err := p.changedElement(l.attr, s, l.items[i])
		if err != nil {
			return err
		}
		l.set(i, e)
		if s.setsPrimary() {
			primaries, last = primaries+1, i
		}
	}
	if primaries > 1 {
		return badRequest(InvalidValue, "%q has more than one value with \"primary\": true (RFC 7643 section 2.4)", l.attr.path)
	}
	if primaries == 1 {
		return p.demoteOthers(l, last)
	}
	return nil
}

// demoteOthers makes an element the only primary one.
func (p *applier) demoteOthers(l *list, at int) error {
	if err := p.spend(len(l.items)); err != nil {
		return err
	}
	l.demoteOthers(at)
	return nil
}

// setsPrimary says whether a step makes an element the primary one.
func (s *step) setsPrimary() bool {
	primary := s.at.attr.primary
	if primary == nil {
		return false
	}
	if s.at.sub != nil {
		return s.at.sub == primary && s.value == true
	}
	for _, x := range s.parts {
		if x.sub == primary && x.value == true {
			return true
		}
	}
	return isPrimary(s.at.attr, s.value)
}

// changedElement is what a step makes of an element; nil when nothing is left.
func (p *applier) changedElement(a *Attribute, s *step, old any) (any, error) {
	if s.at.sub == nil && s.parts == nil {
		if now, ok := s.value.(Complex); ok {
			return keepSubAttributes(a, old, cloneValue(now).(Complex))
		}
		return s.value, nil
	}
	was, _ := old.(Complex)
	now := make(Complex, len(was)+1)
	for k, v := range was {
		now[k] = v
	}
	parts := s.parts
	if s.at.sub != nil {
		parts = []part{{s.at.sub, s.value}}
	}
	for _, x := range parts {
		if v := was[x.sub.Name]; x.sub.Mutability == Immutable && assigned(v) && !sameScalar(x.sub, v, x.value) {
			if x.value == nil && a.identified && x.sub == a.value {
				return nil, removesIdentity(a)
			}
			return nil, immutableDiffers(x.sub)
		}
		if err := p.setPart(s, now, x); err != nil {
			return nil, err
		}
	}
	if len(now) == 0 {
		return nil, nil
	}
	return now, nil
}

// createElement makes the element that a path asks for: that of the filter's
// comparisons, with the value on top.
func (p *applier) createElement(l *list, s *step) error {
	if s.value == nil && s.parts == nil {
		if s.create {
			return nil // unassigning what is not there
		}
		return noTarget(l.attr)
	}
	var base Complex
	if s.at.filter == nil {
		base = Complex{}
	} else {
		base = s.at.filter.element()
	}
	if !s.create || base == nil {
		return noTarget(l.attr)
	}
	e, err := p.changedElement(l.attr, s, base)
	if err != nil {
		return err
	}
	if c, ok := e.(Complex); ok {
		for k, v := range base {
			if _, is := c[k]; !is {
				c[k] = v
			}
		}
		if err := (reader{}).requireSubAttributes(l.attr, c); err != nil {
			return err
		}
	}
	return p.addElements(l, []any{e})
}

// removeElements removes the elements that a path names, or of them those that are
// listed, or a sub-attribute of them.
func (p *applier) removeElements(l *list, s *step) error {
	if s.listed && l.attr.identified && s.at.sub == nil {
		return p.removeMembers(l, s.value.([]any))
	}
	found, err := p.matches(l, s.at.filter)
	if err != nil {
		return err
	}
	listed, _ := s.value.([]any)
	if err := p.spend(len(found) * len(listed) * (1 + l.heft + heft(listed))); err != nil {
		return err
	}
	for _, i := range found {
		if s.listed && !isListed(s.at, listed, l.items[i]) {
			continue
		}
		var left any
		if s.at.sub != nil {
			if left, err = p.changedElement(l.attr, &step{verb: verbReplace, at: s.at}, l.items[i]); err != nil {
				return err
			}
		}
		l.set(i, left)
	}
	return nil
}

// removeMembers removes elements that are known by their `value`.
func (p *applier) removeMembers(l *list, elements []any) error {
	if err := p.lookUp(l, len(elements)); err != nil {
		return err
	}
	for _, e := range elements {
		if at, found := l.find(elementKey(l.attr, e)); found {
			l.set(at, nil)
		}
	}
	return nil
}

// isListed says whether an element is like one in the value of a remove: it has all
// that is given there.
func isListed(at target, listed []any, e any) bool {
	for _, want := range listed {
		if at.sub == nil && resembles(at.attr, e, want) {
			return true
		}
		if c, _ := e.(Complex); at.sub != nil && sameScalar(at.sub, c[at.sub.Name], want) {
			return true
		}
	}
	return false
}

func resembles(a *Attribute, e, want any) bool {
	given, ok := want.(Complex)
	if !ok {
		return sameScalar(a, e, want)
	}
	c, _ := e.(Complex)
	for name, v := range given {
		if sub := a.sub(name); sub == nil || !sameScalar(sub, c[name], v) {
			return false
		}
	}
	return len(given) > 0
}

// removesIdentity is the error for who would leave a value without what it is known by.
func removesIdentity(a *Attribute) error {
	return badRequest(Mutability, "%q is what a value of %q is known by, and cannot be taken away from it: remove the whole, with the path %s[value eq \"…\"]",
		a.value.path, a.path, a.path)
}
