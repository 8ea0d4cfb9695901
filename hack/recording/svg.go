package main

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// Sizes in the picture, in pixels.
const (
	characterWidth = 7.2
	lineHeight     = 17
	margin         = 14
	// ascent is from the upper edge of a line down to what its letters stand on.
	ascent = 13
)

// placed is a text that is printed at a place of the screen.
var placed = regexp.MustCompile(`\x1b\[(\d+);(\d+)H([^\x1b]*)`)

// style lets each line appear at its time, and stay. Whoever wants no movement sees all of them.
const style = `text{fill:#d7dde5;white-space:pre;opacity:0;animation:a 1ms forwards}.c{fill:#7ee787}.e{fill:#ff9b8f}` +
	`@keyframes a{to{opacity:1}}@media (prefers-reduced-motion:reduce){text{animation:none;opacity:1}}`

// picture draws a recording as an SVG that plays by itself, on a ground of its own.
func picture(c *cast) []byte {
	out := &bytes.Buffer{}
	w, h := int(float64(c.header.Width)*characterWidth)+2*margin, c.header.Height*lineHeight+2*margin
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" xml:space="preserve" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="12">`+"\n", w, h)
	fmt.Fprintf(out, "<title>%s</title>\n<style>%s</style>\n<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#161b22\"/>\n", html.EscapeString(c.header.Title), style, w, h)
	for _, e := range c.events {
		for _, text := range placed.FindAllStringSubmatch(e.text, -1) {
			row, _ := strconv.Atoi(text[1])
			column, _ := strconv.Atoi(text[2])
			fmt.Fprintf(out, `<text%s x="%.0f" y="%d" style="animation-delay:%.1fs">%s</text>`+"\n", class(text[3]),
				margin+float64(column-1)*characterWidth, margin+(row-1)*lineHeight+ascent, e.at, html.EscapeString(text[3]))
		}
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// class is what a line looks like: commands, and answers that are none.
func class(line string) string {
	switch {
	case strings.HasPrefix(line, "$ "):
		return ` class="c"`
	case strings.Contains(line, "→  4"), strings.Contains(line, "→  5"):
		return ` class="e"`
	default:
		return ""
	}
}
