package scim

import "strings"

// Projection is the part of a resource that a client wants, by `attributes` or
// `excludedAttributes` (RFC 7644 section 3.9). A nil Projection is the default: all
// but the attributes that are returned on request only.
type Projection struct {
	t       *ResourceType
	exclude bool
	// named has what the client names: a whole attribute, or some sub-attributes.
	named map[*Attribute]*selection
	// schemas are those that are named as a whole.
	schemas map[*Schema]bool
}

type selection struct {
	whole bool
	subs  map[*Attribute]bool
}

// ParseProjection reads the two parameters, which are lists with commas. Names that
// no schema has are ignored. Only one of the two can be given. Without any
// the Projection is nil.
func ParseProjection(t *ResourceType, attributes, excludedAttributes string) (*Projection, error) {
	include, exclude := splitList(attributes), splitList(excludedAttributes)
	if len(include) > 0 && len(exclude) > 0 {
		return nil, badRequest(InvalidValue, "attributes and excludedAttributes exclude each other: send one of them")
	}
	if len(include)+len(exclude) == 0 {
		return nil, nil
	}
	p := &Projection{t: t, exclude: len(exclude) > 0, named: map[*Attribute]*selection{}, schemas: map[*Schema]bool{}}
	for _, name := range append(include, exclude...) {
		if err := p.name(name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func splitList(s string) []string {
	var names []string
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// name adds a name. What may be of several schemas is refused: to leave it out could show
// what was to be excluded.
func (p *Projection) name(path string) error {
	r, wrong := p.t.resolve(path)
	switch {
	case wrong != nil && wrong.several:
		return badRequest(InvalidValue, "%s", wrong.problem)
	case wrong != nil:
		return nil
	case r.attr == nil:
		p.schemas[r.schema] = true
		return nil
	}
	s := p.named[r.attr]
	if s == nil {
		s = &selection{subs: map[*Attribute]bool{}}
		p.named[r.attr] = s
	}
	if r.sub == nil {
		s.whole = true
	} else {
		s.subs[r.sub] = true
	}
	return nil
}

// Wants says whether an attribute can be in the answer at all, so that a store may
// spare itself the work for `members` or `groups`.
func (p *Projection) Wants(path string) bool {
	if p == nil {
		return true
	}
	r, wrong := p.t.resolve(path)
	if wrong != nil {
		return false
	}
	if r.attr == nil {
		return p.wantsSchema(r.schema)
	}
	return p.shows(r.schema, r.attr) && (r.sub == nil || p.showsSub(r.schema, r.attr, r.sub))
}

// onlyExcludes says whether the projection is the default, or the default without the
// whole of the attribute, and which of the two.
func (p *Projection) onlyExcludes(a *Attribute) (without, ok bool) {
	if p == nil {
		return false, true
	}
	if !p.exclude || len(p.schemas) > 0 || len(p.named) > 1 {
		return false, false
	}
	if len(p.named) == 0 {
		return false, true
	}
	named := p.named[a]
	return true, named != nil && named.whole && a.Returned == ReturnedDefault
}

func (p *Projection) wantsSchema(s *Schema) bool {
	for _, a := range s.Attributes {
		if p.shows(s, a) {
			return true
		}
	}
	return false
}

// shows says whether an attribute is in the answer, in whole or in part (RFC 7643
// section 7, "returned").
func (p *Projection) shows(s *Schema, a *Attribute) bool {
	switch a.Returned {
	case ReturnedNever:
		return false
	case ReturnedAlways:
		return true
	}
	if p == nil {
		return a.Returned == ReturnedDefault
	}
	named := p.named[a]
	if p.exclude {
		return a.Returned == ReturnedDefault && !(named != nil && named.whole) && !p.schemas[s]
	}
	return named != nil || p.schemas[s] && a.Returned == ReturnedDefault
}

// showsSub says whether a sub-attribute is in the answer if its attribute is.
func (p *Projection) showsSub(_ *Schema, a, sub *Attribute) bool {
	switch sub.Returned {
	case ReturnedNever:
		return false
	case ReturnedAlways:
		return true
	}
	if p == nil {
		return sub.Returned == ReturnedDefault
	}
	named := p.named[a]
	asked := named != nil && named.subs[sub]
	if p.exclude {
		return sub.Returned == ReturnedDefault && !asked
	}
	whole := named == nil || named.whole // all of the schema, or "always", brought it here
	return asked || whole && sub.Returned == ReturnedDefault
}
