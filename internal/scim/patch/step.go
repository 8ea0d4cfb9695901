package patch

import (
	"slices"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// step is a change of one attribute, with its value read and checked.
type step struct {
	verb verb
	at   target
	// value is what to assign: nil to unassign. For a whole multi-valued attribute
	// it is an []any, with remove the elements to look for.
	value any
	// parts are what to merge into a complex value, instead of value.
	parts []part
	// listed says that a remove is only for the elements in value.
	listed bool
	// create allows to make the element that the path asks for.
	create bool
}

// part is a sub-attribute and its value, nil to unassign.
type part struct {
	sub   *schema.Attribute
	value any
}

// stepCompiler takes an operation apart.
type stepCompiler struct {
	d     decode.Reader
	verb  verb
	steps []step
	// odd says that members had other names than usual, so that two may mean the same.
	odd bool
}

// assignPath compiles an add or a replace with a path.
func (c *stepCompiler) assignPath(path string, value any) error {
	at, err := parsePath(c.d, path)
	if err != nil {
		return c.unlessIgnored(path, err)
	}
	return c.assign(at, value)
}

// assignObject compiles an add or a replace without a path, whose value is an object
// of attributes (RFC 7644 section 3.5.2.1).
func (c *stepCompiler) assignObject(value any) error {
	o, ok := value.(strictjson.Object)
	if !ok {
		return scim.BadRequest(scim.InvalidValue, "without a path the value must be an object of attributes, not %s", strictjson.Describe(value))
	}
	return c.assignMembers(nil, o)
}

// assignMembers compiles the members of an object. Their names differ, but may mean the
// same, which finish finds out.
func (c *stepCompiler) assignMembers(home *schema.Schema, o strictjson.Object) error {
	for _, m := range o {
		if err := c.assignMember(home, m); err != nil {
			return err
		}
	}
	return nil
}

// finish gives the steps of an operation, unless two of them assign the same. It looks once
// at the steps of all objects that are inside of each other.
func (c *stepCompiler) finish() ([]step, error) {
	if !c.odd {
		return c.steps, nil
	}
	return c.steps, collision(nil, c.steps)
}

// assignMember compiles the assignment of one member of an object, whose attributes are
// those of a schema, or nil for the core schema and the common ones.
func (c *stepCompiler) assignMember(home *schema.Schema, m strictjson.Member) error {
	name := beforeBracket(m.Name)
	r, wrong := c.d.Type.Meaning(home, name)
	switch {
	case wrong != nil && wrong.Unknown && c.d.Leniency.IgnoreUnknown:
		return nil
	case wrong != nil:
		return scim.BadRequest(scim.InvalidSyntax, "%s", wrong.Problem)
	}
	at := target{Ref: r}
	if name != m.Name {
		var err error
		if at, err = parsePathIn(c.d, home, m.Name); err != nil {
			return err
		}
	}
	c.odd = c.odd || !at.usual(home, m.Name)
	if at.Attr != nil && at.Attr != schema.AttrSchemas && c.d.Leniency.IgnoreReadOnly && (at.Attr.Mutability == schema.ReadOnly || at.Leaf().Mutability == schema.ReadOnly) {
		return nil
	}
	return c.assign(at, m.Value)
}

// usual says whether a member has the one name that nothing else can be meant by in its
// place.
func (at target) usual(home *schema.Schema, name string) bool {
	switch {
	case at.Attr == nil:
		return ascii.Equal(at.Schema.ID, name) && !at.Schema.Core()
	case home == nil:
		return at.Sub == nil && at.filter == nil && (at.Schema == nil || at.Schema.Core()) && ascii.Equal(at.Attr.Name, name)
	default:
		return at.Schema == home && ascii.Equal(at.Attr.Name, name)
	}
}

// unlessIgnored is the error about a path, or none if that is unknown and to be
// ignored.
func (c *stepCompiler) unlessIgnored(path string, err error) error {
	if ignorable(c.d, path) {
		return nil
	}
	return err
}

// assign compiles the assignment of a value.
func (c *stepCompiler) assign(at target, value any) error {
	if at.ignored {
		return nil
	}
	if at.Attr == schema.AttrSchemas && at.filter == nil {
		return c.schemas(value)
	}
	if at.Attr == nil {
		return c.assignExtension(at.Schema, value)
	}
	if err := c.writable(at); err != nil {
		return err
	}
	s := step{verb: c.verb, at: at, create: c.d.Leniency.CreateMissing}
	if err := c.read(&s, value); err != nil {
		return err
	}
	nothing := s.value == nil && s.parts == nil && c.verb == verbAdd
	if !nothing && !at.Attr.Discarded() && !at.Leaf().Discarded() {
		c.steps = append(c.steps, s)
	}
	return nil
}

// schemas accepts an assignment to `schemas`, which changes nothing: the list
// follows from the data.
func (c *stepCompiler) schemas(value any) error {
	_, err := decode.Reader{Type: c.d.Type, Leniency: withMissingSchemas(c.d.Leniency)}.Declared(strictjson.Object{{Name: schema.AttrSchemas.Name, Value: value}})
	return err
}

func withMissingSchemas(l scim.Leniency) scim.Leniency {
	l.MissingSchemas = true
	return l
}

func (c *stepCompiler) assignExtension(s *schema.Schema, value any) error {
	if value == nil {
		if c.verb == verbReplace && !s.Core() {
			c.steps = append(c.steps, step{verb: verbRemove, at: target{Ref: schema.Ref{Schema: s}}})
		}
		return nil
	}
	o, ok := value.(strictjson.Object)
	if !ok {
		return scim.BadRequest(scim.InvalidValue, "the value of %q must be an object, not %s", s.ID, strictjson.Describe(value))
	}
	return c.assignMembers(s, o)
}

// writable refuses paths to what the client must not change.
func (c *stepCompiler) writable(at target) error {
	if leaf := at.Leaf(); at.Attr.Mutability == schema.ReadOnly || leaf.Mutability == schema.ReadOnly || leaf.Made() {
		return scim.BadRequest(scim.Mutability, "%q is read-only", leaf.Path())
	}
	return nil
}

// read reads the value that a step assigns.
func (c *stepCompiler) read(s *step, value any) (err error) {
	a := s.at.Attr
	switch {
	case s.at.Sub != nil:
		s.value, err = c.d.Attribute(s.at.Sub, value)
		if s.at.Sub == a.ValueAttr() && s.at.filter == nil && c.d.Cleared(a, scim.Complex{"value": s.value}) {
			s.at.Sub, s.value = nil, nil
		}
	case a.Type == schema.TypeComplex && (!a.MultiValued || s.at.filter != nil && c.verb == verbAdd):
		err = c.readParts(s, value)
	case s.at.filter != nil && value != nil:
		s.value, err = c.d.Element(a, c.unwrap(value))
	case s.at.filter != nil: // null unassigns
	default:
		s.value, err = c.d.Attribute(a, value)
	}
	return err
}

// unwrap takes the only element out of an array where one value is meant.
func (c *stepCompiler) unwrap(value any) any {
	if list, ok := value.([]any); ok && c.d.Leniency.ArrayForSingle && len(list) == 1 {
		return list[0]
	}
	return value
}

// readParts reads the sub-attributes to merge into a complex value. An explicit null
// unassigns.
func (c *stepCompiler) readParts(s *step, value any) error {
	a := s.at.Attr
	if list, ok := value.([]any); ok && c.d.Leniency.ArrayForSingle && len(list) == 0 {
		value = nil
	}
	value = c.unwrap(value)
	if text, ok := value.(string); ok && c.d.Leniency.ScalarForComplex && a.ValueAttr() != nil {
		value = strictjson.Object{{Name: a.ValueAttr().Name, Value: text}}
	}
	if value == nil {
		return nil
	}
	o, ok := value.(strictjson.Object)
	if !ok {
		return scim.BadRequest(scim.InvalidValue, "%q is complex: its value must be an object, not %s", a.Path(), strictjson.Describe(value))
	}
	s.parts = make([]part, 0, len(o))
	for _, m := range o {
		sub, err := c.d.SubAttribute(a, m.Name)
		if err != nil {
			return err
		}
		if sub == nil || sub.Made() || sub.Mutability == schema.ReadOnly {
			continue
		}
		v, err := c.d.Attribute(sub, m.Value)
		if err != nil {
			return err
		}
		if sub == a.ValueAttr() && c.d.Cleared(a, scim.Complex{"value": v}) {
			s.parts = nil
			return nil
		}
		if slices.ContainsFunc(s.parts, func(x part) bool { return x.sub == sub }) {
			return scim.BadRequest(scim.InvalidSyntax, "%q is given twice, by two of its names", sub.Path())
		}
		if !sub.Discarded() {
			s.parts = append(s.parts, part{sub, v})
		}
	}
	return nil
}

// remove compiles a remove.
func (c *stepCompiler) remove(m wireOperation) error {
	at, err := parsePath(c.d, m.path)
	if err != nil {
		return c.unlessIgnored(m.path, err)
	}
	if at.ignored {
		return nil
	}
	if at.Attr == nil {
		if at.Schema.Core() {
			return scim.BadRequest(scim.InvalidPath, "path: %q names a schema and no attribute", m.path)
		}
		if m.value != nil {
			return valueOnRemove(at.Schema.ID)
		}
		c.steps = append(c.steps, step{verb: verbRemove, at: at})
		return nil
	}
	if err := c.writable(at); err != nil {
		return err
	}
	if at.Sub != nil && at.Sub.MultiValued && m.value != nil {
		return scim.BadRequest(scim.InvalidValue, "a remove takes away all values of %q: to keep some, send these in a replace", at.Sub.Path())
	}
	s := step{verb: verbRemove, at: at}
	if m.value != nil && at.filter == nil {
		if err := c.readListed(&s, m.value); err != nil {
			return err
		}
	}
	if !at.Attr.Discarded() && !at.Leaf().Discarded() {
		c.steps = append(c.steps, s)
	}
	return nil
}

// readListed reads the value of a remove. The RFC knows none: to take it for
// "remove all" would empty groups, so it is a list of what to remove, or refused.
func (c *stepCompiler) readListed(s *step, value any) error {
	a := s.at.Attr
	if !a.MultiValued {
		if a.Type == schema.TypeComplex && a.ValueAttr() == nil && s.at.Sub == nil {
			return valueOnRemove(a.Path())
		}
		return nil // a path to one value says all: what the value was does not matter
	}
	if !c.d.Leniency.RemoveValues {
		return valueOnRemove(a.Path())
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	d, of := c.d, s.at.Leaf()
	d.Partial = true
	// To leave out a part of what an element must be like would remove others too.
	d.Leniency.IgnoreUnknown = d.Leniency.IgnoreUnknown && a.Identified()
	s.listed = true
	var elements []any
	for _, e := range list {
		if o, ok := e.(strictjson.Object); ok && a.ValueAttr() != nil && saysNull(o, a.ValueAttr().Name) {
			return scim.BadRequest(scim.InvalidValue, "an element to remove from %q has no \"value\": leave that out to remove by the rest of it", a.Path())
		}
		v, err := d.Element(of, e)
		if err != nil {
			return err
		}
		if v != nil {
			elements = append(elements, v)
		}
	}
	s.value = elements
	return nil
}

// saysNull says whether an object has the member, and null for it.
func saysNull(o strictjson.Object, name string) bool {
	return slices.ContainsFunc(o, func(m strictjson.Member) bool { return m.Value == nil && ascii.Equal(m.Name, name) })
}

func valueOnRemove(path string) error {
	return scim.BadRequest(scim.InvalidValue, "a remove has no value (RFC 7644 section 3.5.2.2): name what to remove in the path, as in %s[value eq \"…\"]", path)
}
