package schema

import (
	"slices"

	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// Type is the data type of an attribute (RFC 7643 section 2.3).
type Type string

// Data types.
const (
	TypeString    Type = "string"
	TypeBoolean   Type = "boolean"
	TypeDecimal   Type = "decimal"
	TypeInteger   Type = "integer"
	TypeDateTime  Type = "dateTime"
	TypeBinary    Type = "binary"
	TypeReference Type = "reference"
	TypeComplex   Type = "complex"
)

// AttributeMutability says whether and when a value may change (RFC 7643
// section 7).
type AttributeMutability string

// Mutabilities.
const (
	ReadOnly  AttributeMutability = "readOnly"
	ReadWrite AttributeMutability = "readWrite"
	Immutable AttributeMutability = "immutable"
	WriteOnly AttributeMutability = "writeOnly"
)

// AttributeReturned says when an attribute is part of an answer (RFC 7643
// section 7).
type AttributeReturned string

// When attributes are returned.
const (
	ReturnedAlways  AttributeReturned = "always"
	ReturnedNever   AttributeReturned = "never"
	ReturnedDefault AttributeReturned = "default"
	ReturnedRequest AttributeReturned = "request"
)

// AttributeUniqueness says among what a value is unique (RFC 7643 section 7).
// This package publishes it only: enforcing it takes the other resources.
type AttributeUniqueness string

// Scopes of uniqueness.
const (
	UniquenessNone   AttributeUniqueness = "none"
	UniquenessServer AttributeUniqueness = "server"
	UniquenessGlobal AttributeUniqueness = "global"
)

// Attribute is the definition of an attribute: its name and characteristics (RFC
// 7643 sections 2.2 and 7). Characteristics left empty have the defaults of
// section 2.2: string, readWrite, returned by default, no uniqueness.
type Attribute struct {
	Name        string `json:"name"`
	Type        Type   `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
	MultiValued bool   `json:"multiValued"`
	Required    bool   `json:"required"`
	// CanonicalValues are suggestions: a client may send others, and does (RFC
	// 7643 section 7).
	CanonicalValues []string `json:"canonicalValues,omitempty"`
	// CaseExact is set for every binary and reference attribute (RFC 7643
	// sections 2.3.6 and 2.3.7).
	CaseExact      bool                `json:"caseExact"`
	Mutability     AttributeMutability `json:"mutability,omitempty"`
	Returned       AttributeReturned   `json:"returned,omitempty"`
	Uniqueness     AttributeUniqueness `json:"uniqueness,omitempty"`
	ReferenceTypes []string            `json:"referenceTypes,omitempty"`
	SubAttributes  []*Attribute        `json:"subAttributes,omitempty"`

	// What follows is derived when a schema becomes part of a resource type.

	path   string     // canonical, as in a filter: emails.value, URN:employeeNumber
	key    string     // the JSON key with its colon
	parent *Attribute // of a sub-attribute
	subs   nameIndex
	// The default sub-attributes of multi-valued attributes (RFC 7643 section
	// 2.4), nil where there are none.
	value, kind, primary *Attribute
	// identified marks a multi-valued attribute whose elements are known by their
	// `value` alone, since nothing else of them is the client's to change: the members
	// of a group (RFC 7643 section 4.2).
	identified bool
	// unkept marks a sub-attribute that nobody finds by its value: what is sent for it is
	// dropped, and what is answered comes from elsewhere.
	unkept bool
	// lasting marks an attribute that a client can change and never unassign: to leave
	// out whether a user is active must let nobody in.
	lasting bool
	// target is the resource type that a $ref made by the server points at when
	// the element does not say.
	target string
}

// Path is the canonical path of the attribute, as in a filter: emails.value,
// URN:employeeNumber.
func (a *Attribute) Path() string { return a.path }

// Key is the JSON key with its colon.
func (a *Attribute) Key() string { return a.key }

// Parent is the attribute that this is a sub-attribute of; nil for none.
func (a *Attribute) Parent() *Attribute { return a.parent }

// ValueAttr is the sub-attribute `value`. Like TypeAttr and PrimaryAttr it is a default
// sub-attribute of multi-valued attributes (RFC 7643 section 2.4), nil where there is none.
func (a *Attribute) ValueAttr() *Attribute { return a.value }

// TypeAttr is the sub-attribute `type`.
func (a *Attribute) TypeAttr() *Attribute { return a.kind }

// PrimaryAttr is the sub-attribute `primary`.
func (a *Attribute) PrimaryAttr() *Attribute { return a.primary }

// Identified reports whether elements are known by their `value` alone, since nothing else
// of them is the client's to change: the members of a group (RFC 7643 section 4.2).
func (a *Attribute) Identified() bool { return a.identified }

// Unkept reports whether nobody finds the sub-attribute by its value: what is sent for it
// is dropped, and what is answered comes from elsewhere.
func (a *Attribute) Unkept() bool { return a.unkept }

// Lasting reports whether a client can change the attribute and never unassign it: to leave
// out whether a user is active must let nobody in.
func (a *Attribute) Lasting() bool { return a.lasting }

// nameIndex finds attributes by name, whatever its case (RFC 7643 section 2.1).
type nameIndex map[string]*Attribute

func newNameIndex(attributes []*Attribute) nameIndex {
	x := make(nameIndex, 2*len(attributes))
	for _, a := range attributes {
		x[ascii.Lower(a.Name)] = a
		x[a.Name] = a
	}
	return x
}

func (x nameIndex) find(name string) *Attribute {
	if a, ok := x[name]; ok {
		return a
	}
	return x[ascii.Lower(name)]
}

// Folds says whether values of the attribute are compared without regard to case.
func (a *Attribute) Folds() bool { return !a.CaseExact && a.Type == TypeString }

// Discarded says whether values are checked and then dropped: nothing in a
// resource, a store or a log ever has a password.
func (a *Attribute) Discarded() bool { return a.Mutability == WriteOnly }

// Secret says whether a filter or an order must not depend on the values: who
// can filter on a secret can guess it (RFC 7644 section 7.5.2).
func (a *Attribute) Secret() bool {
	return a.Mutability == WriteOnly || a.Returned == ReturnedNever
}

// Made says whether the server makes the values when it renders a resource, so
// that neither a client nor a store has any say.
func (a *Attribute) Made() bool { return a.target != "" }

// Plain says whether the attribute has one simple value.
func (a *Attribute) Plain() bool { return !a.MultiValued && a.Type != TypeComplex }

// InElement says whether the attribute is a part of the elements of another.
func (a *Attribute) InElement() bool { return a.parent != nil && a.parent.MultiValued }

// Needs says whether there is a sub-attribute that every value must have.
func (a *Attribute) Needs() bool {
	return slices.ContainsFunc(a.SubAttributes, func(s *Attribute) bool { return s.Required })
}

// TargetOf is the resource type that a $ref points at if the element's `type` is this.
func (a *Attribute) TargetOf(kind string) string {
	for _, name := range a.ReferenceTypes {
		if ascii.Equal(name, kind) {
			return name
		}
	}
	return a.target
}
