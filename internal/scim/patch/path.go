package patch

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/decode"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/scan"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// target is what a path of an operation names: an attribute, an extension, a
// sub-attribute, or those of the elements that satisfy a filter.
type target struct {
	schema.Ref
	filter *filter.ValueFilter
	// ignored says that it is a part of elements that no schema has, and is to be left out.
	ignored bool
}

// parsePath reads a path with a URN, or one that is for the core schema.
func parsePath(d decode.Reader, text string) (target, error) { return parsePathIn(d, nil, text) }

// parsePathIn reads PATH of RFC 7644 section 3.5.2, figure 7. As table 9 has it, what is
// wrong with the filter between two brackets is invalidFilter, and all else is
// invalidPath: a bracket that is never closed has no filter in it, and makes the path
// malformed, whatever follows.
func parsePathIn(d decode.Reader, home *schema.Schema, text string) (target, error) {
	if len(text) > filter.MaxLength {
		return target{}, scim.BadRequest(scim.InvalidPath, "path: it is longer than %d bytes", filter.MaxLength)
	}
	p := scan.Scanner{Text: text}
	word := p.Word()
	if word == "" {
		return target{}, scim.BadRequest(scim.InvalidPath, "path: it begins with no attribute")
	}
	r, wrong := d.Type.Meaning(home, word)
	if wrong != nil {
		return target{}, scim.BadRequest(scim.InvalidPath, "path: %s", wrong.Problem)
	}
	at := target{Ref: r}
	if p.Opens() {
		if err := at.brackets(d, &p); err != nil {
			return target{}, err
		}
	}
	if p.Pos < len(text) {
		return target{}, scim.BadRequest(scim.InvalidPath, "path, position %d: the path should end here", p.Pos+1)
	}
	return at, nil
}

// ignorable says whether a path is well formed, but names an attribute that is unknown
// and to be ignored.
func ignorable(d decode.Reader, path string) bool {
	if !d.Leniency.IgnoreUnknown {
		return false
	}
	name := beforeBracket(path)
	_, wrong := d.Type.Resolve(name)
	return wrong != nil && wrong.Unknown && schema.ValidPath(name[strings.LastIndexByte(name, ':')+1:])
}

// beforeBracket is a path up to its filter.
func beforeBracket(path string) string {
	name, _, bracketed := strings.Cut(path, "[")
	if bracketed {
		name = strings.TrimRight(name, " \t")
	}
	return name
}

func (at *target) brackets(d decode.Reader, p *scan.Scanner) error {
	if at.Attr == nil || at.Sub != nil || at.Attr.Plain() {
		return scim.BadRequest(scim.InvalidPath, `path: brackets follow an attribute with several values or parts, as in emails[type eq "work"].value`)
	}
	open := p.Pos
	f, err := filter.ParseValueFilter(d.Type, at.Ref, p, d.Leniency)
	if err != nil && !closes(p.Text[open:]) {
		return scim.BadRequest(scim.InvalidPath, `path: the bracket at position %d is never closed; "]" is missing`, open+1)
	}
	if err != nil {
		return err
	}
	at.filter = f
	if !p.Part() {
		return nil
	}
	p.Pos++
	name := p.Word()
	at.Sub = at.Attr.Sub(name)
	at.ignored = at.Sub == nil && d.Leniency.IgnoreUnknown && schema.ValidName(name, true)
	if at.Sub == nil && !at.ignored {
		return scim.BadRequest(scim.InvalidPath, "path: %q has no sub-attribute %q", at.Attr.Path(), name)
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
