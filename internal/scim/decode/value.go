package decode

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// MaxElements is how many elements a multi-valued attribute may have. Attributes
// whose elements are identified by `value`, such as a group's members, have no
// such bound.
const MaxElements = 1000

// MaxText is the size of the longest string of an attribute, in bytes: a certificate
// takes a few thousand.
const MaxText = 64 << 10

// Attribute reads a value for the whole of an attribute. An empty externalId
// identifies nothing, and is none.
func (d Reader) Attribute(a *schema.Attribute, v any) (any, error) {
	if v == nil || a == schema.AttrExternalID && v == "" {
		return nil, nil
	}
	if !a.MultiValued {
		return d.single(a, v)
	}
	list, ok := v.([]any)
	if !ok {
		if !d.Leniency.SingleForArray {
			return nil, scim.BadRequest(scim.InvalidValue, "%q is multi-valued: its value must be an array, not %s", a.Path(), strictjson.Describe(v))
		}
		list = []any{v}
	}
	return d.elements(a, list)
}

// elements reads the elements of a multi-valued attribute.
func (d Reader) elements(a *schema.Attribute, in []any) (any, error) {
	out := make([]any, 0, len(in))
	primaries := 0
	for _, e := range in {
		v, err := d.Element(a, e)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		if content.IsPrimary(a, v) {
			primaries++
		}
		out = append(out, v)
	}
	out = content.Distinct(a, out)
	if primaries > 1 && content.CountPrimary(a, out) > 1 {
		return nil, scim.BadRequest(scim.InvalidValue, "%q has more than one value with \"primary\": true (RFC 7643 section 2.4)", a.Path())
	}
	if len(out) > MaxElements && !a.Identified() && !d.Stored {
		return nil, TooManyElements(a)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// Element reads one element of a multi-valued attribute. One that has nothing in it is
// refused, or left out by leniency: what unassigns the attribute is null, the empty array
// and absence (RFC 7643 section 2.5). A member is never left out: a list of nobody would
// empty the group.
func (d Reader) Element(a *schema.Attribute, in any) (any, error) {
	v, err := d.single(a, in)
	if v != nil || err != nil || d.Stored {
		return v, err
	}
	if d.Leniency.EmptyElements && !a.Identified() && !a.Needs() && isEmpty(in) {
		return nil, nil
	}
	return nil, scim.BadRequest(scim.InvalidValue, "an element of %q has nothing in it; to unassign the attribute, send null or an empty array", a.Path())
}

// isEmpty says whether a client sent null, or an object without anything but null.
func isEmpty(v any) bool {
	o, ok := v.(strictjson.Object)
	for _, m := range o {
		if m.Value != nil {
			return false
		}
	}
	return ok || v == nil
}

// TooManyElements is the error for more than MaxElements.
func TooManyElements(a *schema.Attribute) error {
	return scim.BadRequest(scim.InvalidValue, "%q has more than %d values", a.Path(), MaxElements)
}

// single reads one value: of a single-valued attribute, or one element.
func (d Reader) single(a *schema.Attribute, v any) (any, error) {
	if list, ok := v.([]any); ok && d.Leniency.ArrayForSingle && !a.MultiValued && !a.InElement() && len(list) < 2 {
		v = nil
		if len(list) == 1 {
			v = list[0]
		}
	}
	if v == nil {
		return nil, nil
	}
	if a.Type != schema.TypeComplex {
		return d.Scalar(a, v)
	}
	switch x := v.(type) {
	case strictjson.Object:
		return d.complex(a, x)
	case string:
		if d.Leniency.ScalarForComplex && a.ValueAttr() != nil {
			return d.complex(a, strictjson.Object{{Name: a.ValueAttr().Name, Value: x}})
		}
	}
	return nil, scim.BadRequest(scim.InvalidValue, "%q is complex: its value must be an object, not %s", a.Path(), strictjson.Describe(v))
}

// complex reads the sub-attributes of a value.
func (d Reader) complex(a *schema.Attribute, o strictjson.Object) (any, error) {
	c := make(scim.Complex, len(o))
	for _, m := range o {
		s, err := d.SubAttribute(a, m.Name)
		if err != nil {
			return nil, err
		}
		if s == nil || s.Made() || s.Mutability == schema.ReadOnly && !d.Stored {
			continue
		}
		if _, again := c[s.Name]; again {
			return nil, scim.BadRequest(scim.InvalidSyntax, "%q is given twice, by two of its names", s.Path())
		}
		v, err := d.Attribute(s, m.Value)
		if err != nil {
			return nil, err
		}
		if v != nil && !s.Discarded() {
			c[s.Name] = v
		}
	}
	if len(c) == 0 && !a.Identified() || d.Cleared(a, c) {
		return nil, nil
	}
	return c, d.RequireSubAttributes(a, c)
}

// Cleared says whether a reference to another resource is empty, which is how
// Entra ID unassigns one.
func (d Reader) Cleared(a *schema.Attribute, c scim.Complex) bool {
	return d.Leniency.ScalarForComplex && !a.MultiValued && a.ValueAttr() != nil && a.Sub("$ref") != nil && c["value"] == ""
}

// SubAttribute finds a sub-attribute by name; nil without an error for an unknown
// one that is to be ignored.
func (d Reader) SubAttribute(a *schema.Attribute, name string) (*schema.Attribute, error) {
	if s := a.Sub(name); s != nil {
		return s, nil
	}
	if !d.Stored && strings.ContainsAny(name, ":./") {
		if r, wrong := d.Type.Meaning(d.Type.HomeOf(a), name); wrong == nil && r.Attr == a && r.Sub != nil {
			return r.Sub, nil
		} else if wrong == nil || !wrong.Unknown {
			return nil, scim.BadRequest(scim.InvalidSyntax, "%s is no sub-attribute of %q: it stands for something else", strconv.Quote(name), a.Path())
		}
	}
	if d.Leniency.IgnoreUnknown {
		return nil, nil
	}
	return nil, scim.BadRequest(scim.InvalidSyntax, "%q has no sub-attribute %q", a.Path(), name)
}

// Scalar reads a simple value. Errors tell its kind only: it may be a password.
func (d Reader) Scalar(a *schema.Attribute, v any) (any, error) {
	switch a.Type {
	case schema.TypeBoolean:
		return d.boolean(a, v)
	case schema.TypeInteger:
		if n, ok := v.(strictjson.Number); ok {
			if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
				return i, nil
			}
		}
		return nil, mismatch(a, "a whole number of at most 64 bits, without fraction or exponent", v)
	case schema.TypeDecimal:
		if n, ok := v.(strictjson.Number); ok {
			f, kept := decimal(string(n))
			if !kept && !d.Stored {
				return nil, scim.BadRequest(scim.InvalidValue, "%q keeps numbers of up to 15 digits, between 1e-307 and 1e308 or 0, and this one would be changed; send fewer digits, or have the attribute made one of type string", a.Path())
			}
			return f, nil
		}
		return nil, mismatch(a, "a number", v)
	}
	s, ok := v.(string)
	if !ok {
		return nil, mismatch(a, "a string", v)
	}
	if len(s) > MaxText && !d.Stored {
		return nil, scim.BadRequest(scim.InvalidValue, "%q is longer than %d bytes", a.Path(), MaxText)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return nil, scim.BadRequest(scim.InvalidValue, "%q contains the character NUL", a.Path())
	}
	switch a.Type {
	case schema.TypeDateTime:
		if _, ok := content.ParseDateTime(s); !ok {
			return nil, mismatch(a, `a dateTime with a time zone, such as "2011-05-13T04:42:34Z"`, v)
		}
	case schema.TypeBinary:
		if !isBase64(s) {
			return nil, mismatch(a, "base64 (RFC 4648 section 4)", v)
		}
	}
	return s, nil
}

func (d Reader) boolean(a *schema.Attribute, v any) (any, error) {
	switch x := v.(type) {
	case bool:
		return x, nil
	case string:
		if b, ok := content.ParseBool(x); ok && d.Leniency.BooleanStrings {
			return b, nil
		}
	}
	return nil, mismatch(a, "true or false, without quotes", v)
}

// isBase64 allows the padding to be absent (RFC 7643 section 2.3.6).
func isBase64(s string) bool {
	if strings.ContainsAny(s, "\r\n") {
		return false
	}
	encoding := base64.StdEncoding
	if !strings.HasSuffix(s, "=") {
		encoding = base64.RawStdEncoding
	}
	_, err := encoding.DecodeString(s)
	return err == nil
}

func mismatch(a *schema.Attribute, want string, v any) error {
	return scim.BadRequest(scim.InvalidValue, "%q must be %s; what was sent, %s, is not", a.Path(), want, strictjson.Describe(v))
}
