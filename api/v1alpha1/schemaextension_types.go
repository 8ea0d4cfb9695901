package v1alpha1

// SchemaExtension defines attributes of users beyond the RFC's, under a URN of
// its own (RFC 7643 sections 3.3 and 7). Identity providers find it at /Schemas.
type SchemaExtension struct {
	// id is the URN of the extension, for example
	// urn:ietf:params:scim:schemas:extension:example:2.0:User. It cannot be one
	// of the RFC's own.
	// +required
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches('^urn:[A-Za-z0-9][A-Za-z0-9-]{0,31}:[A-Za-z0-9+,.:=@;$_!*-]+$')",message="must be a URN such as 'urn:ietf:params:scim:schemas:extension:example:2.0:User', without parentheses, which a filter could not tell from its own"
	// +kubebuilder:validation:XValidation:rule="!self.lowerAscii().startsWith('urn:ietf:params:scim:schemas:core:') && !self.lowerAscii().startsWith('urn:ietf:params:scim:schemas:extension:enterprise:') && !self.lowerAscii().startsWith('urn:ietf:params:scim:api:')",message="must not be a URN of RFC 7643 or RFC 7644; choose one of your own"
	ID string `json:"id,omitempty"`

	// description says what the extension is for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Description string `json:"description,omitempty"`

	// attributes are the attributes of the extension.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:XValidation:rule="self.map(a, a.name.lowerAscii()).all(name, self.exists_one(a, a.name.lowerAscii() == name))",message="must have names that differ by more than case (RFC 7643 section 2.1)"
	Attributes []SchemaAttribute `json:"attributes,omitempty"`
}

// AttributeType is the data type of an attribute (RFC 7643 section 2.3).
// +kubebuilder:validation:Enum=String;Boolean;Decimal;Integer;DateTime;Binary;Reference;Complex
type AttributeType string

// Attribute types.
const (
	// AttributeTypeString is text.
	AttributeTypeString AttributeType = "String"
	// AttributeTypeBoolean is true or false.
	AttributeTypeBoolean AttributeType = "Boolean"
	// AttributeTypeDecimal is a number with a fraction.
	AttributeTypeDecimal AttributeType = "Decimal"
	// AttributeTypeInteger is a whole number.
	AttributeTypeInteger AttributeType = "Integer"
	// AttributeTypeDateTime is an instant such as 2026-01-01T00:00:00Z.
	AttributeTypeDateTime AttributeType = "DateTime"
	// AttributeTypeBinary is bytes in base64.
	AttributeTypeBinary AttributeType = "Binary"
	// AttributeTypeReference is a URI.
	AttributeTypeReference AttributeType = "Reference"
	// AttributeTypeComplex has sub-attributes.
	AttributeTypeComplex AttributeType = "Complex"
)

// AttributeMutability says whether a value may change (RFC 7643 section 7).
// +kubebuilder:validation:Enum=ReadWrite;Immutable
type AttributeMutability string

// Mutabilities.
const (
	// AttributeMutabilityReadWrite may change at any time.
	AttributeMutabilityReadWrite AttributeMutability = "ReadWrite"
	// AttributeMutabilityImmutable may be set once.
	AttributeMutabilityImmutable AttributeMutability = "Immutable"
)

// AttributeReturned says when an attribute is in an answer (RFC 7643 section 7).
// +kubebuilder:validation:Enum=Always;Default;Request
type AttributeReturned string

// When attributes are returned.
const (
	// AttributeReturnedAlways is in every answer.
	AttributeReturnedAlways AttributeReturned = "Always"
	// AttributeReturnedDefault is in an answer that does not exclude it.
	AttributeReturnedDefault AttributeReturned = "Default"
	// AttributeReturnedRequest is in an answer to a request that asks for it.
	AttributeReturnedRequest AttributeReturned = "Request"
)

// SchemaAttribute defines one attribute of an extension.
// +kubebuilder:validation:XValidation:rule="(has(self.type) && self.type == 'Complex') == has(self.subAttributes)",message="`subAttributes` belong to `type: Complex`, and to no other: set both or neither"
type SchemaAttribute struct {
	AttributeCharacteristics `json:",inline"`

	// subAttributes are the parts of an attribute of type Complex.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=20
	// +kubebuilder:validation:XValidation:rule="self.map(a, a.name.lowerAscii()).all(name, self.exists_one(a, a.name.lowerAscii() == name))",message="must have names that differ by more than case (RFC 7643 section 2.1)"
	SubAttributes []SchemaSubAttribute `json:"subAttributes,omitempty"`
}

// SchemaSubAttribute defines one part of a complex attribute.
// +kubebuilder:validation:XValidation:rule="!has(self.type) || self.type != 'Complex'",message="`type` of a sub-attribute must not be Complex (RFC 7643 section 2.3.8)"
type SchemaSubAttribute struct {
	AttributeCharacteristics `json:",inline"`
}

// AttributeCharacteristics are the characteristics of an attribute, under the
// names of RFC 7643 section 7.
type AttributeCharacteristics struct {
	// name is the name of the attribute, as in JSON.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z][A-Za-z0-9_-]*$')",message="must start with a letter and have only letters, digits, '-' and '_' (RFC 7643 section 2.1)"
	Name string `json:"name,omitempty"`

	// description says what the attribute is for.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Description string `json:"description,omitempty"`

	// type is the data type. String when omitted.
	// +optional
	Type AttributeType `json:"type,omitempty"`

	// multiValued is true for an attribute with several values.
	// +optional
	MultiValued *bool `json:"multiValued,omitempty"`

	// required is true for an attribute that must have a value wherever the
	// extension has data.
	// +optional
	Required *bool `json:"required,omitempty"`

	// caseExact is true for a string that is compared with regard to case.
	// +optional
	CaseExact *bool `json:"caseExact,omitempty"`

	// mutability says whether the value may change. ReadWrite when omitted.
	// +optional
	Mutability AttributeMutability `json:"mutability,omitempty"`

	// returned says when the attribute is in an answer. Default when omitted.
	// +optional
	Returned AttributeReturned `json:"returned,omitempty"`

	// canonicalValues are values to suggest; others are accepted as well.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=50
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	CanonicalValues []string `json:"canonicalValues,omitempty"`
}
