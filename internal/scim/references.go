package scim

// Reference is one value of the derived attribute of a resource: a group of a user
// (RFC 7643 section 4.1.2) or a member of a group (section 4.2).
type Reference struct {
	// Value is the id of what is referred to.
	Value string
	// Type is "direct" or "indirect" of a group, "User" or "Group" of a member; empty when
	// it is not known.
	Type string
	// Display is the name of what is referred to; empty when it is not told.
	Display string
}

// ReferenceValues are the references as values of an attribute.
func ReferenceValues(derived []Reference) []any {
	list := make([]any, len(derived))
	for i, r := range derived {
		list[i] = referenceValue(r)
	}
	return list
}

func referenceValue(r Reference) Complex {
	c := Complex{"value": r.Value}
	if r.Type != "" {
		c["type"] = r.Type
	}
	if r.Display != "" {
		c["display"] = r.Display
	}
	return c
}

// referenceOf is the reference that a value of an attribute is.
func referenceOf(value any) (r Reference) {
	c, _ := value.(Complex)
	r.Value, _ = c["value"].(string)
	r.Type, _ = c["type"].(string)
	r.Display, _ = c["display"].(string)
	return r
}

// SetDerived sets the derived attribute: the groups of a user, the members of a group.
func (r *Resource) SetDerived(derived []Reference) {
	attributes := r.own()
	if len(derived) == 0 {
		delete(attributes, r.kind.Derived().Name)
		return
	}
	attributes[r.kind.Derived().Name] = ReferenceValues(derived)
}
