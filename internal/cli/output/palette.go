// Package output is how the commands of kubectl-scim print: tables, documents, colours, and texts
// of others in a terminal.
package output

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Look is how a text stands out.
type Look int

// Looks.
const (
	Plain Look = iota
	// Good is for what is as it should be.
	Good
	// Bad is for what somebody has to act on.
	Bad
	// Pending is for what needs time.
	Pending
	// Heading is for what stands above others.
	Heading
)

// codes are the ANSI escape sequences of looks.
var codes = map[Look]string{Good: "\x1b[32m", Bad: "\x1b[31m", Pending: "\x1b[33m", Heading: "\x1b[1m"}

const reset = "\x1b[0m"

// Palette says whether there are colours. Its zero value has none.
type Palette struct{ coloured bool }

// PaletteFor returns the colours for what is written to out: none but on a terminal that has them,
// and none where NO_COLOR is set (no-color.org).
func PaletteFor(out io.Writer, getenv func(string) string) Palette {
	file, is := out.(*os.File)
	return Palette{coloured: is && term.IsTerminal(int(file.Fd())) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// Paint gives a text its look.
func (p Palette) Paint(look Look, text string) string {
	if !p.coloured || look == Plain || text == "" {
		return text
	}
	return codes[look] + text + reset
}
