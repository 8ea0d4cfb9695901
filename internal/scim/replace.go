package scim

// Decode reads the body of a POST: a resource to create (RFC 7644 section 3.3).
// What the client sends for read-only attributes is ignored, a password is checked
// and dropped, and what is left fits the schema: names are canonical, null and
// empty values are gone, required attributes are there.
func Decode(t *ResourceType, doc []byte, l Leniency) (*Resource, error) {
	o, err := parseObject(doc)
	if err != nil {
		return nil, err
	}
	d := reader{t: t, l: l}
	return d.resource(o, func(r *Resource, odd []oddMember) (*Resource, error) { return assignOdd(d, r, odd) })
}

// Replace reads the body of a PUT and gives the resource that is to be in place of
// the current one (RFC 7644 section 3.5.1). Attributes that the client may write
// and left out are gone, but for `active`; the read-only ones stay as they are, and an
// immutable one that differs is `mutability`. The current resource is not changed.
func Replace(t *ResourceType, current *Resource, doc []byte, l Leniency) (*Resource, error) {
	r, err := Decode(t, doc, l)
	if err != nil {
		return nil, err
	}
	r.SetMeta(current.Meta())
	if id := current.ID(); id != "" {
		r.SetID(id)
	}
	for _, s := range t.schemas {
		if err := carryOver(r, s, current.container(s)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// carryOver takes from the current attributes of a schema what a PUT cannot
// change.
func carryOver(r *Resource, s *Schema, current Complex) error {
	for _, a := range s.Attributes {
		old, is := current[a.Name]
		if !is {
			continue
		}
		now := r.container(s)[a.Name]
		switch {
		case a.Mutability == ReadOnly:
		case a.lasting && !assigned(now):
		case a.Mutability == Immutable:
			if assigned(now) && !equalContent(a, old, now) {
				return immutableDiffers(a)
			}
		case a.identified:
			old = keepElements(a, old, now)
		case a.Type == TypeComplex && !a.MultiValued:
			c, ok := now.(Complex)
			if !ok {
				continue
			}
			merged, err := keepSubAttributes(a, old, c)
			if err != nil {
				return err
			}
			old = merged
		default:
			continue
		}
		put(r, s, a, cloneValue(old))
	}
	return nil
}

// put assigns a value; unassigned values are taken out, and an extension with
// nothing in it too.
func put(r *Resource, s *Schema, a *Attribute, v any) {
	c := r.container(s)
	if c == nil {
		c = Complex{}
		r.Attributes()[s.ID] = c
	}
	if assigned(v) {
		c[a.Name] = v
	} else {
		delete(c, a.Name)
	}
	if !s.core && len(c) == 0 {
		delete(r.Attributes(), s.ID)
	}
}

// keepElements is the new list, with the current elements for those that are still
// in it: they are the same by their `value`, and nothing else of them can change.
func keepElements(a *Attribute, old, now any) any {
	before, _ := old.([]any)
	after, _ := now.([]any)
	known := make(map[string]any, len(before))
	for _, e := range before {
		known[elementKey(a, e)] = e
	}
	kept := make([]any, len(after))
	for i, e := range after {
		kept[i] = e
		if was, ok := known[elementKey(a, e)]; ok {
			kept[i] = was
		}
	}
	return kept
}

// keepSubAttributes is the new complex value with the current immutable
// sub-attributes and, where it says the same as before, the read-only ones.
func keepSubAttributes(a *Attribute, old any, now Complex) (Complex, error) {
	was, ok := old.(Complex)
	if !ok {
		return now, nil
	}
	same := equalContent(a, was, now)
	for _, s := range a.SubAttributes {
		v, is := was[s.Name]
		if !is {
			continue
		}
		switch {
		case s.Mutability == Immutable:
			if assigned(now[s.Name]) && !equalContent(s, v, now[s.Name]) {
				return nil, immutableDiffers(s)
			}
			now[s.Name] = v
		case s.Mutability == ReadOnly && same:
			now[s.Name] = v
		}
	}
	return now, nil
}

func immutableDiffers(a *Attribute) error {
	return badRequest(Mutability, "%q is immutable and has another value already", a.path)
}
