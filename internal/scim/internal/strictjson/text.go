package strictjson

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// escaped reads the rest of a string that has more than plain ASCII; what lies
// between the current position and from is plain.
func (p *parser) escaped(from int) (string, error) {
	b := append(make([]byte, 0, from-p.pos+32), p.doc[p.pos:from]...)
	p.pos = from
	for p.pos < len(p.doc) {
		switch c := p.doc[p.pos]; {
		case c == '"':
			p.pos++
			return string(b), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		case c < ' ':
			return "", p.fail("a control character in a string must be escaped")
		case c < utf8.RuneSelf:
			b = append(b, c)
			p.pos++
		default:
			r, size := utf8.DecodeRune(p.doc[p.pos:])
			if r == utf8.RuneError && size <= 1 {
				return "", p.fail("the document is not valid UTF-8")
			}
			b = append(b, p.doc[p.pos:p.pos+size]...)
			p.pos += size
		}
	}
	return "", p.fail("a string does not end")
}

// escape reads one escape sequence, or two that are one character.
func (p *parser) escape() (rune, error) {
	p.pos++
	c := p.next()
	switch c {
	case '"', '\\', '/':
		p.pos++
		return rune(c), nil
	case 'b', 'f', 'n', 'r', 't':
		p.pos++
		return rune("\b\f\n\r\t"[strings.IndexByte("bfnrt", c)]), nil
	case 'u':
		r, ok := p.hex()
		if !ok {
			return 0, p.fail(`\u takes four hexadecimal digits`)
		}
		if !utf16.IsSurrogate(r) {
			return r, nil
		}
		if p.next() == '\\' && p.pos+1 < len(p.doc) && p.doc[p.pos+1] == 'u' {
			p.pos++
			if low, ok := p.hex(); ok {
				if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
					return both, nil
				}
			}
		}
		return 0, p.fail("half a surrogate pair is not a character")
	default:
		return 0, p.fail("this escape sequence is not one of JSON")
	}
}

// hex reads the four digits after a \u, with the position on the u.
func (p *parser) hex() (rune, bool) {
	if p.pos+5 > len(p.doc) {
		return 0, false
	}
	var r rune
	for _, c := range p.doc[p.pos+1 : p.pos+5] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	p.pos += 5
	return r, true
}

// names finds members of one name. Objects are small as a rule, so a map is made
// only for a large one.
type names map[string]struct{}

const manyNames = 16

// add says whether an object has a member of the name already.
func (n *names) add(o Object, name string) bool {
	if *n == nil {
		for _, m := range o {
			if equalFold(m.Name, name) {
				return true
			}
		}
		if len(o) < manyNames {
			return false
		}
		*n = make(names, 4*manyNames)
		for _, m := range o {
			(*n)[lower(m.Name)] = struct{}{}
		}
	}
	key := lower(name)
	_, seen := (*n)[key]
	(*n)[key] = struct{}{}
	return seen
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if a[i] != b[i] && lowerByte(a[i]) != lowerByte(b[i]) {
			return false
		}
	}
	return true
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return string(b)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
