package filter

import (
	"cmp"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

type operator uint8

const (
	opEq operator = iota
	opNe
	opCo
	opSw
	opEw
	opGt
	opGe
	opLt
	opLe
	opPr
)

var operators = map[string]operator{
	"eq": opEq, "ne": opNe, "co": opCo, "sw": opSw, "ew": opEw,
	"gt": opGt, "ge": opGe, "lt": opLt, "le": opLe, "pr": opPr,
}

// literalKind is what a comparison compares with.
type literalKind uint8

const (
	kindNull literalKind = iota
	kindText
	kindBool
	kindInteger
	kindDecimal
	kindTime
)

// comparison is an operator and a literal, prepared for the attribute's type.
type comparison struct {
	op      operator
	kind    literalKind
	literal string // the text as it was given
	key     string // what a text is compared with, folded where case does not count
	folds   bool
	binary  bool
	truth   bool
	integer int64
	decimal float64
	instant time.Time
}

// holds is the comparison with a value, which for a multi-valued attribute is true
// if it is for any element.
func (c *comparison) holds(v any) bool {
	switch {
	case c.op == opPr:
		return content.Present(v)
	case c.kind == kindNull:
		return (c.op == opNe) == content.Present(v)
	}
	list, ok := v.([]any)
	if !ok {
		return c.one(v)
	}
	for _, e := range list {
		if c.one(e) {
			return true
		}
	}
	return c.op == opNe && len(list) == 0
}

// holdsWithin is the comparison with a sub-attribute of a complex value or of the
// elements of one.
func (c *comparison) holdsWithin(v any, sub *schema.Attribute) bool {
	switch v := v.(type) {
	case scim.Complex:
		return c.holds(v[sub.Name])
	case []any:
		if len(v) == 0 {
			return c.holds(nil)
		}
		if c.kind == kindNull && c.op == opEq {
			return !c.any(v, sub, content.Present)
		}
		return c.any(v, sub, c.holds)
	default:
		return c.holds(nil)
	}
}

func (*comparison) any(list []any, sub *schema.Attribute, holds func(any) bool) bool {
	for _, e := range list {
		if element, ok := e.(scim.Complex); ok && holds(element[sub.Name]) {
			return true
		}
	}
	return false
}

// one is the comparison with one simple value, nil where it is unassigned.
func (c *comparison) one(v any) bool {
	if c.op == opNe {
		return !c.equal(v)
	}
	if v == nil {
		return false
	}
	switch c.op {
	case opEq:
		return c.equal(v)
	case opCo, opSw, opEw:
		return c.part(v)
	}
	order, ok := c.order(v)
	if !ok {
		return false
	}
	switch c.op {
	case opGt:
		return order > 0
	case opGe:
		return order >= 0
	case opLt:
		return order < 0
	default:
		return order <= 0
	}
}

func (c *comparison) equal(v any) bool {
	if s, ok := v.(string); ok && c.kind == kindText {
		switch {
		case c.folds:
			return fold.Equal(s, c.key)
		case c.binary:
			return strings.TrimRight(s, "=") == c.key
		default:
			return s == c.key
		}
	}
	if b, ok := v.(bool); ok {
		return c.kind == kindBool && b == c.truth
	}
	order, ok := c.order(v)
	return ok && order == 0
}

func (c *comparison) part(v any) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	if c.folds {
		s = fold.Key(s)
	}
	switch c.op {
	case opCo:
		return strings.Contains(s, c.key)
	case opSw:
		return strings.HasPrefix(s, c.key)
	default:
		return strings.HasSuffix(s, c.key)
	}
}

// order compares a value with the literal; not ok where they are not of one kind.
func (c *comparison) order(v any) (order int, ok bool) {
	switch c.kind {
	case kindText:
		s, ok := v.(string)
		if ok && c.folds {
			s = fold.Key(s)
		}
		return strings.Compare(s, c.key), ok
	case kindTime:
		t, ok := content.Instant(v)
		return t.Compare(c.instant), ok
	case kindInteger:
		if i, ok := v.(int64); ok {
			return cmp.Compare(i, c.integer), true
		}
		f, ok := v.(float64)
		return cmp.Compare(f, c.decimal), ok
	case kindDecimal:
		if i, ok := v.(int64); ok {
			return cmp.Compare(float64(i), c.decimal), true
		}
		f, ok := v.(float64)
		return cmp.Compare(f, c.decimal), ok
	}
	return 0, false
}

// valueOf is the literal as a value of the attribute; nil if it cannot be one, though
// it can be compared with: 1.5 with an integer, a text with base64.
func (c *comparison) valueOf(a *schema.Attribute) any {
	switch c.kind {
	case kindText, kindTime:
		v, err := decode.Reader{}.Scalar(a, c.literal)
		if err != nil {
			return nil
		}
		return v
	case kindBool:
		return c.truth
	case kindInteger, kindDecimal:
		if a.Type == schema.TypeDecimal {
			return c.decimal
		}
		if c.kind == kindInteger {
			return c.integer
		}
	}
	return nil
}
