// Package schema says what a resource may have: attributes with their characteristics
// (RFC 7643), the schemas and resource types of a tenant, and what a name or a path of a
// client means among them. It reads no resource.
package schema

import (
	"fmt"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
)

// Schema is a set of attributes under a URN (RFC 7643 section 7). Its JSON is the
// `id`, `name`, `description` and `attributes` of a schema document, so that an
// extension may be kept and read as the RFC writes it.
type Schema struct {
	ID          string       `json:"id"`
	Name        string       `json:"name,omitempty"`
	Description string       `json:"description,omitempty"`
	Attributes  []*Attribute `json:"attributes"`

	index nameIndex
	core  bool // its attributes stand at the top level of a resource
	key   string
}

// Core reports whether the attributes stand at the top level of a resource.
func (s *Schema) Core() bool { return s.core }

// Key is the URN as a JSON key, with its colon.
func (s *Schema) Key() string { return s.key }

// compile makes a checked copy of a schema with everything derived filled in. The
// original stays the caller's.
func (s *Schema) compile(core bool) (*Schema, error) {
	if !core {
		if err := checkURN(s.ID); err != nil {
			return nil, err
		}
	}
	c := &Schema{ID: s.ID, Name: s.Name, Description: s.Description, core: core}
	c.key = string(appendjson.String(nil, c.ID)) + ":"
	if c.Name == "" {
		c.Name = c.ID
	}
	prefix := ""
	if !core {
		prefix = c.ID + ":"
	}
	attributes, index, err := compileAttributes(s.Attributes, prefix, nil)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", s.ID, err)
	}
	c.Attributes, c.index = attributes, index
	return c, nil
}

func compileAttributes(in []*Attribute, prefix string, parent *Attribute) ([]*Attribute, nameIndex, error) {
	out := make([]*Attribute, 0, len(in))
	seen := make(map[string]bool, len(in))
	for _, a := range in {
		if a == nil {
			return nil, nil, fmt.Errorf("an attribute is null")
		}
		name := ascii.Lower(a.Name)
		if seen[name] {
			return nil, nil, fmt.Errorf("attribute %q is defined twice; names differ by more than case", prefix+a.Name)
		}
		seen[name] = true
		c, err := compileAttribute(a, prefix, parent)
		if err != nil {
			return nil, nil, fmt.Errorf("attribute %q: %w", prefix+a.Name, err)
		}
		out = append(out, c)
	}
	return out, newNameIndex(out), nil
}

func compileAttribute(a *Attribute, prefix string, parent *Attribute) (*Attribute, error) {
	c := *a
	c.Type = orElse(c.Type, TypeString)
	c.Mutability = orElse(c.Mutability, ReadWrite)
	c.Returned = orElse(c.Returned, ReturnedDefault)
	c.Uniqueness = orElse(c.Uniqueness, UniquenessNone)
	c.CanonicalValues = append([]string(nil), a.CanonicalValues...)
	c.ReferenceTypes = append([]string(nil), a.ReferenceTypes...)
	c.CaseExact = c.CaseExact || c.Type == TypeBinary || c.Type == TypeReference
	c.path, c.parent = prefix+c.Name, parent
	c.key = string(appendjson.String(nil, c.Name)) + ":"
	if err := checkAttribute(&c, parent); err != nil {
		return nil, err
	}
	subs, index, err := compileAttributes(a.SubAttributes, c.path+".", &c)
	if err != nil {
		return nil, err
	}
	c.SubAttributes, c.subs = subs, index
	c.value, c.kind, c.primary = index["value"], index["type"], index["primary"]
	if c.primary != nil && (c.primary.Type != TypeBoolean || !c.MultiValued) {
		c.primary = nil
	}
	if c.kind != nil && c.kind.Type != TypeString {
		c.kind = nil
	}
	return &c, nil
}

func orElse[T ~string](v, otherwise T) T {
	if v == "" {
		return otherwise
	}
	return v
}

func checkURN(urn string) error {
	if !strings.Contains(urn, ":") || strings.ContainsAny(urn, " \t\r\n\"[]()\\\x00") {
		return fmt.Errorf("schema id %q is not a URN", urn)
	}
	return nil
}

func checkAttribute(a *Attribute, parent *Attribute) error {
	if !ValidName(a.Name, parent != nil) {
		return fmt.Errorf("the name must be a letter followed by letters, digits, '-' and '_' (RFC 7643 section 2.1)")
	}
	switch a.Type {
	case TypeComplex:
		if parent != nil {
			return fmt.Errorf("a complex attribute has no complex sub-attributes (RFC 7643 section 2.3.8)")
		}
		if len(a.SubAttributes) == 0 {
			return fmt.Errorf("a complex attribute needs subAttributes")
		}
	case TypeString, TypeBoolean, TypeDecimal, TypeInteger, TypeDateTime, TypeBinary, TypeReference:
		if len(a.SubAttributes) > 0 {
			return fmt.Errorf("only a complex attribute has subAttributes")
		}
	default:
		return fmt.Errorf("type %q is not one of RFC 7643 section 2.3", a.Type)
	}
	switch a.Mutability {
	case ReadOnly, ReadWrite, Immutable, WriteOnly:
	default:
		return fmt.Errorf("mutability %q is not one of RFC 7643 section 7", a.Mutability)
	}
	switch a.Returned {
	case ReturnedAlways, ReturnedNever, ReturnedDefault, ReturnedRequest:
	default:
		return fmt.Errorf("returned %q is not one of RFC 7643 section 7", a.Returned)
	}
	switch a.Uniqueness {
	case UniquenessNone, UniquenessServer, UniquenessGlobal:
	default:
		return fmt.Errorf("uniqueness %q is not one of RFC 7643 section 7", a.Uniqueness)
	}
	return nil
}

// ValidName checks ATTRNAME of RFC 7643 section 2.1, which has $ref as the name
// of a sub-attribute too.
func ValidName(name string, sub bool) bool {
	if sub && name == "$ref" {
		return true
	}
	for i := range len(name) {
		c := ascii.LowerByte(name[i])
		letter := 'a' <= c && c <= 'z'
		other := '0' <= c && c <= '9' || c == '-' || c == '_'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return name != ""
}
