package scim

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kubescim/kubescim/internal/scim/internal/strictjson"
)

// filterParser is a recursive-descent parser of the grammar in figure 1 of RFC
// 7644. It compiles as it goes, so an error has the position of what is wrong.
type filterParser struct {
	t *ResourceType
	// among are the resource types of the search that the filter is for, if they are
	// several.
	among []*ResourceType
	l     Leniency
	scanner
	// terms and parts are what MaxFilterTerms and MaxFilterParts bound.
	terms, parts int
	// within is the attribute whose value filter is being read: names are those of
	// its sub-attributes.
	within *Attribute
	// inPath says that the text is the path of a PATCH operation.
	inPath bool
}

func (p *filterParser) fail(at int, problem string) error {
	return badRequest(InvalidFilter, "%s, position %d: %s", p.noun(), at+1, problem)
}

func (p *filterParser) noun() string {
	if p.inPath {
		return "path"
	}
	return "filter"
}

func (p *filterParser) parse() (node, error) {
	if len(p.text) > MaxFilterLength {
		return nil, badRequest(InvalidFilter, "the filter is longer than %d bytes; search for less at a time", MaxFilterLength)
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.text) {
		return nil, p.fail(p.pos, `"and", "or" or the end should be here`)
	}
	return n, nil
}

