package scim

// Leniency switches on departures from the RFCs that clients in the field need.
// The zero value is the RFC, but for how names may be spelled, which is the same for
// everybody. Which client gets which is the business of package idp; the reason for each
// is here.
type Leniency struct {
	// OperationCase accepts "Add", "Remove" and "Replace" in any case. The ABNF of
	// RFC 7644 section 3.5.2 has them in lower case; Entra ID capitalises them
	// unless its tenant URL has a flag.
	OperationCase bool

	// BooleanStrings accepts "True" and "False" in any case for a boolean, in
	// bodies and in filters. Entra ID sends {"path":"active","value":"False"},
	// Keycloak's extensions "true", templates of OneLogin a quoted variable.
	BooleanStrings bool

	// RemoveValues takes the value of a remove operation for the list of what to
	// remove from a multi-valued attribute. The RFC has no value for remove; Entra
	// ID, JumpCloud and authentik take members out of groups that way. Without
	// this leniency a remove with a value is refused: taking it for "remove all"
	// would empty groups.
	RemoveValues bool

	// CreateMissing makes add and replace create the element that a value path
	// asks for when nothing matches: emails[type eq "work"].value creates an
	// element of type work, and touches no other. Entra ID relies on it for every
	// multi-valued attribute. The RFC wants noTarget (section 3.5.2.3).
	CreateMissing bool

	// ScalarForComplex accepts a bare string where a complex value with a `value`
	// sub-attribute is meant, and "" for such a reference as unassigned. Entra ID
	// sends "271" for manager and "" to clear it.
	ScalarForComplex bool

	// ArrayForSingle accepts an array of at most one element for a single-valued
	// attribute. Entra ID sends manager as [{"$ref":"…","value":"…"}], and the SCIM-SDK
	// of Keycloak's extensions, up to 1.33, {"path":"active","value":["true"]}.
	ArrayForSingle bool

	// SingleForArray accepts one value where the schema has an array:
	// "emails":{"value":"…"}. Hand-written attribute templates (OneLogin) and
	// PATCH operations of several clients leave the brackets out.
	SingleForArray bool

	// EmptyElements leaves out elements that have nothing in them: null, {}, and
	// {"value":null}. Attribute mappings of Entra ID and templates of OneLogin make
	// them of what a user has not. Members, and elements that must have something, are
	// never left out: a list of nobody would empty a group.
	EmptyElements bool

	// IgnoreReadOnly leaves read-only attributes in a PATCH value without a path
	// alone instead of answering `mutability`. Okta and authentik send the
	// group's id with each rename.
	IgnoreReadOnly bool

	// IgnoreUnknown leaves out attributes and schemas that no schema here defines,
	// and PATCH operations on them. Entra ID sends a schema of its own with each
	// group; attribute mappings and templates carry attributes of other
	// products. In a filter an unknown attribute stays an error, since leaving it
	// out would match the wrong resources. So does a name that may
	// mean several attributes, or one of another resource type: to leave it out would
	// lose a value.
	IgnoreUnknown bool

	// UndeclaredExtensions accepts data under an extension's URN that `schemas`
	// does not list. Common in hand-written clients, and unambiguous.
	UndeclaredExtensions bool

	// MissingSchemas accepts a body whose `schemas` is absent or does not list
	// the schema that the request calls for. Templates of OneLogin and early
	// versions of many clients leave it out.
	MissingSchemas bool

	// UnquotedLiterals takes a bare word in a filter for a string. Templates of
	// PingFederate (`userName eq <value>`), versions of authentik and examples of
	// Entra ID leave the quotes out.
	UnquotedLiterals bool
}
