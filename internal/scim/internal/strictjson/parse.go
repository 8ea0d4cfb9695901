// Package strictjson reads JSON as a protocol engine wants it: nothing after the
// document, no two members of an object with the same name in whatever case, only
// valid UTF-8, numbers kept as they were written, and bounds on depth and size. An
// error has an offset and never a piece of the document, so it may be logged.
//
// It is not made of the tokens of github.com/go-json-experiment/json/jsontext, which reads
// the bodies of BenchmarkParse in 1.25 to 1.28 times the time (Go 1.26, amd64, the best of
// 20 runs), with as many allocations. That one has no bound on values, none on depth that
// can be set, and finds two members of one name only where they have the same case.
package strictjson

import (
	"fmt"
	"unicode/utf8"
)

// Bounds on a document. A body of some megabytes with 100,000 group members stays
// well inside.
const (
	// MaxDepth is how deep arrays and objects may nest.
	MaxDepth = 32
	// MaxValues is how many values of all kinds a document may have.
	MaxValues = 1_000_000
)

// Object is a JSON object in the order of the document.
type Object []Member

// Member is a name and its value: nil, bool, string, Number, []any or Object.
type Member struct {
	Name  string
	Value any
}

// Number is a number as the document spells it.
type Number string

// Error is a fault in a document.
type Error struct {
	// Offset is in bytes from the start of the document.
	Offset int
	Reason string
}

// Error implements error. It counts from 1, as editors do and as the errors of filters and
// paths do.
func (e *Error) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset+1, e.Reason) }

// Get finds a member by its exact name.
func (o Object) Get(name string) (any, bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	return nil, false
}

// Parse reads a document, which must be one value and nothing else.
func Parse(doc []byte) (any, error) {
	p := parser{doc: doc}
	if len(doc) >= 3 && doc[0] == 0xEF && doc[1] == 0xBB && doc[2] == 0xBF {
		p.pos = 3 // a byte order mark, which RFC 8259 section 8.1 lets a reader skip
	}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(doc) {
		return nil, p.fail("there is something after the end of the document")
	}
	return v, nil
}

type parser struct {
	doc    []byte
	pos    int
	values int
}

func (p *parser) fail(format string, args ...any) *Error {
	return &Error{Offset: p.pos, Reason: fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.pos < len(p.doc) {
		switch p.doc[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
	}
}

// next is the byte at the current position, 0 at the end.
func (p *parser) next() byte {
	if p.pos < len(p.doc) {
		return p.doc[p.pos]
	}
	return 0
}

func (p *parser) value(depth int) (any, error) {
	if p.values++; p.values > MaxValues {
		return nil, p.fail("the document has more than %d values", MaxValues)
	}
	if depth > MaxDepth {
		return nil, p.fail("arrays and objects are nested deeper than %d", MaxDepth)
	}
	switch c := p.next(); {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.text()
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return true, p.word("true")
	case c == 'f':
		return false, p.word("false")
	case c == 'n':
		return nil, p.word("null")
	case p.pos >= len(p.doc):
		return nil, p.fail("the document ends where a value should be")
	default:
		return nil, p.fail("a value should be here")
	}
}

func (p *parser) word(w string) error {
	if end := p.pos + len(w); end <= len(p.doc) && string(p.doc[p.pos:end]) == w {
		p.pos = end
		return nil
	}
	return p.fail("a value should be here")
}

func (p *parser) array(depth int) (any, error) {
	p.pos++
	list := []any{}
	if p.space(); p.next() == ']' {
		p.pos++
		return list, nil
	}
	for {
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		p.space()
		switch p.next() {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return list, nil
		default:
			return nil, p.fail("',' or ']' should be here")
		}
	}
}

func (p *parser) object(depth int) (any, error) {
	p.pos++
	o := Object{}
	if p.space(); p.next() == '}' {
		p.pos++
		return o, nil
	}
	var seen names
	for {
		p.space()
		if p.next() != '"' {
			return nil, p.fail("the name of a member should be here, in double quotes")
		}
		at := p.pos
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		if seen.add(o, name) {
			return nil, &Error{Offset: at, Reason: "an object has two members of one name; names that differ only in case are the same"}
		}
		if p.space(); p.next() != ':' {
			return nil, p.fail("':' should be here")
		}
		p.pos++
		p.space()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o = append(o, Member{Name: name, Value: v})
		p.space()
		switch p.next() {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return o, nil
		default:
			return nil, p.fail("',' or '}' should be here")
		}
	}
}

// number checks the grammar of RFC 8259 section 6.
func (p *parser) number() (any, error) {
	start := p.pos
	if p.next() == '-' {
		p.pos++
	}
	if p.next() == '0' {
		p.pos++
	} else if !p.digits() {
		return nil, p.fail("a digit should be here")
	}
	if p.next() == '.' {
		p.pos++
		if !p.digits() {
			return nil, p.fail("a digit should be here")
		}
	}
	if c := p.next(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.next(); c == '+' || c == '-' {
			p.pos++
		}
		if !p.digits() {
			return nil, p.fail("a digit should be here")
		}
	}
	return Number(p.doc[start:p.pos]), nil
}

func (p *parser) digits() bool {
	start := p.pos
	for c := p.next(); '0' <= c && c <= '9'; c = p.next() {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) text() (string, error) {
	start := p.pos + 1
	for i := start; i < len(p.doc); i++ {
		switch c := p.doc[i]; {
		case c == '"':
			p.pos = i + 1
			return string(p.doc[start:i]), nil
		case c == '\\' || c >= utf8.RuneSelf:
			p.pos = start
			return p.escaped(i)
		case c < ' ':
			p.pos = i
			return "", p.fail("a control character in a string must be escaped")
		}
	}
	p.pos = len(p.doc)
	return "", p.fail("a string does not end")
}
