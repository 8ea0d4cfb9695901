package patch

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// stepList changes a multi-valued attribute.
func (p *applier) stepList(s *step) error {
	l := p.list(s.at)
	switch {
	case s.verb == verbRemove:
		return p.removeElements(l, s)
	case s.at.filter != nil || s.at.Sub != nil:
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
	l := p.lists[at.Attr]
	if l == nil {
		items, _ := p.r.Container(at.Schema)[at.Attr.Name].([]any)
		l = &list{attr: at.Attr, items: items, foldCost: foldCost(items)}
		p.lists[at.Attr] = l
	}
	return l
}

// addElements appends what is not there yet.
func (p *applier) addElements(l *list, elements []any) error {
	for _, e := range elements {
		if err := p.lookUp(l, 1); err != nil {
			return err
		}
		at, found := l.find(content.ElementKey(l.attr, e))
		switch {
		case !found:
			at = l.append(e)
		case l.attr.Identified():
			continue
		default:
			if err := p.merge(l, at, e); err != nil {
				return err
			}
		}
		if content.IsPrimary(l.attr, e) {
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
	more, _ := with.(scim.Complex)
	s := step{verb: verbAdd, at: target{Ref: schema.Ref{Attr: l.attr}}}
	for _, sub := range l.attr.SubAttributes {
		if v := more[sub.Name]; content.Assigned(v) && sub != l.attr.ValueAttr() && sub != l.attr.TypeAttr() {
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
	if l.attr.Identified() {
		elements = KeepElements(l.attr, l.compact(), elements).([]any)
	}
	l.items, l.index, l.holes, l.foldCost = append([]any(nil), elements...), nil, 0, foldCost(elements)
	l.own, l.changed = true, true
	return nil
}

// matches are the positions of the elements that a path names: all without a filter.
func (p *applier) matches(l *list, f *filter.ValueFilter) ([]int, error) {
	if f != nil && f.ID != nil {
		if err := p.lookUp(l, f.Cost); err != nil {
			return nil, err
		}
		at, found := l.find(content.ElementKey(l.attr, scim.Complex{l.attr.ValueAttr().Name: *f.ID}))
		if !found || !f.Match(p.r, l.items[at]) {
			return nil, nil
		}
		return []int{at}, nil
	}
	cost := 1
	if f != nil {
		cost = f.Cost
	}
	if err := p.look(l, len(l.items)*cost); err != nil {
		return nil, err
	}
	var found []int
	for i, e := range l.items {
		if e != nil && (f == nil || f.Match(p.r, e)) {
			found = append(found, i)
		}
	}
	return found, nil
}

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
		return scim.BadRequest(scim.InvalidValue, "%q has more than one value with \"primary\": true (RFC 7643 section 2.4)", l.attr.Path())
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
	primary := s.at.Attr.PrimaryAttr()
	if primary == nil {
		return false
	}
	if s.at.Sub != nil {
		return s.at.Sub == primary && s.value == true
	}
	for _, x := range s.parts {
		if x.sub == primary && x.value == true {
			return true
		}
	}
	return content.IsPrimary(s.at.Attr, s.value)
}

// changedElement is what a step makes of an element; nil when nothing is left.
func (p *applier) changedElement(a *schema.Attribute, s *step, old any) (any, error) {
	if s.at.Sub == nil && s.parts == nil {
		if now, ok := s.value.(scim.Complex); ok {
			return KeepSubAttributes(a, old, content.Clone(now).(scim.Complex))
		}
		return s.value, nil
	}
	was, _ := old.(scim.Complex)
	now := make(scim.Complex, len(was)+1)
	for k, v := range was {
		now[k] = v
	}
	parts := s.parts
	if s.at.Sub != nil {
		parts = []part{{s.at.Sub, s.value}}
	}
	for _, x := range parts {
		if v := was[x.sub.Name]; x.sub.Mutability == schema.Immutable && content.Assigned(v) && !content.SameScalar(x.sub, v, x.value) {
			if x.value == nil && a.Identified() && x.sub == a.ValueAttr() {
				return nil, removesIdentity(a)
			}
			return nil, ImmutableDiffers(x.sub)
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
	var base scim.Complex
	if s.at.filter == nil {
		base = scim.Complex{}
	} else {
		base = s.at.filter.Element()
	}
	if !s.create || base == nil {
		return noTarget(l.attr)
	}
	e, err := p.changedElement(l.attr, s, base)
	if err != nil {
		return err
	}
	if c, ok := e.(scim.Complex); ok {
		for k, v := range base {
			if _, is := c[k]; !is {
				c[k] = v
			}
		}
		if err := (decode.Reader{}).RequireSubAttributes(l.attr, c); err != nil {
			return err
		}
	}
	return p.addElements(l, []any{e})
}

// removeElements removes the elements that a path names, or of them those that are
// listed, or a sub-attribute of them.
func (p *applier) removeElements(l *list, s *step) error {
	if s.listed && l.attr.Identified() && s.at.Sub == nil {
		return p.removeMembers(l, s.value.([]any))
	}
	found, err := p.matches(l, s.at.filter)
	if err != nil {
		return err
	}
	listed, _ := s.value.([]any)
	if err := p.spend(len(found) * len(listed) * (1 + l.foldCost + foldCost(listed))); err != nil {
		return err
	}
	for _, i := range found {
		if s.listed && !isListed(s.at, listed, l.items[i]) {
			continue
		}
		var left any
		if s.at.Sub != nil {
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
		if at, found := l.find(content.ElementKey(l.attr, e)); found {
			l.set(at, nil)
		}
	}
	return nil
}

// isListed says whether an element is like one in the value of a remove: it has all
// that is given there.
func isListed(at target, listed []any, e any) bool {
	for _, want := range listed {
		if at.Sub == nil && resembles(at.Attr, e, want) {
			return true
		}
		if c, _ := e.(scim.Complex); at.Sub != nil && content.SameScalar(at.Sub, c[at.Sub.Name], want) {
			return true
		}
	}
	return false
}

func resembles(a *schema.Attribute, e, want any) bool {
	given, ok := want.(scim.Complex)
	if !ok {
		return content.SameScalar(a, e, want)
	}
	c, _ := e.(scim.Complex)
	for name, v := range given {
		if sub := a.Sub(name); sub == nil || !content.SameScalar(sub, c[name], v) {
			return false
		}
	}
	return len(given) > 0
}