// or reads terms joined by "or", which binds least.
func (p *filterParser) or(depth int) (node, error) {
	first, err := p.and(depth)
	if err != nil {
		return nil, err
	}
	var all orNode
	for p.keyword("or") {
		if all == nil {
			all = orNode{first}
		}
		if err := p.goesOn("or"); err != nil {
			return nil, err
		}
		next, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	if all == nil {
		return first, nil
	}
	return all, nil
}

func (p *filterParser) and(depth int) (node, error) {
	first, err := p.unit(depth)
	if err != nil {
		return nil, err
	}
	var all andNode
	for p.keyword("and") {
		if all == nil {
			all = andNode{first}
		}
		if err := p.goesOn("and"); err != nil {
			return nil, err
		}
		next, err := p.unit(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	if all == nil {
		return first, nil
	}
	return all, nil
}

// unit reads a group, a negated group, a value path or a comparison.
func (p *filterParser) unit(depth int) (node, error) {
	p.space()
	if depth > MaxFilterDepth {
		return nil, p.fail(p.pos, "parentheses, brackets and not are nested deeper than "+strconv.Itoa(MaxFilterDepth)+" levels; write the filter with fewer")
	}
	start := p.pos
	word := p.word()
	negated := equalASCII(word, "not")
	if negated {
		p.space()
	}
	if (negated || word == "") && p.next() == '(' {
		p.pos++
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.space(); p.next() != ')' {
			return nil, p.fail(p.pos, `")" should be here`)
		}
		p.pos++
		p.space()
		if negated {
			n = notNode{n}
		}
		return n, nil
	}
	if word == "" {
		return nil, p.fail(start, `an attribute should be here, as in userName eq "bjensen"`)
	}
	if negated {
		return nil, p.fail(p.pos, `"not" is followed by an expression in parentheses`)
	}
	if p.within != nil {
		return p.elementTerm(word, start)
	}
	if p.opens() {
		return p.valuePath(word, start, depth)
	}
	return p.term(word, start)
}

// term reads a comparison of an attribute of the resource.
func (p *filterParser) term(path string, start int) (node, error) {
	r, absent, err := p.resolve(path, start)
	if err != nil {
		return nil, err
	}
	if r.sub == nil && r.attr.Type == TypeComplex && r.attr.value != nil && !p.comesPresentOrNull() {
		r.sub = r.attr.value
	}
	if err := p.allowed(r.attr, r.sub, start); err != nil {
		return nil, err
	}
	is, err := p.comparison(r.leaf())
	if err != nil {
		return nil, err
	}
	if absent {
		return &absentNode{is: is}, nil
	}
	return &termNode{ref: r, is: is}, nil
}

// elementTerm reads a comparison inside of brackets.
func (p *filterParser) elementTerm(name string, start int) (node, error) {
	n := &elementNode{attr: p.within}
	leaf := p.within
	if p.within.Type == TypeComplex {
		if n.sub = p.within.sub(name); n.sub == nil {
			return nil, p.fail(start, `"`+p.within.path+`" has no sub-attribute `+strconv.Quote(name))
		}
		leaf = n.sub
	} else if !equalASCII(name, "value") {
		return nil, p.fail(start, `"`+p.within.path+`" is not complex: in brackets, "value" stands for a value of it`)
	}
	if err := p.allowed(p.within, n.sub, start); err != nil {
		return nil, err
	}
	is, err := p.comparison(leaf)
	n.is = is
	return n, err
}

// valuePath reads attr[…], and a comparison of a sub-attribute after it.
func (p *filterParser) valuePath(path string, start, depth int) (node, error) {
	r, absent, err := p.resolve(path, start)
	if err != nil {
		return nil, err
	}
	n, err := p.valueFilter(r, start, depth)
	if absent {
		return noElement{}, err
	}
	return n, err
}

// valueFilter reads what follows the name of the attribute in a value path.
func (p *filterParser) valueFilter(r ref, start, depth int) (node, error) {
	inner, err := p.brackets(r, start, depth)
	if err != nil {
		return nil, err
	}
	n := &valuePathNode{ref: r, of: inner}
	if !p.part() {
		p.space()
		return n, nil
	}
	p.pos++
	p.within = r.attr
	defer func() { p.within = nil }()
	at := p.pos
	more, err := p.elementTerm(p.word(), at)
	n.of = andNode{inner, more}
	return n, err
}

// brackets reads the value filter of an attribute, from "[" to "]".
func (p *filterParser) brackets(r ref, start, depth int) (node, error) {
	if r.sub != nil {
		return nil, p.fail(start, `brackets follow an attribute, not a sub-attribute: emails[type eq "work"]`)
	}
	if r.attr == attrMeta || r.attr == attrSchemas || r.attr.plain() {
		return nil, p.fail(start, `"`+r.attr.path+`" takes no brackets`)
	}
	p.pos++
	p.within = r.attr
	defer func() { p.within = nil }()
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.space(); p.next() != ']' {
		return nil, p.fail(p.pos, `"]" should be here`)
	}
	p.pos++
	return n, nil
}

// resolve finds the attribute that is named, or says that the resource type has it not
// but another one of the search.
func (p *filterParser) resolve(path string, start int) (r ref, absent bool, err error) {
	r, wrong := p.t.resolve(path)
	switch {
	case wrong == nil && r.attr != nil:
		return r, false, nil
	case wrong == nil:
		return r, false, p.fail(start, strconv.Quote(path)+" names a schema and no attribute")
	case wrong.several:
		return r, false, p.fail(start, wrong.problem)
	}
	for _, t := range p.among {
		if other, none := t.resolve(path); none == nil && other.attr != nil {
			return other, true, nil
		}
	}
	return r, false, p.fail(start, wrong.problem)
}

// allowed refuses attributes that a filter must not look at, or cannot.
func (p *filterParser) allowed(a, sub *Attribute, start int) error {
	if a.secret() || sub != nil && sub.secret() {
		return Errorf(http.StatusForbidden, Sensitive, "%s, position %d: %q is confidential and cannot be filtered on", p.noun(), start+1, a.path)
	}
	if sub != nil && (sub.made() || sub.unkept || sub == metaLocation) {
		return p.fail(start, `"`+sub.path+`" is made by the server and cannot be filtered on; use the id`)
	}
	return nil
}

// comparison reads an operator and, unless it is pr, a value.
func (p *filterParser) comparison(a *Attribute) (comparison, error) {
	if p.terms++; p.terms > MaxFilterTerms {
		return comparison{}, badRequest(InvalidFilter, "the filter has more than %d comparisons; search for less at a time", MaxFilterTerms)
	}
	if p.space() == 0 {
		return comparison{}, p.fail(p.pos, "a space and an operator should be here: eq ne co sw ew gt ge lt le pr")
	}
	start := p.pos
	op, known := operators[lowerASCII(p.word())]
	if !known {
		return comparison{}, p.fail(start, "an operator should be here: eq ne co sw ew gt ge lt le pr")
	}
	if op == opPr {
		return comparison{op: opPr}, p.boundary()
	}
	if p.space() == 0 {
		return comparison{}, p.fail(p.pos, "a space and a value should be here")
	}
	start = p.pos
	lit, err := p.literal()
	if err != nil {
		return comparison{}, err
	}
	c, problem := compile(a, op, lit, p.l)
	if problem != "" {
		return c, p.fail(start, problem)
	}
	if c.folds && c.op != opEq && c.op != opNe {
		if p.parts++; p.parts > MaxFilterParts {
			return c, badRequest(InvalidFilter, "the filter has more than %d comparisons of texts with operators other than eq and ne; search for less at a time", MaxFilterParts)
		}
	}
	return c, p.boundary()
}

// literal reads a value: a JSON string, or any word. What the word may be, the attribute
// decides.
func (p *filterParser) literal() (literal, error) {
	start := p.pos
	if p.next() != '"' {
		word := p.bareWord()
		if word == "" {
			return literal{}, p.fail(start, "a value should be here")
		}
		return literal{text: word}, nil
	}
	plain := true // neither escapes nor anything but ASCII, so that it is what it says
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\':
			plain = false
			i++
		case c < ' ' || c >= utf8.RuneSelf:
			plain = false
		case c == '"' && plain:
			p.pos = i + 1
			return literal{text: p.text[start+1 : i], quoted: true}, nil
		case c == '"':
			v, err := strictjson.Parse([]byte(p.text[start : i+1]))
			s, ok := v.(string)
			if err != nil || !ok {
				return literal{}, p.fail(start, `the string is not one of JSON; a backslash is written \\ and a quotation mark \"`)
			}
			p.pos = i + 1
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
func (p *filterParser) comesPresentOrNull() bool {
	ahead := *p
	ahead.space()
	if equalASCII(ahead.word(), "pr") {
		return true
	}
	ahead.space()
	return ahead.bareWord() == "null"
}

// keyword takes "and" or "or" between two expressions.
func (p *filterParser) keyword(w string) bool {
	p.space()
	ahead := *p
	if !equalASCII(ahead.word(), w) {
		return false
	}
	p.pos = ahead.pos
	return true
}

// goesOn checks that there is something after "and" or "or".
func (p *filterParser) goesOn(after string) error {
	p.space()
	if c := p.next(); c == 0 || c == ')' || c == ']' {
		return p.fail(p.pos, `an expression is missing after "`+after+`", as in userName eq "bjensen"`)
	}
	return nil
}

// boundary checks that an expression ends here.
func (p *filterParser) boundary() error {
	switch p.next() {
	case 0, ' ', '\t', ')', ']':
		p.space()
		return nil
	}
	return p.fail(p.pos, "a space or the end should be here")
}
