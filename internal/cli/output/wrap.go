package output

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// leastRoom is in how many columns a text can be read that is broken into lines.
const leastRoom = 20

// Wrap breaks a text into lines of a width, in columns, where it has blanks. A width of 0 breaks none, and
// neither does one that leaves no room to read in. What stands in single quotes, such as a command, is
// never broken, so that it can be copied; what is longer than a line is one of its own.
func Wrap(text string, width int) []string {
	if width < leastRoom {
		return []string{text}
	}
	var lines []string
	line, length := &strings.Builder{}, 0
	for _, word := range words(text) {
		size := columns(word)
		if length > 0 && length+1+size > width {
			lines = append(lines, line.String())
			line.Reset()
			length = 0
		}
		if length > 0 {
			line.WriteByte(' ')
			length++
		}
		line.WriteString(word)
		length += size
	}
	return append(lines, line.String())
}

// unpainted takes the codes of looks out of a text, which have no width.
var unpainted = func() *strings.Replacer {
	pairs := []string{reset, ""}
	for _, code := range codes {
		pairs = append(pairs, code, "")
	}
	return strings.NewReplacer(pairs...)
}()

// columns is how wide a text is.
func columns(text string) int { return utf8.RuneCountInString(unpainted.Replace(text)) }

// words splits a text at blanks, but not in what stands in single quotes.
func words(text string) (all []string) {
	fields := strings.Fields(text)
	for i := 0; i < len(fields); i++ {
		end := i
		if strings.HasPrefix(strings.TrimLeft(fields[i], "("), "'") {
			end = closing(fields, i)
		}
		all = append(all, strings.Join(fields[i:end+1], " "))
		i = end
	}
	return all
}

// closing returns the word that ends the quotation which one begins; the same one if none does.
func closing(fields []string, first int) int {
	for i := first; i < len(fields); i++ {
		word := strings.TrimRight(fields[i], ".,:;)")
		if strings.HasSuffix(word, "'") && (i > first || len(word) > 1) {
			return i
		}
	}
	return first
}

// Paragraph prints a text as lines that fit a terminal. The first one begins with a lead, such as "- ",
// which has a look, and the others are indented as far.
func (t Terminal) Paragraph(out io.Writer, look Look, lead, text string) {
	indent, before := utf8.RuneCountInString(lead), t.Paint(look, lead)
	for _, line := range Wrap(text, t.width-indent) {
		fmt.Fprintln(out, before+line)
		before = strings.Repeat(" ", indent)
	}
}
