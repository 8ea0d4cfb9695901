package scim

import (
	"cmp"
	"strconv"
	"strings"
	"time"
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
		return present(v)
	case c.kind == kindNull:
		return (c.op == opNe) == present(v)
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
func (c *comparison) holdsWithin(v any, sub *Attribute) bool {
	switch v := v.(type) {
	case Complex:
		return c.holds(v[sub.Name])
	case []any:
		if len(v) == 0 {
			return c.holds(nil)
		}
		if c.kind == kindNull && c.op == opEq {
			return !c.any(v, sub, present)
		}
		return c.any(v, sub, c.holds)
	default:
		return c.holds(nil)
	}
}

func (*comparison) any(list []any, sub *Attribute, holds func(any) bool) bool {
	for _, e := range list {
		if element, ok := e.(Complex); ok && holds(element[sub.Name]) {
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
			return EqualFold(s, c.key)
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
		s = Fold(s)
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
			s = Fold(s)
		}
		return strings.Compare(s, c.key), ok
	case kindTime:
		t, ok := instant(v)
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
func (c *comparison) valueOf(a *Attribute) any {
	switch c.kind {
	case kindText, kindTime:
		v, err := reader{}.scalar(a, c.literal)
		if err != nil {
			return nil
		}
		return v
	case kindBool:
		return c.truth
	case kindInteger, kindDecimal:
		if a.Type == TypeDecimal {
			return c.decimal
		}
		if c.kind == kindInteger {
			return c.integer
		}
	}
	return nil
}

// literal is a value in a filter as it was written.
type literal struct {
	text   string
	quoted bool
}

// compile prepares a comparison of an attribute. The problem is a sentence for the
// client.
func compile(a *Attribute, op operator, lit literal, l Leniency) (c comparison, problem string) {
	c = comparison{op: op, literal: lit.text}
	if !lit.quoted && lit.text == "null" {
		if op != opEq && op != opNe {
			return c, "null can be compared with eq and ne only"
		}
		return c, ""
	}
	switch a.Type {
	case TypeBoolean:
		return c, c.compileBoolean(a, lit, l)
	case TypeInteger, TypeDecimal:
		return c, c.compileNumber(a, lit)
	case TypeDateTime:
		return c, c.compileTime(a, lit)
	case TypeComplex:
		return c, `"` + a.path + `" is complex: compare one of its sub-attributes`
	default:
		return c, c.compileText(a, lit, l)
	}
}

func (c *comparison) compileBoolean(a *Attribute, lit literal, l Leniency) string {
	c.kind = kindBool
	if c.op != opEq && c.op != opNe {
		return `"` + a.path + `" is boolean, and can be compared with eq, ne and pr only`
	}
	exact := !lit.quoted && (lit.text == "true" || lit.text == "false")
	truth, ok := booleanWord(lit.text)
	if !exact && !(ok && l.BooleanStrings) {
		return `"` + a.path + `" is boolean: compare with true or false, in lower case and without quotes`
	}
	c.truth = truth
	return ""
}

func (c *comparison) compileNumber(a *Attribute, lit literal) string {
	if c.op == opCo || c.op == opSw || c.op == opEw {
		return `"` + a.path + `" is a number, which has no parts to compare`
	}
	if lit.quoted || !isNumber(lit.text) {
		return `"` + a.path + `" is a number: compare with a number, without quotes`
	}
	f, err := strconv.ParseFloat(lit.text, 64)
	if err != nil {
		return `"` + a.path + `" is compared with a number that is larger than 1.8e308, the largest there is`
	}
	c.kind, c.decimal = kindDecimal, f
	if i, err := strconv.ParseInt(lit.text, 10, 64); err == nil {
		c.kind, c.integer = kindInteger, i
	}
	return ""
}

func (c *comparison) compileTime(a *Attribute, lit literal) string {
	if c.op == opCo || c.op == opSw || c.op == opEw {
		return `"` + a.path + `" is a dateTime, which has no parts to compare`
	}
	t, ok := parseDateTime(lit.text)
	if !ok || !lit.quoted {
		return `"` + a.path + `" is a dateTime: compare with one that has a time zone, such as "2011-05-13T04:42:34Z"`
	}
	c.kind, c.instant = kindTime, t
	return ""
}

// unmistakable reports whether a word without quotes can be nothing but a text: no part of a
// text whose first quotation mark is missing, no JSON, no word of the grammar, and no
// template that was not filled in.
func unmistakable(word string) bool {
	switch lowerASCII(word) {
	case "true", "false", "null", "and", "or", "not":
		return false
	}
	return word[0] != '\'' && !strings.ContainsAny(word, "\"\\{}[]()<>")
}

func (c *comparison) compileText(a *Attribute, lit literal, l Leniency) string {
	if !lit.quoted && !(l.UnquotedLiterals && unmistakable(lit.text)) {
		return `"` + a.path + `" is compared with a string, which needs double quotes`
	}
	c.kind, c.key = kindText, lit.text
	if a.Type == TypeBinary {
		if c.op != opEq && c.op != opNe {
			return `"` + a.path + `" is binary, and can be compared with eq, ne and pr only`
		}
		c.binary, c.key = true, strings.TrimRight(lit.text, "=")
	}
	if c.folds = a.folds(); c.folds {
		c.key = Fold(lit.text)
	}
	return ""
}
