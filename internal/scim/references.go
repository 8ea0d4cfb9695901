package scim

// Reference is one value of the derived attribute of a resource: a group of a user
// (RFC 7643 section 4.1.2) or a member of a group (section 4.2).
type Reference struct {
	// Value is the id of what is referred to.
	Value string
	// Type is "direct" or "indirect" of a group, "User" or "Group" of a member.
	Type string
	// Display is the name of what is referred to; empty when it is not told.
	Display string
}

// ReferenceValues are the references as values of an attribute.
func ReferenceValues(derived []Reference) []any {
	list := make([]any, len(derived))
	for i, r := range derived {
		c := Complex{"value": r.Value, "type": r.Type}
		if r.Display != "" {
			c["display"] = r.Display
		}
		list[i] = c
	}
	return list
}

// SetDerived sets the derived attribute: the groups of a user, the members of a group.
func (r *Resource) SetDerived(derived []Reference) {
	attributes := r.Attributes()
	if len(derived) == 0 {
		delete(attributes, r.kind.Derived().Name)
		return
	}
	attributes[r.kind.Derived().Name] = ReferenceValues(derived)
}

// MemberChange adds a member to a group, or takes one out.
type MemberChange struct {
	// ID is the member's id as the client sent it, or folded where it is taken out.
	ID  string
	Add bool
}
