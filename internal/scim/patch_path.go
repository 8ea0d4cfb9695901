package scim

import "strings"

// target is what a path of an operation names: an attribute, an extension, a
// sub-attribute, or those of the elements that satisfy a filter.
type target struct {
	ref
	filter *valueFilter
	// ignored says that it is a part of elements that no schema has, and is to be left out.
	ignored bool
}

// parsePath reads a path with a URN, or one that is for the core schema.
func parsePath(d reader, text string) (target, error) { return parsePathIn(d, nil, text) }

// parsePathIn reads PATH of RFC 7644 section 3.5.2, figure 7. As table 9 has it, what is
// wrong with the filter between two brackets is invalidFilter, and all else is
// invalidPath: a bracket that is never closed has no filter in it, and makes the path
// malformed, whatever follows.
func parsePathIn(d reader, home *Schema, text string) (target, error) {
	if len(text) > MaxFilterLength {
		return target{}, badRequest(InvalidPath, "path: it is longer than %d bytes", MaxFilterLength)
	}
	p := scanner{text: text}
	word := p.word()
	if word == "" {
		return target{}, badRequest(InvalidPath, "path: it begins with no attribute")
	}
	r, wrong := d.t.meaning(home, word)
	if wrong != nil {
		return target{}, badRequest(InvalidPath, "path: %s", wrong.problem)
	}
	at := target{ref: r}
	if p.opens() {
		if err := at.brackets(d, &p); err != nil {
			return target{}, err
		}
	}
	if p.pos < len(text) {
		return target{}, badRequest(InvalidPath, "path, position %d: the path should end here", p.pos+1)
	}
	return at, nil
}

// ignorable says whether a path is well formed, but names an attribute that is unknown
// and to be ignored.
func ignorable(d reader, path string) bool {
	if !d.l.IgnoreUnknown {
		return false
	}
	name := beforeBracket(path)
	_, wrong := d.t.resolve(name)
	return wrong != nil && wrong.unknown && validPath(name[strings.LastIndexByte(name, ':')+1:])
}

// beforeBracket is a path up to its filter.
func beforeBracket(path string) string {
	name, _, bracketed := strings.Cut(path, "[")
	if bracketed {
		name = strings.TrimRight(name, " \t")
	}
	return name
}

func (at *target) brackets(d reader, p *scanner) error {
	if at.attr == nil || at.sub != nil || at.attr.plain() {
		return badRequest(InvalidPath, `path: brackets follow an attribute with several values or parts, as in emails[type eq "work"].value`)
	}
	open := p.pos
	f, err := parseValueFilter(d.t, at.ref, p, d.l)
	if err != nil && !closes(p.text[open:]) {
		return badRequest(InvalidPath, `path: the bracket at position %d is never closed; "]" is missing`, open+1)
	}
	if err != nil {
		return err
	}
	at.filter = f
	if !p.part() {
		return nil
	}
	p.pos++
	name := p.word()
	at.sub = at.attr.sub(name)
	at.ignored = at.sub == nil && d.l.IgnoreUnknown && validName(name, true)
	if at.sub == nil && !at.ignored {
		return badRequest(InvalidPath, "path: %q has no sub-attribute %q", at.attr.path, name)
	}
	return nil
}

// closes says whether there is a closing bracket outside of a string.
func closes(text string) bool {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return true
		}
	}
	return false
}
