package schema

// userSchema is the User of RFC 7643 sections 4.1 and 8.7.1. It differs from the
// representation in 8.7.1 where that contradicts the text: references and binary
// values are case exact (sections 2.3.6, 2.3.7), and addresses have `primary`,
// which the RFC's own full User sends (section 8.2).
func userSchema() *Schema {
	return &Schema{ID: URNUser, Name: "User", Description: "User Account", Attributes: []*Attribute{
		{Name: "userName", Required: true, Uniqueness: UniquenessServer,
			Description: "Unique identifier for the User, typically used by the user to directly authenticate to the service provider. Each User MUST include a non-empty userName value. This identifier MUST be unique across the service provider's entire set of Users. REQUIRED."},
		{Name: "name", Type: TypeComplex, SubAttributes: nameAttributes(),
			Description: "The components of the user's real name. Providers MAY return just the full name as a single string in the formatted sub-attribute, or they MAY return just the individual component attributes using the other sub-attributes, or they MAY return both. If both variants are returned, they SHOULD be describing the same name, with the formatted name indicating how the component attributes should be combined."},
		{Name: "displayName",
			Description: "The name of the User, suitable for display to end-users. The name SHOULD be the full name of the User being described, if known."},
		{Name: "nickName",
			Description: "The casual way to address the user in real life, e.g., 'Bob' or 'Bobby' instead of 'Robert'. This attribute SHOULD NOT be used to represent a User's username (e.g., 'bjensen' or 'mpepperidge')."},
		{Name: "profileUrl", Type: TypeReference, ReferenceTypes: []string{"external"},
			Description: "A fully qualified URL pointing to a page representing the User's online profile."},
		{Name: "title", Description: "The user's title, such as 'Vice President'."},
		{Name: "userType",
			Description: "Used to identify the relationship between the organization and the user. Typical values used might be 'Contractor', 'Employee', 'Intern', 'Temp', 'External', and 'Unknown', but any value may be used."},
		{Name: "preferredLanguage",
			Description: "Indicates the User's preferred written or spoken language. Generally used for selecting a localized user interface; e.g., 'en_US' specifies the language English and country US."},
		{Name: "locale",
			Description: "Used to indicate the User's default location for purposes of localizing items such as currency, date time format, or numerical representations."},
		{Name: "timezone", Description: "The User's time zone in the 'Olson' time zone database format, e.g., 'America/Los_Angeles'."},
		{Name: "active", Type: TypeBoolean, lasting: true, Description: "A Boolean value indicating the User's administrative status."},
		{Name: "password", Mutability: WriteOnly, Returned: ReturnedNever,
			Description: "The User's cleartext password. This attribute is intended to be used as a means to specify an initial password when creating a new User or to reset an existing User's password. This server accepts and discards it."},
		plural("emails", "Email addresses for the user. Canonical type values of 'work', 'home', and 'other'.",
			&Attribute{Description: "An email address for the user."}, "work", "home", "other"),
		plural("phoneNumbers", "Phone numbers for the User. The value SHOULD be canonicalized by the service provider according to the format specified in RFC 3966, e.g., 'tel:+1-201-555-0123'. Canonical type values of 'work', 'home', 'mobile', 'fax', 'pager', and 'other'.",
			&Attribute{Description: "Phone number of the User."}, "work", "home", "mobile", "fax", "pager", "other"),
		plural("ims", "Instant messaging addresses for the User.",
			&Attribute{Description: "Instant messaging address for the User."}, "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
		plural("photos", "URLs of photos of the User.",
			&Attribute{Type: TypeReference, ReferenceTypes: []string{"external"}, Description: "URL of a photo of the User."}, "photo", "thumbnail"),
		{Name: "addresses", Type: TypeComplex, MultiValued: true, SubAttributes: addressAttributes(),
			Description: "A physical mailing address for this User. Canonical type values of 'work', 'home', and 'other'."},
		{Name: "groups", Type: TypeComplex, MultiValued: true, Mutability: ReadOnly, SubAttributes: groupsAttributes(),
			Description: "A list of groups to which the user belongs, either through direct membership, through nested groups, or dynamically calculated."},
		plural("entitlements", "A list of entitlements for the User that represent a thing the User has.",
			&Attribute{Description: "The value of an entitlement."}),
		plural("roles", "A list of roles for the User that collectively represent who the User is, e.g., 'Student', 'Faculty'.",
			&Attribute{Description: "The value of a role."}),
		plural("x509Certificates", "A list of certificates issued to the User.",
			&Attribute{Type: TypeBinary, Description: "The value of an X.509 certificate."}),
	}}
}

// plural is a multi-valued attribute with the default sub-attributes of RFC 7643
// section 2.4.
func plural(name, description string, value *Attribute, types ...string) *Attribute {
	value.Name = "value"
	return &Attribute{Name: name, Type: TypeComplex, MultiValued: true, Description: description, SubAttributes: []*Attribute{
		value,
		{Name: "display", Description: "A human-readable name, primarily used for display purposes."},
		{Name: "type", CanonicalValues: types, Description: "A label indicating the attribute's function."},
		{Name: "primary", Type: TypeBoolean,
			Description: "A Boolean value indicating the 'primary' or preferred attribute value for this attribute. The primary attribute value 'true' MUST appear no more than once."},
	}}
}

func nameAttributes() []*Attribute {
	return []*Attribute{
		{Name: "formatted", Description: "The full name, including all middle names, titles, and suffixes as appropriate, formatted for display (e.g., 'Ms. Barbara J Jensen, III')."},
		{Name: "familyName", Description: "The family name of the User, or last name in most Western languages (e.g., 'Jensen' given the full name 'Ms. Barbara J Jensen, III')."},
		{Name: "givenName", Description: "The given name of the User, or first name in most Western languages (e.g., 'Barbara' given the full name 'Ms. Barbara J Jensen, III')."},
		{Name: "middleName", Description: "The middle name(s) of the User (e.g., 'Jane' given the full name 'Ms. Barbara J Jensen, III')."},
		{Name: "honorificPrefix", Description: "The honorific prefix(es) of the User, or title in most Western languages (e.g., 'Ms.' given the full name 'Ms. Barbara J Jensen, III')."},
		{Name: "honorificSuffix", Description: "The honorific suffix(es) of the User, or suffix in most Western languages (e.g., 'III' given the full name 'Ms. Barbara J Jensen, III')."},
	}
}

func addressAttributes() []*Attribute {
	return []*Attribute{
		{Name: "formatted", Description: "The full mailing address, formatted for display or use with a mailing label. This attribute MAY contain newlines."},
		{Name: "streetAddress", Description: "The full street address component, which may include house number, street name, P.O. box, and multi-line extended street address information. This attribute MAY contain newlines."},
		{Name: "locality", Description: "The city or locality component."},
		{Name: "region", Description: "The state or region component."},
		{Name: "postalCode", Description: "The zip code or postal code component."},
		{Name: "country", Description: "The country name component."},
		{Name: "type", CanonicalValues: []string{"work", "home", "other"}, Description: "A label indicating the attribute's function, e.g., 'work' or 'home'."},
		{Name: "primary", Type: TypeBoolean,
			Description: "A Boolean value indicating the 'primary' or preferred address. The primary attribute value 'true' MUST appear no more than once."},
	}
}

func groupsAttributes() []*Attribute {
	return []*Attribute{
		{Name: "value", Mutability: ReadOnly, Description: "The identifier of the User's group."},
		{Name: "$ref", Type: TypeReference, ReferenceTypes: []string{"User", "Group"}, Mutability: ReadOnly, target: "Group",
			Description: "The URI of the corresponding 'Group' resource to which the user belongs."},
		{Name: "display", Mutability: ReadOnly, Description: "A human-readable name, primarily used for display purposes."},
		{Name: "type", CanonicalValues: []string{"direct", "indirect"}, Mutability: ReadOnly,
			Description: "A label indicating the attribute's function, e.g., 'direct' or 'indirect'."},
	}
}
