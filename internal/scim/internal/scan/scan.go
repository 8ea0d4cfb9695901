// Package scan reads filters and paths from left to right.
package scan

import (
	"strings"
)

// Scanner reads a filter or a path from left to right.
type Scanner struct {
	Text string
	Pos  int
}

// Next is the byte at the current position, 0 at the end.
func (p *Scanner) Next() byte {
	if p.Pos < len(p.Text) {
		return p.Text[p.Pos]
	}
	return 0
}

// Opens goes on to an opening bracket, before which there may be blanks, as clients have
// been seen to write.
func (p *Scanner) Opens() bool {
	at := p.Pos
	if p.Space(); p.Next() == '[' {
		return true
	}
	p.Pos = at
	return false
}

// Part says whether a sub-attribute comes after a bracket.
func (p *Scanner) Part() bool { return p.Next() == '.' || p.Next() == '/' }

// Space skips blanks and says how many there were.
func (p *Scanner) Space() int {
	start := p.Pos
	for c := p.Next(); c == ' ' || c == '\t'; c = p.Next() {
		p.Pos++
	}
	return p.Pos - start
}

// Word reads up to what cannot be part of a path or an operator.
func (p *Scanner) Word() string { return p.until(" \t()[]\"") }

// BareWord reads up to what ends a value.
func (p *Scanner) BareWord() string { return p.until(" \t)]") }

func (p *Scanner) until(stop string) string {
	start := p.Pos
	if n := strings.IndexAny(p.Text[p.Pos:], stop); n >= 0 {
		p.Pos += n
	} else {
		p.Pos = len(p.Text)
	}
	return p.Text[start:p.Pos]
}
