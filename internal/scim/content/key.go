package content

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Key is the same for two elements exactly if Equal is true.
func Key(a *schema.Attribute, e any) string {
	c, ok := e.(Complex)
	if !ok {
		return string(AppendJSON(nil, a, e))
	}
	var b []byte
	for _, s := range a.SubAttributes {
		if v := c[s.Name]; Assigned(v) && s.Mutability != schema.ReadOnly && !s.Made() {
			b = AppendJSON(append(b, s.Key()...), s, v)
		}
	}
	return string(b)
}

// ElementKey is the same for two elements that are one to SCIM: members by their
// `value` (RFC 7643 section 4.2), other elements with a `value` by that and their
// `type` (section 2.4: no pair occurs twice), the rest by their whole content.
func ElementKey(a *schema.Attribute, e any) string {
	c, ok := e.(Complex)
	if !ok {
		return scalarKey(a, e)
	}
	if a.ValueAttr() == nil || !Assigned(c["value"]) {
		return Key(a, e)
	}
	key := scalarKey(a.ValueAttr(), c["value"])
	if a.Identified() || a.TypeAttr() == nil {
		return key
	}
	return key + "\x00" + scalarKey(a.TypeAttr(), c["type"])
}

// scalarKey is the same for two simple values that a filter's eq finds equal.
func scalarKey(a *schema.Attribute, v any) string {
	s, ok := v.(string)
	switch {
	case !ok && v == nil:
		return ""
	case !ok:
		return string(appendjson.Scalar(nil, v))
	case a.Folds():
		return fold.Key(s)
	case a.Type == schema.TypeDateTime:
		if t, ok := ParseDateTime(s); ok {
			return string(appendjson.Time(nil, t))
		}
	case a.Type == schema.TypeBinary:
		return strings.TrimRight(s, "=")
	}
	return s
}

// PairKey is the same for two elements that distinct makes one of.
func PairKey(a *schema.Attribute, e any) string {
	c, ok := e.(Complex)
	switch {
	case a.Identified():
		return ElementKey(a, e)
	case !ok || a.ValueAttr() == nil || a.TypeAttr() == nil || !Assigned(c[a.ValueAttr().Name]):
		return Key(a, e)
	}
	return string(appendjson.Scalar(nil, c[a.ValueAttr().Name])) + "\x00" + scalarKey(a.TypeAttr(), c[a.TypeAttr().Name])
}
