package filter

import (
	"net/http"
	"strconv"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/ascii"
	"github.com/kubescim/kubescim/internal/scim/internal/scan"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// parser is a recursive-descent parser of the grammar in figure 1 of RFC
// 7644. It compiles as it goes, so an error has the position of what is wrong.
type parser struct {
	t *schema.ResourceType
	// among are the resource types of the search that the filter is for, if they are
	// several.
	among []*schema.ResourceType
	l     scim.Leniency
	scan.Scanner
	// terms and parts are what MaxTerms and MaxParts bound.
	terms, parts int
	// within is the attribute whose value filter is being read: names are those of
	// its sub-attributes.
	within *schema.Attribute
	// inPath says that the text is the path of a PATCH operation.
	inPath bool
}

func (p *parser) fail(at int, problem string) error {
	return scim.BadRequest(scim.InvalidFilter, "%s, position %d: %s", p.noun(), at+1, problem)
}

func (p *parser) noun() string {
	if p.inPath {
		return "path"
	}
	return "filter"
}

func (p *parser) parse() (node, error) {
	if len(p.Text) > MaxLength {
		return nil, scim.BadRequest(scim.InvalidFilter, "the filter is longer than %d bytes; search for less at a time", MaxLength)
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.Pos < len(p.Text) {
		return nil, p.fail(p.Pos, `"and", "or" or the end should be here`)
	}
	return n, nil
}

// or reads terms joined by "or", which binds least.
func (p *parser) or(depth int) (node, error) {
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

func (p *parser) and(depth int) (node, error) {
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
func (p *parser) unit(depth int) (node, error) {
	p.Space()
	if depth > MaxDepth {
		return nil, p.fail(p.Pos, "parentheses, brackets and not are nested deeper than "+strconv.Itoa(MaxDepth)+" levels; write the filter with fewer")
	}
	start := p.Pos
	word := p.Word()
	negated := ascii.Equal(word, "not")
	if negated {
		p.Space()
	}
	if (negated || word == "") && p.Next() == '(' {
		p.Pos++
		n, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.Space(); p.Next() != ')' {
			return nil, p.fail(p.Pos, `")" should be here`)
		}
		p.Pos++
		p.Space()
		if negated {
			n = notNode{n}
		}
		return n, nil
	}
	if word == "" {
		return nil, p.fail(start, `an attribute should be here, as in userName eq "bjensen"`)
	}
	if negated {
		return nil, p.fail(p.Pos, `"not" is followed by an expression in parentheses`)
	}
	if p.within != nil {
		return p.elementTerm(word, start)
	}
	if p.Opens() {
		return p.valuePath(word, start, depth)
	}
	return p.term(word, start)
}

// term reads a comparison of an attribute of the resource.
func (p *parser) term(path string, start int) (node, error) {
	r, absent, err := p.resolve(path, start)
	if err != nil {
		return nil, err
	}
	if r.Sub == nil && r.Attr.Type == schema.TypeComplex && r.Attr.ValueAttr() != nil && !p.comesPresentOrNull() {
		r.Sub = r.Attr.ValueAttr()
	}
	if err := p.allowed(r.Attr, r.Sub, start); err != nil {
		return nil, err
	}
	is, err := p.comparison(r.Leaf())
	if err != nil {
		return nil, err
	}
	if absent {
		return &absentNode{is: is}, nil
	}
	return &termNode{ref: r, is: is}, nil
}

// elementTerm reads a comparison inside of brackets.
func (p *parser) elementTerm(name string, start int) (node, error) {
	n := &elementNode{attr: p.within}
	leaf := p.within
	if p.within.Type == schema.TypeComplex {
		if n.sub = p.within.Sub(name); n.sub == nil {
			return nil, p.fail(start, `"`+p.within.Path()+`" has no sub-attribute `+strconv.Quote(name))
		}
		leaf = n.sub
	} else if !ascii.Equal(name, "value") {
		return nil, p.fail(start, `"`+p.within.Path()+`" is not complex: in brackets, "value" stands for a value of it`)
	}
	if err := p.allowed(p.within, n.sub, start); err != nil {
		return nil, err
	}
	is, err := p.comparison(leaf)
	n.is = is
	return n, err
}

// valuePath reads attr[…], and a comparison of a sub-attribute after it.
func (p *parser) valuePath(path string, start, depth int) (node, error) {
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
func (p *parser) valueFilter(r schema.Ref, start, depth int) (node, error) {
	inner, err := p.brackets(r, start, depth)
	if err != nil {
		return nil, err
	}
	n := &valuePathNode{ref: r, of: inner}
	if !p.Part() {
		p.Space()
		return n, nil
	}
	p.Pos++
	p.within = r.Attr
	defer func() { p.within = nil }()
	at := p.Pos
	more, err := p.elementTerm(p.Word(), at)
	n.of = andNode{inner, more}
	return n, err
}

// brackets reads the value filter of an attribute, from "[" to "]".
func (p *parser) brackets(r schema.Ref, start, depth int) (node, error) {
	if r.Sub != nil {
		return nil, p.fail(start, `brackets follow an attribute, not a sub-attribute: emails[type eq "work"]`)
	}
	if r.Attr == schema.AttrMeta || r.Attr == schema.AttrSchemas || r.Attr.Plain() {
		return nil, p.fail(start, `"`+r.Attr.Path()+`" takes no brackets`)
	}
	p.Pos++
	p.within = r.Attr
	defer func() { p.within = nil }()
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.Space(); p.Next() != ']' {
		return nil, p.fail(p.Pos, `"]" should be here`)
	}
	p.Pos++
	return n, nil
}

// resolve finds the attribute that is named, or says that the resource type has it not
// but another one of the search.
func (p *parser) resolve(path string, start int) (r schema.Ref, absent bool, err error) {
	r, wrong := p.t.Resolve(path)
	switch {
	case wrong == nil && r.Attr != nil:
		return r, false, nil
	case wrong == nil:
		return r, false, p.fail(start, strconv.Quote(path)+" names a schema and no attribute")
	case wrong.Several:
		return r, false, p.fail(start, wrong.Problem)
	}
	for _, t := range p.among {
		if other, none := t.Resolve(path); none == nil && other.Attr != nil {
			return other, true, nil
		}
	}
	return r, false, p.fail(start, wrong.Problem)
}

// allowed refuses attributes that a filter must not look at, or cannot.
func (p *parser) allowed(a, sub *schema.Attribute, start int) error {
	if a.Secret() || sub != nil && sub.Secret() {
		return scim.Errorf(http.StatusForbidden, scim.Sensitive, "%s, position %d: %q is confidential and cannot be filtered on", p.noun(), start+1, a.Path())
	}
	if sub != nil && (sub.Made() || sub.Unkept() || sub == schema.MetaLocation) {
		return p.fail(start, `"`+sub.Path()+`" is made by the server and cannot be filtered on; use the id`)
	}
	return nil
}

// keyword takes "and" or "or" between two expressions.
func (p *parser) keyword(w string) bool {
	p.Space()
	ahead := *p
	if !ascii.Equal(ahead.Word(), w) {
		return false
	}
	p.Pos = ahead.Pos
	return true
}

// goesOn checks that there is something after "and" or "or".
func (p *parser) goesOn(after string) error {
	p.Space()
	if c := p.Next(); c == 0 || c == ')' || c == ']' {
		return p.fail(p.Pos, `an expression is missing after "`+after+`", as in userName eq "bjensen"`)
	}
	return nil
}

// boundary checks that an expression ends here.
func (p *parser) boundary() error {
	switch p.Next() {
	case 0, ' ', '\t', ')', ']':
		p.Space()
		return nil
	}
	return p.fail(p.Pos, "a space or the end should be here")
}
