package scim

import "strings"

// scanner reads a filter or a path from left to right.
type scanner struct {
	text string
	pos  int
}

// next is the byte at the current position, 0 at the end.
func (p *scanner) next() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// opens goes on to an opening bracket, before which there may be blanks, as clients have
// been seen to write.
func (p *scanner) opens() bool {
	at := p.pos
	if p.space(); p.next() == '[' {
		return true
	}
	p.pos = at
	return false
}

// part says whether a sub-attribute comes after a bracket.
func (p *scanner) part() bool { return p.next() == '.' || p.next() == '/' }

// space skips blanks and says how many there were.
func (p *scanner) space() int {
	start := p.pos
	for c := p.next(); c == ' ' || c == '\t'; c = p.next() {
		p.pos++
	}
	return p.pos - start
}

// word reads up to what cannot be part of a path or an operator.
func (p *scanner) word() string { return p.until(" \t()[]\"") }

// bareWord reads up to what ends a value.
func (p *scanner) bareWord() string { return p.until(" \t)]") }

func (p *scanner) until(stop string) string {
	start := p.pos
	if n := strings.IndexAny(p.text[p.pos:], stop); n >= 0 {
		p.pos += n
	} else {
		p.pos = len(p.text)
	}
	return p.text[start:p.pos]
}
