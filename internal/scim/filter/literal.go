package filter

import (
	"strings"
	"unicode/utf8"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// comparison reads an operator and, unless it is pr, a value.
func (p *parser) comparison(a *schema.Attribute) (comparison, error) {
	if p.terms++; p.terms > MaxTerms {
		return comparison{}, scim.BadRequest(scim.InvalidFilter, "the filter has more than %d comparisons; search for less at a time", MaxTerms)
	}
	if p.Space() == 0 {
		return comparison{}, p.fail(p.Pos, "a space and an operator should be here: eq ne co sw ew gt ge lt le pr")
	}
	start := p.Pos
	op, known := operators[ascii.Lower(p.Word())]
	if !known {
		return comparison{}, p.fail(start, "an operator should be here: eq ne co sw ew gt ge lt le pr")
	}
	if op == opPr {
		return comparison{op: opPr}, p.boundary()
	}
	if p.Space() == 0 {
		return comparison{}, p.fail(p.Pos, "a space and a value should be here")
	}
	start = p.Pos
	lit, err := p.literal()
	if err != nil {
		return comparison{}, err
	}
	c, problem := compile(a, op, lit, p.l)
	if problem != "" {
		return c, p.fail(start, problem)
	}
	if c.folds && c.op != opEq && c.op != opNe {
		if p.parts++; p.parts > MaxParts {
			return c, scim.BadRequest(scim.InvalidFilter, "the filter has more than %d comparisons of texts with operators other than eq and ne; search for less at a time", MaxParts)
		}
	}
	return c, p.boundary()
}

// literal reads a value: a JSON string, or any word. What the word may be, the attribute
// decides.
func (p *parser) literal() (literal, error) {
	start := p.Pos
	if p.Next() != '"' {
		word := p.BareWord()
		if word == "" {
			return literal{}, p.fail(start, "a value should be here")
		}
		return literal{text: word}, nil
	}
	plain := true // neither escapes nor anything but ASCII, so that it is what it says
	for i := p.Pos + 1; i < len(p.Text); i++ {
		switch c := p.Text[i]; {
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c >= utf8.RuneSelf:
			plain = false
		case c == '"' && plain:
			p.Pos = i + 1
			return literal{text: p.Text[start+1 : i], quoted: true}, nil
		case c == '"':
			v, err := strictjson.Parse([]byte(p.Text[start : i+1]))
			s, ok := v.(string)
			if err != nil || !ok {
				return literal{}, p.fail(start, `the string is not one of JSON; a backslash is written \\ and a quotation mark \"`)
			}
			p.Pos = i + 1
			return literal{text: s, quoted: true}, nil
		}
	}
	return literal{}, p.fail(start, "the string has no closing quotation mark")
}

func isNumber(s string) bool {
	v, err := strictjson.Parse([]byte(s))
	_, ok := v.(strictjson.Number)
	return err == nil && ok && !strings.ContainsAny(s, " \t\r\n")
}

// comesPresentOrNull looks ahead for `pr` and for `null`, which are about the whole
// of a complex attribute.
func (p *parser) comesPresentOrNull() bool {
	ahead := *p
	ahead.Space()
	if ascii.Equal(ahead.Word(), "pr") {
		return true
	}
	ahead.Space()
	return ahead.BareWord() == "null"
}
