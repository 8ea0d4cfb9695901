package codec

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
)

// A field is where a struct of the API keeps a simple attribute.
type field[T, V any] struct {
	name string // of the attribute
	at   func(*T) **V
}

// fields are the simple attributes that a struct of the API keeps. The same table
// serves both directions, so that what is written is read alike.
type fields[T any] struct {
	texts []field[T, string]
	flags []field[T, bool]
}

var userFields = fields[scimv1alpha1.ScimUserSpec]{
	texts: []field[scimv1alpha1.ScimUserSpec, string]{
		{"displayName", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.DisplayName }},
		{"nickName", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.NickName }},
		{"profileUrl", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.ProfileURL }},
		{"title", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.Title }},
		{"userType", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.UserType }},
		{"preferredLanguage", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.PreferredLanguage }},
		{"locale", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.Locale }},
		{"timezone", func(s *scimv1alpha1.ScimUserSpec) **string { return &s.Timezone }},
	},
	flags: []field[scimv1alpha1.ScimUserSpec, bool]{
		{"active", func(s *scimv1alpha1.ScimUserSpec) **bool { return &s.Active }},
	},
}

var nameFields = fields[scimv1alpha1.UserName]{texts: []field[scimv1alpha1.UserName, string]{
	{"formatted", func(n *scimv1alpha1.UserName) **string { return &n.Formatted }},
	{"familyName", func(n *scimv1alpha1.UserName) **string { return &n.FamilyName }},
	{"givenName", func(n *scimv1alpha1.UserName) **string { return &n.GivenName }},
	{"middleName", func(n *scimv1alpha1.UserName) **string { return &n.MiddleName }},
	{"honorificPrefix", func(n *scimv1alpha1.UserName) **string { return &n.HonorificPrefix }},
	{"honorificSuffix", func(n *scimv1alpha1.UserName) **string { return &n.HonorificSuffix }},
}}

var multiValueFields = fields[scimv1alpha1.MultiValue]{
	texts: []field[scimv1alpha1.MultiValue, string]{
		{"value", func(v *scimv1alpha1.MultiValue) **string { return &v.Value }},
		{"display", func(v *scimv1alpha1.MultiValue) **string { return &v.Display }},
		{"type", func(v *scimv1alpha1.MultiValue) **string { return &v.Type }},
	},
	flags: []field[scimv1alpha1.MultiValue, bool]{
		{"primary", func(v *scimv1alpha1.MultiValue) **bool { return &v.Primary }},
	},
}

var certificateFields = fields[scimv1alpha1.Certificate]{
	texts: []field[scimv1alpha1.Certificate, string]{
		{"value", func(c *scimv1alpha1.Certificate) **string { return &c.Value }},
		{"display", func(c *scimv1alpha1.Certificate) **string { return &c.Display }},
		{"type", func(c *scimv1alpha1.Certificate) **string { return &c.Type }},
	},
	flags: []field[scimv1alpha1.Certificate, bool]{
		{"primary", func(c *scimv1alpha1.Certificate) **bool { return &c.Primary }},
	},
}

var addressFields = fields[scimv1alpha1.Address]{
	texts: []field[scimv1alpha1.Address, string]{
		{"formatted", func(a *scimv1alpha1.Address) **string { return &a.Formatted }},
		{"streetAddress", func(a *scimv1alpha1.Address) **string { return &a.StreetAddress }},
		{"locality", func(a *scimv1alpha1.Address) **string { return &a.Locality }},
		{"region", func(a *scimv1alpha1.Address) **string { return &a.Region }},
		{"postalCode", func(a *scimv1alpha1.Address) **string { return &a.PostalCode }},
		{"country", func(a *scimv1alpha1.Address) **string { return &a.Country }},
		{"type", func(a *scimv1alpha1.Address) **string { return &a.Type }},
	},
	flags: []field[scimv1alpha1.Address, bool]{
		{"primary", func(a *scimv1alpha1.Address) **bool { return &a.Primary }},
	},
}

var enterpriseFields = fields[scimv1alpha1.EnterpriseUser]{texts: []field[scimv1alpha1.EnterpriseUser, string]{
	{"employeeNumber", func(e *scimv1alpha1.EnterpriseUser) **string { return &e.EmployeeNumber }},
	{"costCenter", func(e *scimv1alpha1.EnterpriseUser) **string { return &e.CostCenter }},
	{"organization", func(e *scimv1alpha1.EnterpriseUser) **string { return &e.Organization }},
	{"division", func(e *scimv1alpha1.EnterpriseUser) **string { return &e.Division }},
	{"department", func(e *scimv1alpha1.EnterpriseUser) **string { return &e.Department }},
}}

