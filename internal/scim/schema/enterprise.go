package schema

// enterpriseSchema is the enterprise extension of the User (RFC 7643 sections 4.3
// and 8.7.1).
func enterpriseSchema() *Schema {
	return &Schema{ID: URNEnterpriseUser, Name: "EnterpriseUser", Description: "Enterprise User", Attributes: []*Attribute{
		{Name: "employeeNumber",
			Description: "Numeric or alphanumeric identifier assigned to a person, typically based on order of hire or association with an organization."},
		{Name: "costCenter", Description: "Identifies the name of a cost center."},
		{Name: "organization", Description: "Identifies the name of an organization."},
		{Name: "division", Description: "Identifies the name of a division."},
		{Name: "department", Description: "Identifies the name of a department."},
		{Name: "manager", Type: TypeComplex,
			Description: "The User's manager. A complex type that optionally allows service providers to represent organizational hierarchy by referencing the 'id' attribute of another User.",
			SubAttributes: []*Attribute{
				{Name: "value", Description: "The id of the SCIM resource representing the User's manager. REQUIRED."},
				{Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"User"},
					Description: "The URI of the SCIM resource representing the User's manager. REQUIRED."},
				{Name: "displayName", Mutability: ReadOnly, Description: "The displayName of the User's manager. OPTIONAL and READ-ONLY."},
			}},
	}}
}
