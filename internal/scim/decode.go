package scim

import (
	"bytes"

	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// FromJSON reads what MarshalJSON wrote, for a store. Everything counts, read-only
// attributes and `meta` too, and nothing is put up with.
func FromJSON(t *ResourceType, doc []byte) (*Resource, error) {
	o, err := parseObject(doc)
	if err != nil {
		return nil, err
	}
	return reader{t: t, stored: true}.resource(o, refuseOdd(t))
}

// ExtensionFromJSON reads the JSON of one extension's attributes, for a store, as
// FromJSON reads a whole resource. The extension must be one of the type's.
func ExtensionFromJSON(t *ResourceType, urn string, doc []byte) (Complex, error) {
	s := t.schemaNamed(urn)
	if s == nil || s.core {
		return nil, badRequest(InvalidValue, "%q is no extension of %s", urn, t.Name)
	}
	o, err := parseObject(doc)
	if err != nil {
		return nil, err
	}
	var odd []oddMember
	c, err := reader{t: t, stored: true}.extension(s, &odd, o)
	if len(odd) > 0 {
		return nil, badRequest(InvalidSyntax, "%q has no attribute %q", urn, odd[0].Name)
	}
	if err != nil || len(c) == 0 {
		return nil, err
	}
	return c, requireAttributes(s, c)
}

func parseObject(doc []byte) (strictjson.Object, error) {
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, badRequest(InvalidSyntax, "the body is empty: a JSON object is expected, with \"schemas\" and what the request is about")
	}
	v, err := strictjson.Parse(doc)
	if err != nil {
		return nil, badRequest(InvalidSyntax, "the body is not the JSON that it should be: %v", err)
	}
	o, ok := v.(strictjson.Object)
	if !ok {
		return nil, badRequest(InvalidSyntax, "the body must be a JSON object, not %s", kindOf(v))
	}
	return o, nil
}

// refuseOdd refuses members that have not the name of an attribute.
func refuseOdd(t *ResourceType) func(*Resource, []oddMember) (*Resource, error) {
	return func(_ *Resource, odd []oddMember) (*Resource, error) {
		return nil, badRequest(InvalidSyntax, "%q is no attribute of %s", odd[0].Name, t.Name)
	}
}

// resource reads a whole resource. assignOdd makes of it the one that has those members
// too whose names have to be understood first, if there are any.
func (d reader) resource(o strictjson.Object, assignOdd func(*Resource, []oddMember) (*Resource, error)) (*Resource, error) {
	declared, err := d.declared(o)
	if err != nil {
		return nil, err
	}
	attributes := make(Complex, len(o))
	var odd []oddMember
	for _, m := range o {
		if err := d.member(attributes, &odd, m); err != nil {
			return nil, err
		}
	}
	r := NewResource(d.t, attributes)
	if len(odd) > 0 {
		if r, err = assignOdd(r, odd); err != nil {
			return nil, err
		}
	}
	for _, e := range d.t.Extensions {
		if !d.l.UndeclaredExtensions && !declared[e.Schema] && len(r.container(e.Schema)) > 0 {
			return nil, badRequest(InvalidSyntax, "there are attributes of %q, so \"schemas\" must list it", e.Schema.ID)
		}
	}
	return r, checkRequired(r)
}

// oddMember is a member whose name is not that of an attribute in this place.
type oddMember struct {
	home *Schema // under whose URN it stands; nil for the top
	strictjson.Member
}

// member reads one member of a resource into its attributes, or puts it off until all
// that have the names of attributes are read.
func (d reader) member(attributes Complex, odd *[]oddMember, m strictjson.Member) error {
	if a := d.t.attributeNamed(m.Name); a != nil {
		if a == attrSchemas || a.Mutability == ReadOnly && !d.stored {
			return nil
		}
		return d.assign(attributes, a, m.Value)
	}
	s := d.t.schemaNamed(m.Name)
	if s == nil || s.core {
		*odd = append(*odd, oddMember{nil, m})
		return nil
	}
	if _, again := attributes[s.ID]; again {
		return badRequest(InvalidSyntax, "%q is given twice, by two of its names", s.ID)
	}
	c, err := d.extension(s, odd, m.Value)
	if len(c) > 0 {
		attributes[s.ID] = c
	}
	return err
}

func (d reader) assign(attributes Complex, a *Attribute, in any) error {
	v, err := d.attribute(a, in)
	if err != nil {
		return err
	}
	if v != nil && !a.discarded() {
		attributes[a.Name] = v
	}
	return nil
}

