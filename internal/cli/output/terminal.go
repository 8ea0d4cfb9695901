// Package output is how the commands of kubectl-scim print: tables, documents, colours, lines as long as
// a terminal is wide, and texts of others in a terminal.
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

// sheetWidth is how long the lines are of a text that is sent to somebody, in columns.
const sheetWidth = 78

// narrowest is the narrowest terminal that lines are broken for.
const narrowest = 40

// Terminal is what there is where a text is written to. Its zero value is no terminal: it has no
// colours, and every line is as long as it is, for grep and the like.
type Terminal struct {
	coloured bool
	// width is how long a line may be, in columns; 0 for any length.
	width int
}

// TerminalFor returns what there is at out. There are no colours where NO_COLOR is set (no-color.org), or
// the terminal has none.
func TerminalFor(out io.Writer, getenv func(string) string) Terminal {
	file, is := out.(*os.File)
	if !is || !term.IsTerminal(int(file.Fd())) {
		return Terminal{}
	}
	t := Terminal{coloured: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
		t.width = max(width, narrowest)
	}
	return t
}

// Sheet returns the terminal with lines that are no longer than those of a sheet, also where it is none.
func (t Terminal) Sheet() Terminal {
	if t.width == 0 || t.width > sheetWidth {
		t.width = sheetWidth
	}
	return t
}

// Paint gives a text its look.
func (t Terminal) Paint(look Look, text string) string {
	if !t.coloured || look == Plain || text == "" {
		return text
	}
	return codes[look] + text + reset
}
