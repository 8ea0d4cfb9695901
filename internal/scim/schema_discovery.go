package scim

// discoverySchemas are the schemas of the discovery documents (RFC 7643 section 8.7.2).
// They have all that the documents of this server have, also where the section does not:
// etag, and pagination of RFC 9865 section 4.
var discoverySchemas = []*Schema{serviceProviderConfigSchema(), resourceTypeSchema(), schemaSchema()}

// DiscoverySchemas are the schemas of ServiceProviderConfig, ResourceType and Schema. They
// are for a client to read: no resource has them.
func DiscoverySchemas() []*Schema { return append([]*Schema(nil), discoverySchemas...) }

// published is a read-only attribute of a discovery document. It is not compiled:
// subAttributes of an attribute in a Schema have sub-attributes, which no resource may have.
func published(name string, t Type, description string, subs ...*Attribute) *Attribute {
	return &Attribute{Name: name, Type: t, Description: description, SubAttributes: subs,
		CaseExact:  t == TypeReference,
		Mutability: ReadOnly, Returned: ReturnedDefault, Uniqueness: UniquenessNone}
}

// link is an attribute with a URI.
func link(name, kind, description string) *Attribute {
	a := published(name, TypeReference, description)
	a.ReferenceTypes = []string{kind}
	return a
}

// each makes an attribute multi-valued.
func each(a *Attribute) *Attribute {
	a.MultiValued = true
	return a
}

// always makes an attribute one that is always there.
func always(a *Attribute) *Attribute {
	a.Required = true
	return a
}

// oneOf gives an attribute its canonical values.
func oneOf[T ~string](a *Attribute, values ...T) *Attribute {
	for _, value := range values {
		a.CanonicalValues = append(a.CanonicalValues, string(value))
	}
	return a
}

func serviceProviderConfigSchema() *Schema {
	support := func(name, of string, limits ...*Attribute) *Attribute {
		supported := always(published("supported", TypeBoolean, "Whether the operation is supported."))
		return always(published(name, TypeComplex, of, append([]*Attribute{supported}, limits...)...))
	}
	return &Schema{ID: URNServiceProviderConfig, Name: "Service Provider Configuration",
		Description: "What the service provider supports, and its limits", Attributes: []*Attribute{
			link("documentationUri", "external", "The URL of the documentation for people."),
			support("patch", "Whether PATCH is supported."),
			support("bulk", "Whether bulk requests are supported, and their limits.",
				always(published("maxOperations", TypeInteger, "The largest number of operations in a bulk request.")),
				always(published("maxPayloadSize", TypeInteger, "The largest size of a bulk request in bytes."))),
			support("filter", "Whether filters are supported, and their limits.",
				always(published("maxResults", TypeInteger, "The largest number of resources in an answer."))),
			support("changePassword", "Whether changing a password is supported."),
			support("sort", "Whether sorting is supported."),
			support("etag", "Whether entity tags are supported."),
			published("pagination", TypeComplex, "The kinds of pages that are supported.",
				always(published("cursor", TypeBoolean, "Whether there are pages by cursor.")),
				always(published("index", TypeBoolean, "Whether there are pages by index.")),
				oneOf(published("defaultPaginationMethod", TypeString, "The kind of pages that a client gets who asks for none."), "cursor", "index"),
				published("defaultPageSize", TypeInteger, "The number of resources in a page when the client names none."),
				published("maxPageSize", TypeInteger, "The largest number of resources in a page."),
				published("cursorTimeout", TypeInteger, "How long a cursor is valid, in seconds.")),
			always(each(published("authenticationSchemes", TypeComplex, "The ways to authenticate.",
				always(oneOf(published("type", TypeString, "The kind of the scheme."), "oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest")),
				always(published("name", TypeString, "The name of the scheme.")),
				always(published("description", TypeString, "What the scheme is.")),
				link("specUri", "external", "The URL of the scheme's specification."),
				link("documentationUri", "external", "The URL of the scheme's documentation."),
				published("primary", TypeBoolean, "Whether it is the preferred scheme.")))),
		}}
}

func resourceTypeSchema() *Schema {
	return &Schema{ID: URNResourceType, Name: "ResourceType", Description: "The kinds of resources that there are", Attributes: []*Attribute{
		published("id", TypeString, "The same as the name."),
		always(published("name", TypeString, "The name of the resource type, as in meta.resourceType.")),
		published("description", TypeString, "The description of the resource type for people."),
		always(link("endpoint", "uri", "The endpoint of the resource type, relative to the base URL.")),
		always(link("schema", "uri", "The URN of the resource type's schema.")),
		always(each(published("schemaExtensions", TypeComplex, "The extensions of the resource type.",
			always(link("schema", "uri", "The URN of the extension's schema.")),
			always(published("required", TypeBoolean, "Whether every resource must have attributes of the extension."))))),
	}}
}

func schemaSchema() *Schema {
	return &Schema{ID: URNSchema, Name: "Schema", Description: "The attributes that resources have", Attributes: []*Attribute{
		always(link("id", "uri", "The URN of the schema.")),
		always(published("name", TypeString, "The name of the schema for people.")),
		published("description", TypeString, "The description of the schema for people."),
		always(each(published("attributes", TypeComplex, "The attributes of the schema.", append(characteristics(),
			each(published("subAttributes", TypeComplex, "The sub-attributes of a complex attribute.", characteristics()...)))...))),
	}}
}

// characteristics are what a Schema says of an attribute (RFC 7643 section 7).
func characteristics() []*Attribute {
	name := always(published("name", TypeString, "The name of the attribute."))
	name.CaseExact = true
	return []*Attribute{
		name,
		always(oneOf(published("type", TypeString, "The data type of the attribute."),
			TypeString, TypeComplex, TypeBoolean, TypeDecimal, TypeInteger, TypeDateTime, TypeReference, TypeBinary)),
		always(published("multiValued", TypeBoolean, "Whether the attribute may have several values.")),
		published("description", TypeString, "The description of the attribute for people."),
		always(published("required", TypeBoolean, "Whether every resource must have the attribute.")),
		each(published("canonicalValues", TypeString, "Values that are suggested.")),
		published("caseExact", TypeBoolean, "Whether texts are compared with regard to case."),
		oneOf(published("mutability", TypeString, "Whether a client may change the attribute."), ReadOnly, ReadWrite, Immutable, WriteOnly),
		oneOf(published("returned", TypeString, "When the attribute is part of an answer."),
			ReturnedAlways, ReturnedNever, ReturnedDefault, ReturnedRequest),
		oneOf(published("uniqueness", TypeString, "Among what a value is unique."), UniquenessNone, UniquenessServer, UniquenessGlobal),
		each(published("referenceTypes", TypeString, "The kinds of resources that a reference may be to.")),
	}
}