// managerFields: a property of a schema cannot have the name $ref.
var managerFields = fields[scimv1alpha1.Manager]{texts: []field[scimv1alpha1.Manager, string]{
	{"value", func(m *scimv1alpha1.Manager) **string { return &m.Value }},
	{"$ref", func(m *scimv1alpha1.Manager) **string { return &m.Ref }},
	{"displayName", func(m *scimv1alpha1.Manager) **string { return &m.DisplayName }},
}}

// userLists are the multi-valued attributes of a user that have the sub-attributes
// of RFC 7643 section 2.4.
var userLists = []struct {
	name string
	at   func(*scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue
}{
	{"emails", func(s *scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue { return &s.Emails }},
	{"phoneNumbers", func(s *scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue { return &s.PhoneNumbers }},
	{"ims", func(s *scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue { return &s.IMs }},
	{"photos", func(s *scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue { return &s.Photos }},
	{"entitlements", func(s *scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue { return &s.Entitlements }},
	{"roles", func(s *scimv1alpha1.ScimUserSpec) *[]scimv1alpha1.MultiValue { return &s.Roles }},
}

// read adds the attributes that the struct has.
func (f fields[T]) read(from *T, into scim.Complex) {
	for _, text := range f.texts {
		if value := *text.at(from); value != nil {
			into[text.name] = *value
		}
	}
	for _, flag := range f.flags {
		if value := *flag.at(from); value != nil {
			into[flag.name] = *value
		}
	}
}

// readOne returns the struct as a complex value.
func (f fields[T]) readOne(from *T) scim.Complex {
	value := scim.Complex{}
	f.read(from, value)
	return value
}

// readList adds a multi-valued attribute, if there are any values.
func (f fields[T]) readList(from []T, into scim.Complex, name string) {
	if len(from) == 0 {
		return
	}
	list := make([]any, len(from))
	for i := range from {
		list[i] = f.readOne(&from[i])
	}
	into[name] = list
}

// write sets the struct's fields, and takes what they hold out of the attributes.
func (f fields[T]) write(from scim.Complex, into *T) error {
	for _, text := range f.texts {
		value, err := pop[string](from, text.name)
		if err != nil {
			return err
		}
		*text.at(into) = value
	}
	for _, flag := range f.flags {
		value, err := pop[bool](from, flag.name)
		if err != nil {
			return err
		}
		*flag.at(into) = value
	}
	return nil
}

// writeOne takes a complex attribute; nil when it is unassigned.
func (f fields[T]) writeOne(from scim.Complex, name string) (*T, error) {
	value, err := pop[scim.Complex](from, name)
	if err != nil || value == nil {
		return nil, err
	}
	into := new(T)
	if err := f.writeWhole(*value, into); err != nil {
		return nil, fmt.Errorf("in %q: %w", name, err)
	}
	return into, nil
}

// writeWhole is write of a complex value that must have nothing else.
func (f fields[T]) writeWhole(from scim.Complex, into *T) error {
	from = maps.Clone(from)
	if err := f.write(from, into); err != nil {
		return err
	}
	return nothingLeft(from)
}

// writeList takes a multi-valued attribute.
func (f fields[T]) writeList(from scim.Complex, name string, into *[]T) error {
	list, err := pop[[]any](from, name)
	if err != nil || list == nil {
		return err
	}
	elements := make([]T, len(*list))
	for i, value := range *list {
		element, isComplex := value.(scim.Complex)
		if !isComplex {
			return fmt.Errorf("a value of %q is a %T and no complex value", name, value)
		}
		if err := f.writeWhole(element, &elements[i]); err != nil {
			return fmt.Errorf("in %q: %w", name, err)
		}
	}
	*into = elements
	return nil
}

// pop takes a value out of the attributes; nil when it is unassigned.
func pop[V any](from scim.Complex, name string) (*V, error) {
	found := from[name]
	delete(from, name)
	if found == nil {
		return nil, nil
	}
	value, fits := found.(V)
	if !fits {
		return nil, fmt.Errorf("%q is a %T, where a ScimUser has a %T", name, found, value)
	}
	return ptr.To(value), nil
}

// nothingLeft returns an error if there are attributes that nothing took.
func nothingLeft(from scim.Complex) error {
	maps.DeleteFunc(from, func(_ string, value any) bool { return value == nil })
	if len(from) > 0 {
		return fmt.Errorf("a ScimUser has no field for %q", slices.Sorted(maps.Keys(from)))
	}
	return nil
}
