package scim

// maxWork bounds how many comparisons of short texts the operations of one PATCH take,
// all together: 5,000 filters over 100,000 members would keep a server busy.
const maxWork = 5_000_000

// Apply gives the resource that the operations, one after the other, make of the
// current one, and whether that differs in content. All of them apply or none. The
// current resource is not changed; the result shares with it what did not change.
func (p *Patch) Apply(current *Resource) (result *Resource, changed bool, err error) {
	if current == nil || current.kind != p.t {
		return nil, false, badRequest(InvalidPath, "the operations are for a %s", p.t.Name)
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
func applied(current *Resource, steps []step) (*Resource, error) {
	a := newApplier(current)
	for i := range steps {
		if err := a.step(&steps[i]); err != nil {
			return nil, err
		}
	}
	return a.r, a.finish()
}

func newApplier(current *Resource) *applier {
	return &applier{before: current, r: current.shallow(),
		lists: map[*Attribute]*list{}, touched: map[*Attribute]*Schema{}, own: map[*Schema]bool{}}
}

// applier applies the steps of one PATCH to a copy of a resource.
type applier struct {
	before  *Resource
	r       *Resource
	own     map[*Schema]bool       // extensions whose map is this copy's
	lists   map[*Attribute]*list   // multi-valued attributes at work
	touched map[*Attribute]*Schema // what may have changed
	work    int
}

func (p *applier) step(s *step) error {
	if s.at.attr == nil {
		return p.removeExtension(s.at.schema)
	}
	p.touched[s.at.attr] = s.at.schema
	switch a := s.at.attr; {
	case a.MultiValued:
		return p.stepList(s)
	case a.Type == TypeComplex:
		return p.stepComplex(s)
	default:
		return p.assign(s.at.schema, a, s.value)
	}
}

// writable is the map for the attributes of a schema, not shared with the resource
// that the copy was made of.
func (p *applier) writable(s *Schema) Complex {
	if s == nil || s.core {
		return p.r.Attributes()
	}
	if p.own[s] {
		return p.r.container(s)
	}
	c := Complex{}
	for k, v := range p.r.container(s) {
		c[k] = v
	}
	p.r.Attributes()[s.ID] = c
	p.own[s] = true
	return c
}

// assign gives an attribute a value, nil to unassign it. One that lasts stays as it is.
func (p *applier) assign(s *Schema, a *Attribute, v any) error {
	if a.lasting && !assigned(v) {
		return nil
	}
	if a.Required && isBlank(v) {
		if assigned(v) {
			return badRequest(InvalidValue, "%q is required and cannot be empty", a.path)
		}
		return badRequest(Mutability, "%q is required and cannot be removed", a.path)
	}
	c := p.writable(s)
	if assigned(v) {
		c[a.Name] = v
	} else {
		delete(c, a.Name)
	}
	return nil
}

// removeExtension unassigns all that a client may write of an extension.
func (p *applier) removeExtension(s *Schema) error {
	for _, e := range p.r.kind.Extensions {
		if e.Schema == s && e.Required {
			return badRequest(Mutability, "%q is required and cannot be removed", s.ID)
		}
	}
	c := p.writable(s)
	for _, a := range s.Attributes {
		if a.Mutability != ReadOnly {
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
	a := s.at.attr
	old, _ := p.r.container(s.at.schema)[a.Name].(Complex)
	now := Complex{}
	for k, v := range old {
		now[k] = v
	}
	if s.at.filter != nil {
		if err := p.spend(s.at.filter.cost * (1 + heft(old))); err != nil {
			return err
		}
	}
	if s.at.filter != nil && !(len(old) > 0 && s.at.filter.match(p.r, old)) {
		if s.verb == verbRemove {
			return nil
		}
		now = nil
		if s.create && len(old) == 0 {
			now = s.at.filter.element()
		}
		if now == nil {
			return noTarget(a)
		}
	}
	switch {
	case s.at.sub != nil:
		if err := p.setPart(s, now, part{s.at.sub, s.value}); err != nil {
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
		return p.assign(s.at.schema, a, nil)
	}
	return p.assign(s.at.schema, a, now)
}

// setPart merges a sub-attribute into a complex value; add has nothing to unassign.
func (p *applier) setPart(s *step, c Complex, x part) error {
	if x.value == nil && s.verb == verbAdd {
		return nil
	}
	if list, ok := x.value.([]any); ok && s.verb == verbAdd {
		old, _ := c[x.sub.Name].([]any)
		all := append(append([]any(nil), old...), list...)
		if err := p.spend(len(all) * (1 + heft(all))); err != nil {
			return err
		}
		if all = distinct(x.sub, all); len(all) > MaxElements {
			return tooManyElements(x.sub)
		}
		x.value = all
	}
	return setSub(c, x.sub, x.value)
}

// setSub gives a sub-attribute a value, nil to unassign it.
func setSub(c Complex, sub *Attribute, v any) error {
	if sub.Required && isBlank(v) {
		return badRequest(Mutability, "%q is required and cannot be removed", sub.path)
	}
	if assigned(v) {
		c[sub.Name] = v
	} else {
		delete(c, sub.Name)
	}
	return nil
}

func noTarget(a *Attribute) error {
	return badRequest(NoTarget, "no value of %q satisfies the filter in the path", a.path)
}

// finish puts the lists back and checks what can be said at the end only.
func (p *applier) finish() error {
	for a, l := range p.lists {
		if !l.changed {
			continue
		}
		items := l.compact()
		if !a.identified { // those that are keep their `value`, and stay distinct
			if items = distinct(a, items); len(items) > MaxElements {
				return tooManyElements(a)
			}
		}
		if err := p.assign(p.touched[a], a, items); err != nil {
			return err
		}
	}
	for s := range p.own {
		if len(p.r.container(s)) == 0 {
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
func (p *applier) check(s *Schema, a *Attribute) error {
	was, is := p.before.container(s)[a.Name], p.r.container(s)[a.Name]
	if a.Mutability == Immutable && assigned(was) && !equalContent(a, was, is) {
		return immutableDiffers(a)
	}
	if s != nil && !s.core && len(p.before.container(s)) == 0 && len(p.r.container(s)) > 0 {
		if err := requireAttributes(s, p.r.container(s)); err != nil {
			return err
		}
	}
	now, ok := is.(Complex)
	if !ok {
		return nil
	}
	if old, ok := was.(Complex); ok {
		for _, sub := range a.SubAttributes {
			if v := old[sub.Name]; sub.Mutability == Immutable && assigned(v) && !equalContent(sub, v, now[sub.Name]) {
				return immutableDiffers(sub)
			}
		}
	}
	return reader{}.requireSubAttributes(a, now)
}

func (p *applier) changed() bool {
	for a, s := range p.touched {
		if !equalContent(a, p.before.container(s)[a.Name], p.r.container(s)[a.Name]) {
			return true
		}
	}
	return false
}

// spend counts work, and refuses more than is reasonable.
func (p *applier) spend(n int) error {
	if p.work += n; p.work > maxWork {
		return badRequest(TooMany, "the operations take more than %d comparisons all together: send fewer at a time, or paths with value eq", maxWork)
	}
	return nil
}

// look counts so many comparisons with elements.
func (p *applier) look(l *list, n int) error { return p.spend(n * (1 + l.heft)) }

// lookUp counts the work of finding elements by key, which is that of making the index
// where there is none.
func (p *applier) lookUp(l *list, n int) error {
	if l.index == nil {
		n += len(l.items)
	}
	return p.look(l, n)
}
