package schema

// groupSchema is the Group of RFC 7643 sections 4.2 and 8.7.1. displayName is
// required, as the text has it and the representation in 8.7.1 has not, and unique,
// since identity providers find groups by it and a name that is taken is refused.
// Members have a read-only `display` besides, which the RFC's examples show (section 8.4):
// what a client sends for it is not taken, so it never tells two members apart.
func groupSchema() *Schema {
	return &Schema{ID: URNGroup, Name: "Group", Description: "Group", Attributes: []*Attribute{
		{Name: "displayName", Required: true, Uniqueness: UniquenessServer, Description: "A human-readable name for the Group. REQUIRED."},
		{Name: "members", Type: TypeComplex, MultiValued: true, identified: true, Description: "A list of members of the Group.", SubAttributes: []*Attribute{
			{Name: "value", Mutability: Immutable, Description: "Identifier of the member of this Group."},
			{Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"User", "Group"}, Mutability: Immutable, target: "User",
				Description: "The URI corresponding to a SCIM resource that is a member of this Group."},
			{Name: "display", Mutability: ReadOnly, unkept: true, Description: "A human-readable name for the member, primarily used for display purposes."},
			{Name: "type", CanonicalValues: []string{"User", "Group"}, Mutability: Immutable,
				Description: "A label indicating the type of resource, e.g., 'User' or 'Group'."},
		}},
	}}
}
