package directory

import (
	"strings"

	"github.com/kubescim/kubescim/internal/scim/fold"
)

// pattern is what a text is to be like, in any case; * in it stands for any text. Its zero value
// is like every text, and like none.
type pattern struct {
	text string
	// parts are what stands between the asterisks, folded.
	parts []string
}

// Set implements pflag.Value.
func (p *pattern) Set(text string) error {
	p.text, p.parts = text, strings.Split(fold.Key(text), "*")
	return nil
}

func (p *pattern) String() string { return p.text }

// Type implements pflag.Value.
func (*pattern) Type() string { return "pattern" }

// matchesAny reports whether one of the texts is like the pattern.
func (p *pattern) matchesAny(texts ...string) bool {
	if p.parts == nil {
		return true
	}
	for _, text := range texts {
		if text != "" && p.matches(fold.Key(text)) {
			return true
		}
	}
	return false
}

// matches reports whether a folded text begins with the first part, ends with the last one, and
// has the others between them in their order.
func (p *pattern) matches(text string) bool {
	first, rest := p.parts[0], p.parts[1:]
	text, begins := strings.CutPrefix(text, first)
	if len(rest) == 0 {
		return begins && text == ""
	}
	last := rest[len(rest)-1]
	for _, part := range rest[:len(rest)-1] {
		_, after, is := strings.Cut(text, part)
		if !is {
			return false
		}
		text = after
	}
	return begins && strings.HasSuffix(text, last)
}
