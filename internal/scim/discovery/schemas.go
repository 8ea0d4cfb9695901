package discovery

import (
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// discoverySchemas are the schemas of the discovery documents (RFC 7643 section 8.7.2).
// They have all that the documents of this server have, also where the section does not:
// etag, pagination of RFC 9865 section 4, and securityEvents of RFC 9967 section 4.
var discoverySchemas = []*schema.Schema{serviceProviderConfigSchema(), resourceTypeSchema(), schemaSchema()}

// Schemas are the schemas of ServiceProviderConfig, ResourceType and Schema. They
// are for a client to read: no resource has them.
func Schemas() []*schema.Schema { return append([]*schema.Schema(nil), discoverySchemas...) }

// published is a read-only attribute of a discovery document. It is not compiled:
// subAttributes of an attribute in a Schema have sub-attributes, which no resource may have.
func published(name string, t schema.Type, description string, subs ...*schema.Attribute) *schema.Attribute {
	return &schema.Attribute{Name: name, Type: t, Description: description, SubAttributes: subs,
		CaseExact:  t == schema.TypeReference,
		Mutability: schema.ReadOnly, Returned: schema.ReturnedDefault, Uniqueness: schema.UniquenessNone}
}

// link is an attribute with a URI.
func link(name, kind, description string) *schema.Attribute {
	a := published(name, schema.TypeReference, description)
	a.ReferenceTypes = []string{kind}
	return a
}

// each makes an attribute multi-valued.
func each(a *schema.Attribute) *schema.Attribute {
	a.MultiValued = true
	return a
}

// always makes an attribute one that is always there.
func always(a *schema.Attribute) *schema.Attribute {
	a.Required = true
	return a
}

// oneOf gives an attribute its canonical values.
func oneOf[T ~string](a *schema.Attribute, values ...T) *schema.Attribute {
	for _, value := range values {
		a.CanonicalValues = append(a.CanonicalValues, string(value))
	}
	return a
}

func serviceProviderConfigSchema() *schema.Schema {
	support := func(name, of string, limits ...*schema.Attribute) *schema.Attribute {
		supported := always(published("supported", schema.TypeBoolean, "Whether the operation is supported."))
		return always(published(name, schema.TypeComplex, of, append([]*schema.Attribute{supported}, limits...)...))
	}
	return &schema.Schema{ID: URNServiceProviderConfig, Name: "Service Provider Configuration",
		Description: "What the service provider supports, and its limits", Attributes: []*schema.Attribute{
			link("documentationUri", "external", "The URL of the documentation for people."),
			support("patch", "Whether PATCH is supported."),
			support("bulk", "Whether bulk requests are supported, and their limits.",
				always(published("maxOperations", schema.TypeInteger, "The largest number of operations in a bulk request.")),
				always(published("maxPayloadSize", schema.TypeInteger, "The largest size of a bulk request in bytes."))),
			support("filter", "Whether filters are supported, and their limits.",
				always(published("maxResults", schema.TypeInteger, "The largest number of resources in an answer."))),
			support("changePassword", "Whether changing a password is supported."),
			support("sort", "Whether sorting is supported."),
			support("etag", "Whether entity tags are supported."),
			published("pagination", schema.TypeComplex, "The kinds of pages that are supported.",
				always(published("cursor", schema.TypeBoolean, "Whether there are pages by cursor.")),
				always(published("index", schema.TypeBoolean, "Whether there are pages by index.")),
				oneOf(published("defaultPaginationMethod", schema.TypeString, "The kind of pages that a client gets who asks for none."), "cursor", "index"),
				published("defaultPageSize", schema.TypeInteger, "The number of resources in a page when the client names none."),
				published("maxPageSize", schema.TypeInteger, "The largest number of resources in a page."),
				published("cursorTimeout", schema.TypeInteger, "How long a cursor is valid, in seconds.")),
			published("RolesAndEntitlements", schema.TypeComplex, "What draft-ietf-scim-roles-entitlements adds.",
				roleSupport("roles", "multipleRolesSupported"), roleSupport("entitlements", "multipleEntitlementsSupported")),
			published("securityEvents", schema.TypeComplex, "The security events that are sent.",
				oneOf(published("asyncRequest", schema.TypeString, "When requests are answered by an event."), "none", "long", "request"),
				each(published("eventUris", schema.TypeString, "The URIs of the events."))),
			always(each(published("authenticationSchemes", schema.TypeComplex, "The ways to authenticate.",
				always(oneOf(published("type", schema.TypeString, "The kind of the scheme."), "oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest")),
				always(published("name", schema.TypeString, "The name of the scheme.")),
				always(published("description", schema.TypeString, "What the scheme is.")),
				link("specUri", "external", "The URL of the scheme's specification."),
				link("documentationUri", "external", "The URL of the scheme's documentation."),
				published("primary", schema.TypeBoolean, "Whether it is the preferred scheme.")))),
		}}
}

// roleSupport is an attribute of which kinds of roles or of entitlements there are.
func roleSupport(of, several string) *schema.Attribute {
	return always(published(of, schema.TypeComplex, "Whether, and how, users have "+of+" that can be looked up.",
		always(published("supported", schema.TypeBoolean, "Whether the endpoint of "+of+" is there.")),
		published(several, schema.TypeBoolean, "Whether a user may have several."),
		published("primarySupported", schema.TypeBoolean, "Whether one may be primary."),
		published("typeSupported", schema.TypeBoolean, "Whether each may have a type.")))
}

func resourceTypeSchema() *schema.Schema {
	return &schema.Schema{ID: URNResourceType, Name: "ResourceType", Description: "The kinds of resources that there are", Attributes: []*schema.Attribute{
		published("id", schema.TypeString, "The same as the name."),
		always(published("name", schema.TypeString, "The name of the resource type, as in meta.resourceType.")),
		published("description", schema.TypeString, "The description of the resource type for people."),
		always(link("endpoint", "uri", "The endpoint of the resource type, relative to the base URL.")),
		always(link("schema", "uri", "The URN of the resource type's schema.")),
		always(each(published("schemaExtensions", schema.TypeComplex, "The extensions of the resource type.",
			always(link("schema", "uri", "The URN of the extension's schema.")),
			always(published("required", schema.TypeBoolean, "Whether every resource must have attributes of the extension."))))),
	}}
}

func schemaSchema() *schema.Schema {
	return &schema.Schema{ID: URNSchema, Name: "Schema", Description: "The attributes that resources have", Attributes: []*schema.Attribute{
		always(link("id", "uri", "The URN of the schema.")),
		always(published("name", schema.TypeString, "The name of the schema for people.")),
		published("description", schema.TypeString, "The description of the schema for people."),
		always(each(published("attributes", schema.TypeComplex, "The attributes of the schema.", append(characteristics(),
			each(published("subAttributes", schema.TypeComplex, "The sub-attributes of a complex attribute.", characteristics()...)))...))),
	}}
}

// characteristics are what a Schema says of an attribute (RFC 7643 section 7).
func characteristics() []*schema.Attribute {
	name := always(published("name", schema.TypeString, "The name of the attribute."))
	name.CaseExact = true
	return []*schema.Attribute{
		name,
		always(oneOf(published("type", schema.TypeString, "The data type of the attribute."),
			schema.TypeString, schema.TypeComplex, schema.TypeBoolean, schema.TypeDecimal, schema.TypeInteger, schema.TypeDateTime, schema.TypeReference, schema.TypeBinary)),
		always(published("multiValued", schema.TypeBoolean, "Whether the attribute may have several values.")),
		published("description", schema.TypeString, "The description of the attribute for people."),
		always(published("required", schema.TypeBoolean, "Whether every resource must have the attribute.")),
		each(published("canonicalValues", schema.TypeString, "Values that are suggested.")),
		published("caseExact", schema.TypeBoolean, "Whether texts are compared with regard to case."),
		oneOf(published("mutability", schema.TypeString, "Whether a client may change the attribute."), schema.ReadOnly, schema.ReadWrite, schema.Immutable, schema.WriteOnly),
		oneOf(published("returned", schema.TypeString, "When the attribute is part of an answer."),
			schema.ReturnedAlways, schema.ReturnedNever, schema.ReturnedDefault, schema.ReturnedRequest),
		oneOf(published("uniqueness", schema.TypeString, "Among what a value is unique."), schema.UniquenessNone, schema.UniquenessServer, schema.UniquenessGlobal),
		each(published("referenceTypes", schema.TypeString, "The kinds of resources that a reference may be to.")),
	}
}
