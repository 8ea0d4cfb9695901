package scim

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// MaxElements is how many elements a multi-valued attribute may have. Attributes
// whose elements are identified by `value`, such as a group's members, have no
// such bound.
const MaxElements = 1000

// MaxText is the size of the longest string of an attribute, in bytes: a certificate
// takes a few thousand.
const MaxText = 64 << 10

// reader turns JSON into values of attributes, and refuses what does not fit their
// schema. The value nil is "unassigned".
type reader struct {
	t *ResourceType
	l Leniency
	// stored reads a document of the server's own: read-only attributes count.
	stored bool
	// partial reads elements that only have to be recognised: what is required of
	// a whole value may be absent.
	partial bool
}

// attribute reads a value for the whole of an attribute. An empty externalId
// identifies nothing, and is none.
func (d reader) attribute(a *Attribute, v any) (any, error) {
	if v == nil || a == attrExternalID && v == "" {
		return nil, nil
	}
	if !a.MultiValued {
		return d.single(a, v)
	}
	list, ok := v.([]any)
	if !ok {
		if !d.l.SingleForArray {
			return nil, badRequest(InvalidValue, "%q is multi-valued: its value must be an array, not %s", a.path, kindOf(v))
		}
		list = []any{v}
	}
	return d.elements(a, list)
}

