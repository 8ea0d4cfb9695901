package patch

import (
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Apply gives the resource that the operations, one after the other, make of the
// current one, and whether that differs in content. All of them apply or none. The
// current resource is not changed; the result shares with it what did not change.
func (p *Patch) Apply(current *scim.Resource) (result *scim.Resource, changed bool, err error) {
	if current == nil || current.Type() != p.t {
		return nil, false, scim.BadRequest(scim.InvalidPath, "the operations are for a %s", p.t.Name)
	}
	a := newApplier(current)
	for _, op := range p.ops {
		for i := range op.steps {
			if err := a.step(&op.steps[i]); err != nil {
				return nil, false, inOperation(op.number, err)
			}
		}
	}
	if err := a.finish(); err != nil {
		return nil, false, err
	}
	return a.r, a.changed(), nil
}

// applied is what steps that belong to no operation make of a resource.
func applied(current *scim.Resource, steps []step) (*scim.Resource, error) {
	a := newApplier(current)
	for i := range steps {
		if err := a.step(&steps[i]); err != nil {
			return nil, err
		}
	}
	return a.r, a.finish()
}

func newApplier(current *scim.Resource) *applier {
	return &applier{before: current, r: current.Shallow(),
		lists: map[*schema.Attribute]*list{}, touched: map[*schema.Attribute]*schema.Schema{}, own: map[*schema.Schema]bool{}}
}

// applier applies the steps of one PATCH to a copy of a resource.
type applier struct {
	before  *scim.Resource
	r       *scim.Resource
	own     map[*schema.Schema]bool              // extensions whose map is this copy's
	lists   map[*schema.Attribute]*list          // multi-valued attributes at work
	touched map[*schema.Attribute]*schema.Schema // what may have changed
	work    int
}

func (p *applier) step(s *step) error {
	if s.at.Attr == nil {
		return p.removeExtension(s.at.Schema)
	}
	p.touched[s.at.Attr] = s.at.Schema
	switch a := s.at.Attr; {
	case a.MultiValued:
		return p.stepList(s)
	case a.Type == schema.TypeComplex:
		return p.stepComplex(s)
	default:
		return p.assign(s.at.Schema, a, s.value)
	}
}

// writable is the map for the attributes of a schema, not shared with the resource
// that the copy was made of.
func (p *applier) writable(s *schema.Schema) scim.Complex {
	if s == nil || s.Core() {
		return p.r.Attributes()
	}
	if p.own[s] {
		return p.r.Container(s)
	}
	c := scim.Complex{}
	for k, v := range p.r.Container(s) {
		c[k] = v
	}
	p.r.Attributes()[s.ID] = c
	p.own[s] = true
	return c
}

// assign gives an attribute a value, nil to unassign it. One that lasts stays as it is.
func (p *applier) assign(s *schema.Schema, a *schema.Attribute, v any) error {
	if a.Lasting() && !content.Assigned(v) {
		return nil
	}
	if a.Required && content.IsBlank(v) {
		if content.Assigned(v) {
			return scim.BadRequest(scim.InvalidValue, "%q is required and cannot be empty", a.Path())
		}
		return scim.BadRequest(scim.Mutability, "%q is required and cannot be removed", a.Path())
	}
	c := p.writable(s)
	if content.Assigned(v) {
		c[a.Name] = v
	} else {
		delete(c, a.Name)
	}
	return nil
}

// removeExtension unassigns all that a client may write of an extension.
func (p *applier) removeExtension(s *schema.Schema) error {
	for _, e := range p.r.Type().Extensions {
		if e.Schema == s && e.Required {
			return scim.BadRequest(scim.Mutability, "%q is required and cannot be removed", s.ID)
		}
	}
	c := p.writable(s)
	for _, a := range s.Attributes {
		if a.Mutability != schema.ReadOnly {
			p.touched[a] = s
			delete(p.lists, a)
			delete(c, a.Name)
		}
	}
	return nil
}

// stepComplex changes a complex attribute with one value. A filter says whether that
// value is the one that is meant.
func (p *applier) stepComplex(s *step) error {
	a := s.at.Attr
	old, _ := p.r.Container(s.at.Schema)[a.Name].(scim.Complex)
	now := scim.Complex{}
	for k, v := range old {
		now[k] = v
	}
	if s.at.filter != nil {
		if err := p.spend(s.at.filter.Cost * (1 + foldCost(old))); err != nil {
			return err
		}
	}
	if s.at.filter != nil && !(len(old) > 0 && s.at.filter.Match(p.r, old)) {
		if s.verb == verbRemove {
			return nil
		}
		now = nil
		if s.create && len(old) == 0 {
			now = s.at.filter.Element()
		}
		if now == nil {
			return noTarget(a)
		}
	}
	switch {
	case s.at.Sub != nil:
		if err := p.setPart(s, now, part{s.at.Sub, s.value}); err != nil {
			return err
		}
	case s.parts != nil:
		for _, x := range s.parts {
			if err := p.setPart(s, now, x); err != nil {
				return err
			}
		}
	default:
		now = nil
	}
	if len(now) == 0 {
		return p.assign(s.at.Schema, a, nil)
	}
	return p.assign(s.at.Schema, a, now)
}

// setPart merges a sub-attribute into a complex value; add has nothing to unassign.
func (p *applier) setPart(s *step, c scim.Complex, x part) error {
	if x.value == nil && s.verb == verbAdd {
		return nil
	}
	if list, ok := x.value.([]any); ok && s.verb == verbAdd {
		old, _ := c[x.sub.Name].([]any)
		all := append(append([]any(nil), old...), list...)
		if err := p.spend(len(all) * (1 + foldCost(all))); err != nil {
			return err
		}
		if all = content.Distinct(x.sub, all); len(all) > decode.MaxElements {
			return decode.TooManyElements(x.sub)
		}
		x.value = all
	}
	return setSub(c, x.sub, x.value)
}

// setSub gives a sub-attribute a value, nil to unassign it.
func setSub(c scim.Complex, sub *schema.Attribute, v any) error {
	if sub.Required && content.IsBlank(v) {
		return scim.BadRequest(scim.Mutability, "%q is required and cannot be removed", sub.Path())
	}
	if content.Assigned(v) {
		c[sub.Name] = v
	} else {
		delete(c, sub.Name)
	}
	return nil
}

func noTarget(a *schema.Attribute) error {
	return scim.BadRequest(scim.NoTarget, "no value of %q satisfies the filter in the path", a.Path())
}

// finish puts the lists back and checks what can be said at the end only.
func (p *applier) finish() error {
	for a, l := range p.lists {
		if !l.changed {
			continue
		}
		items := l.compact()
		if !a.Identified() { // those that are keep their `value`, and stay distinct
			if items = content.Distinct(a, items); len(items) > decode.MaxElements {
				return decode.TooManyElements(a)
			}
		}
		if err := p.assign(p.touched[a], a, items); err != nil {
			return err
		}
	}
	for s := range p.own {
		if len(p.r.Container(s)) == 0 {
			delete(p.r.Attributes(), s.ID)
		}
	}
	for a, s := range p.touched {
		if err := p.check(s, a); err != nil {
			return err
		}
	}
	return nil
}

// check compares an attribute with what it was before the first operation:
// immutable values must be the same, and a value that is there must be whole.
func (p *applier) check(s *schema.Schema, a *schema.Attribute) error {
	was, is := p.before.Container(s)[a.Name], p.r.Container(s)[a.Name]
	if a.Mutability == schema.Immutable && content.Assigned(was) && !content.Equal(a, was, is) {
		return ImmutableDiffers(a)
	}
	if s != nil && !s.Core() && len(p.before.Container(s)) == 0 && len(p.r.Container(s)) > 0 {
		if err := decode.RequireAttributes(s, p.r.Container(s)); err != nil {
			return err
		}
	}
	now, ok := is.(scim.Complex)
	if !ok {
		return nil
	}
	if old, ok := was.(scim.Complex); ok {
		for _, sub := range a.SubAttributes {
			if v := old[sub.Name]; sub.Mutability == schema.Immutable && content.Assigned(v) && !content.Equal(sub, v, now[sub.Name]) {
				return ImmutableDiffers(sub)
			}
		}
	}
	return decode.Reader{}.RequireSubAttributes(a, now)
}

func (p *applier) changed() bool {
	for a, s := range p.touched {
		if !content.Equal(a, p.before.Container(s)[a.Name], p.r.Container(s)[a.Name]) {
			return true
		}
	}
	return false
}