// extension reads the object under an extension's URN.
func (d reader) extension(s *Schema, odd *[]oddMember, v any) (Complex, error) {
	if v == nil {
		return nil, nil
	}
	o, ok := v.(strictjson.Object)
	if !ok {
		return nil, badRequest(InvalidValue, "the value of %q must be an object, not %s", s.ID, kindOf(v))
	}
	c := make(Complex, len(o))
	for _, m := range o {
		a := s.attr(m.Name)
		if a == nil {
			*odd = append(*odd, oddMember{s, m})
			continue
		}
		if a.Mutability == ReadOnly && !d.stored {
			continue
		}
		if err := d.assign(c, a, m.Value); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// declared reads `schemas`: which schemas of the type the document says it has. A
// document that says it is of another type is refused, whatever is missing or
// ignored otherwise: it was sent to the wrong endpoint (RFC 7644 section 3.3.1).
func (d reader) declared(o strictjson.Object) (map[*Schema]bool, error) {
	urns, err := schemasOf(o, d.l)
	if err != nil {
		return nil, err
	}
	declared := map[*Schema]bool{}
	other := ""
	for _, text := range urns {
		u := d.t.urnNamed(text)
		if (u == nil || u.schema == nil) && !d.l.IgnoreUnknown {
			return nil, badRequest(InvalidSyntax, "\"schemas\" lists %q, which is no schema of %s", text, d.t.Name)
		}
		switch {
		case u == nil:
		case u.schema == nil:
			other = u.of
		default:
			declared[u.schema] = true
		}
	}
	if !declared[d.t.Schema] && other != "" {
		return nil, badRequest(InvalidSyntax, "\"schemas\" lists a schema of %s; a %s lists %q", other, d.t.Name, d.t.Schema.ID)
	}
	if !declared[d.t.Schema] && !d.l.MissingSchemas {
		return nil, badRequest(InvalidSyntax, "\"schemas\" must list %q", d.t.Schema.ID)
	}
	return declared, nil
}

// schemasOf is the value of `schemas` of a resource or a message. URNs listed twice
// do no harm: the server makes the list anew.
func schemasOf(o strictjson.Object, l Leniency) ([]string, error) {
	v := member(o, attrSchemas.Name)
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if _, single := v.(string); single && l.SingleForArray {
		list, ok = []any{v}, true
	}
	if !ok {
		return nil, badRequest(InvalidSyntax, "\"schemas\" must be an array of URNs, not %s", kindOf(v))
	}
	urns := make([]string, 0, len(list))
	for _, e := range list {
		urn, ok := e.(string)
		if !ok {
			return nil, badRequest(InvalidSyntax, "\"schemas\" must be an array of URNs; an element is %s", kindOf(e))
		}
		urns = append(urns, urn)
	}
	return urns, nil
}

// member returns the value of a member by its name, whatever its case; nil when
// there is none.
func member(o strictjson.Object, name string) any {
	for _, m := range o {
		if equalASCII(m.Name, name) {
			return m.Value
		}
	}
	return nil
}

// checkMessage checks that a message lists its own schema.
func checkMessage(o strictjson.Object, urn string, l Leniency) error {
	urns, err := schemasOf(o, l)
	if err != nil {
		return err
	}
	for _, u := range urns {
		if equalASCII(u, urn) {
			return nil
		}
	}
	if l.MissingSchemas {
		return nil
	}
	return badRequest(InvalidSyntax, "\"schemas\" must list %q", urn)
}

// checkRequired checks that required attributes have a value (RFC 7643 section
// 7). An extension's count where the resource has any data of it.
func checkRequired(r *Resource) error {
	if err := requireAttributes(r.kind.Schema, r.Attributes()); err != nil {
		return err
	}
	for _, e := range r.kind.Extensions {
		c := r.container(e.Schema)
		if len(c) == 0 && e.Required {
			return badRequest(InvalidValue, "attributes of %q are required", e.Schema.ID)
		}
		if len(c) > 0 {
			if err := requireAttributes(e.Schema, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func requireAttributes(s *Schema, c Complex) error {
	for _, a := range s.Attributes {
		if a.Required && a.Mutability != ReadOnly && !a.discarded() && isBlank(c[a.Name]) {
			return badRequest(InvalidValue, "%q is required", a.path)
		}
	}
	return nil
}