// elements reads the elements of a multi-valued attribute.
func (d reader) elements(a *Attribute, in []any) (any, error) {
	out := make([]any, 0, len(in))
	primaries := 0
	for _, e := range in {
		v, err := d.element(a, e)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		if isPrimary(a, v) {
			primaries++
		}
		out = append(out, v)
	}
	out = distinct(a, out)
	if primaries > 1 && countPrimary(a, out) > 1 {
		return nil, badRequest(InvalidValue, "%q has more than one value with \"primary\": true (RFC 7643 section 2.4)", a.path)
	}
	if len(out) > MaxElements && !a.identified && !d.stored {
		return nil, tooManyElements(a)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// element reads one element of a multi-valued attribute. One that has nothing in it is
// refused, or left out by leniency: what unassigns the attribute is null, the empty array
// and absence (RFC 7643 section 2.5). A member is never left out: a list of nobody would
// empty the group.
func (d reader) element(a *Attribute, in any) (any, error) {
	v, err := d.single(a, in)
	if v != nil || err != nil || d.stored {
		return v, err
	}
	if d.l.EmptyElements && !a.identified && !a.needs() && isEmpty(in) {
		return nil, nil
	}
	return nil, badRequest(InvalidValue, "an element of %q has nothing in it; to unassign the attribute, send null or an empty array", a.path)
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

func tooManyElements(a *Attribute) error {
	return badRequest(InvalidValue, "%q has more than %d values", a.path, MaxElements)
}

func isPrimary(a *Attribute, e any) bool {
	c, ok := e.(Complex)
	return ok && a.primary != nil && c[a.primary.Name] == true
}

func countPrimary(a *Attribute, list []any) int {
	n := 0
	for _, e := range list {
		if isPrimary(a, e) {
			n++
		}
	}
	return n
}

// single reads one value: of a single-valued attribute, or one element.
func (d reader) single(a *Attribute, v any) (any, error) {
	if list, ok := v.([]any); ok && d.l.ArrayForSingle && !a.MultiValued && !a.inElement() && len(list) < 2 {
		v = nil
		if len(list) == 1 {
			v = list[0]
		}
	}
	if v == nil {
		return nil, nil
	}
	if a.Type != TypeComplex {
		return d.scalar(a, v)
	}
	switch x := v.(type) {
	case strictjson.Object:
		return d.complex(a, x)
	case string:
		if d.l.ScalarForComplex && a.value != nil {
			return d.complex(a, strictjson.Object{{Name: a.value.Name, Value: x}})
		}
	}
	return nil, badRequest(InvalidValue, "%q is complex: its value must be an object, not %s", a.path, kindOf(v))
}

// complex reads the sub-attributes of a value.
func (d reader) complex(a *Attribute, o strictjson.Object) (any, error) {
	c := make(Complex, len(o))
	for _, m := range o {
		s, err := d.subAttribute(a, m.Name)
		if err != nil {
			return nil, err
		}
		if s == nil || s.made() || s.Mutability == ReadOnly && !d.stored {
			continue
		}
		if _, again := c[s.Name]; again {
			return nil, badRequest(InvalidSyntax, "%q is given twice, by two of its names", s.path)
		}
		v, err := d.attribute(s, m.Value)
		if err != nil {
			return nil, err
		}
		if v != nil && !s.discarded() {
			c[s.Name] = v
		}
	}
	if len(c) == 0 && !a.identified || d.cleared(a, c) {
		return nil, nil
	}
	return c, d.requireSubAttributes(a, c)
}

// cleared says whether a reference to another resource is empty, which is how
// Entra ID unassigns one.
func (d reader) cleared(a *Attribute, c Complex) bool {
	return d.l.ScalarForComplex && !a.MultiValued && a.value != nil && a.sub("$ref") != nil && c["value"] == ""
}

// subAttribute finds a sub-attribute by name; nil without an error for an unknown
// one that is to be ignored.
func (d reader) subAttribute(a *Attribute, name string) (*Attribute, error) {
	if s := a.sub(name); s != nil {
		return s, nil
	}
	if !d.stored && strings.ContainsAny(name, ":./") {
		if r, wrong := d.t.meaning(d.t.homeOf(a), name); wrong == nil && r.attr == a && r.sub != nil {
			return r.sub, nil
		} else if wrong == nil || !wrong.unknown {
			return nil, badRequest(InvalidSyntax, "%s is no sub-attribute of %q: it stands for something else", strconv.Quote(name), a.path)
		}
	}
	if d.l.IgnoreUnknown {
		return nil, nil
	}
	return nil, badRequest(InvalidSyntax, "%q has no sub-attribute %q", a.path, name)
}

func (d reader) requireSubAttributes(a *Attribute, c Complex) error {
	if a.identified && isBlank(c[a.value.Name]) {
		return badRequest(InvalidValue, "%q is required: it says which resource is meant", a.value.path)
	}
	if d.partial {
		return nil
	}
	for _, s := range a.SubAttributes {
		if s.Required && s.Mutability != ReadOnly && !s.discarded() && isBlank(c[s.Name]) {
			return badRequest(InvalidValue, "%q is required", s.path)
		}
	}
	return nil
}

// isBlank says whether a required value is missing: RFC 7643 section 4.1.1 wants a
// userName that is not empty.
func isBlank(v any) bool {
	s, ok := v.(string)
	return !assigned(v) || ok && strings.TrimSpace(s) == ""
}

// scalar reads a simple value. Errors tell its kind only: it may be a password.
func (d reader) scalar(a *Attribute, v any) (any, error) {
	switch a.Type {
	case TypeBoolean:
		return d.boolean(a, v)
	case TypeInteger:
		if n, ok := v.(strictjson.Number); ok {
			if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
				return i, nil
			}
		}
		return nil, mismatch(a, "a whole number of at most 64 bits, without fraction or exponent", v)
	case TypeDecimal:
		if n, ok := v.(strictjson.Number); ok {
			f, kept := decimal(string(n))
			if !kept && !d.stored {
				return nil, badRequest(InvalidValue, "%q keeps numbers of up to 15 digits, between 1e-307 and 1e308 or 0, and this one would be changed; send fewer digits, or have the attribute made one of type string", a.path)
			}
			return f, nil
		}
		return nil, mismatch(a, "a number", v)
	}
	s, ok := v.(string)
	if !ok {
		return nil, mismatch(a, "a string", v)
	}
	if len(s) > MaxText && !d.stored {
		return nil, badRequest(InvalidValue, "%q is longer than %d bytes", a.path, MaxText)
	}
	if strings.IndexByte(s, 0) >= 0 {
		return nil, badRequest(InvalidValue, "%q contains the character NUL", a.path)
	}
	switch a.Type {
	case TypeDateTime:
		if _, ok := parseDateTime(s); !ok {
			return nil, mismatch(a, `a dateTime with a time zone, such as "2011-05-13T04:42:34Z"`, v)
		}
	case TypeBinary:
		if !isBase64(s) {
			return nil, mismatch(a, "base64 (RFC 4648 section 4)", v)
		}
	}
	return s, nil
}

func (d reader) boolean(a *Attribute, v any) (any, error) {
	switch x := v.(type) {
	case bool:
		return x, nil
	case string:
		if b, ok := booleanWord(x); ok && d.l.BooleanStrings {
			return b, nil
		}
	}
	return nil, mismatch(a, "true or false, without quotes", v)
}

func booleanWord(s string) (value, ok bool) {
	value = equalASCII(s, "true")
	return value, value || equalASCII(s, "false")
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

func mismatch(a *Attribute, want string, v any) error {
	return badRequest(InvalidValue, "%q must be %s; what was sent, %s, is not", a.path, want, kindOf(v))
}

// kindOf names the kind of a JSON value, with an article.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case strictjson.Number:
		return "a number"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
