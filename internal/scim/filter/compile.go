package filter

import (
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/content"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// literal is a value in a filter as it was written.
type literal struct {
	text   string
	quoted bool
}

// compile prepares a comparison of an attribute. The problem is a sentence for the
// client.
func compile(a *schema.Attribute, op operator, lit literal, l scim.Leniency) (c comparison, problem string) {
	c = comparison{op: op, literal: lit.text}
	if !lit.quoted && lit.text == "null" {
		if op != opEq && op != opNe {
			return c, "null can be compared with eq and ne only"
		}
		return c, ""
	}
	switch a.Type {
	case schema.TypeBoolean:
		return c, c.compileBoolean(a, lit, l)
	case schema.TypeInteger, schema.TypeDecimal:
		return c, c.compileNumber(a, lit)
	case schema.TypeDateTime:
		return c, c.compileTime(a, lit)
	case schema.TypeComplex:
		return c, `"` + a.Path() + `" is complex: compare one of its sub-attributes`
	default:
		return c, c.compileText(a, lit, l)
	}
}

func (c *comparison) compileBoolean(a *schema.Attribute, lit literal, l scim.Leniency) string {
	c.kind = kindBool
	if c.op != opEq && c.op != opNe {
		return `"` + a.Path() + `" is boolean, and can be compared with eq, ne and pr only`
	}
	exact := !lit.quoted && (lit.text == "true" || lit.text == "false")
	truth, ok := content.ParseBool(lit.text)
	if !exact && !(ok && l.BooleanStrings) {
		return `"` + a.Path() + `" is boolean: compare with true or false, in lower case and without quotes`
	}
	c.truth = truth
	return ""
}

func (c *comparison) compileNumber(a *schema.Attribute, lit literal) string {
	if c.op == opCo || c.op == opSw || c.op == opEw {
		return `"` + a.Path() + `" is a number, which has no parts to compare`
	}
	if lit.quoted || !isNumber(lit.text) {
		return `"` + a.Path() + `" is a number: compare with a number, without quotes`
	}
	f, err := strconv.ParseFloat(lit.text, 64)
	if err != nil {
		return `"` + a.Path() + `" is compared with a number that is larger than 1.8e308, the largest there is`
	}
	c.kind, c.decimal = kindDecimal, f
	if i, err := strconv.ParseInt(lit.text, 10, 64); err == nil {
		c.kind, c.integer = kindInteger, i
	}
	return ""
}

func (c *comparison) compileTime(a *schema.Attribute, lit literal) string {
	if c.op == opCo || c.op == opSw || c.op == opEw {
		return `"` + a.Path() + `" is a dateTime, which has no parts to compare`
	}
	t, ok := content.ParseDateTime(lit.text)
	if !ok || !lit.quoted {
		return `"` + a.Path() + `" is a dateTime: compare with one that has a time zone, such as "2011-05-13T04:42:34Z"`
	}
	c.kind, c.instant = kindTime, t
	return ""
}

// unmistakable reports whether a word without quotes can be nothing but a text: no part of a
// text whose first quotation mark is missing, no JSON, no word of the grammar, and no
// template that was not filled in.
func unmistakable(word string) bool {
	switch ascii.Lower(word) {
	case "true", "false", "null", "and", "or", "not":
		return false
	}
	return word[0] != '\'' && !strings.ContainsAny(word, "\"\\{}[]()<>")
}

func (c *comparison) compileText(a *schema.Attribute, lit literal, l scim.Leniency) string {
	if !lit.quoted && !(l.UnquotedLiterals && unmistakable(lit.text)) {
		return `"` + a.Path() + `" is compared with a string, which needs double quotes`
	}
	c.kind, c.key = kindText, lit.text
	if a.Type == schema.TypeBinary {
		if c.op != opEq && c.op != opNe {
			return `"` + a.Path() + `" is binary, and can be compared with eq, ne and pr only`
		}
		c.binary, c.key = true, strings.TrimRight(lit.text, "=")
	}
	if c.folds = a.Folds(); c.folds {
		c.key = fold.Key(lit.text)
	}
	return ""
}
