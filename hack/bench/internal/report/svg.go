// Package report shows what a run measured: as a table on a terminal, and as tables and plots in the documents.
package report

import (
	"fmt"
	"html"
	"strings"
)

// point is one value of a line.
type point struct{ x, y float64 }

// line is what belongs together in a chart.
type line struct {
	name   string
	points []point
	dashed bool
}

// chart is a plot with lines. x is logarithmic.
type chart struct {
	title, x, y string
	logarithmic bool // of y
	lines       []line
}

// bars is a plot with groups of bars, each with a bar for every name.
type bars struct {
	title, y string
	names    []string
	groups   []barGroup
}

// barGroup is bars side by side; a value of 0 was not measured.
type barGroup struct {
	label  string
	values []float64
}

// The plots are drawn here and not by gonum.org/v1/plot: its legend is one column at a corner, and what is written above
// the bars and on the ticks would have to be placed here still. To replace a part of the 260 lines of this file and
// scale.go, it would bring nine modules and 71 packages, which take six seconds to compile on two cores.

// Measures of a plot, in pixels.
const (
	width, height            = 720, 400
	left, right, top, bottom = 70, 20, 44, 84
	plotWidth                = width - left - right
	plotHeight               = height - top - bottom
	legendStep               = 168
)

// colours are told apart by people who see red and green alike too (Okabe and Ito).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"}

// drawing is an SVG document that is being written.
type drawing struct{ strings.Builder }

// add writes one element.
func (d *drawing) add(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// text writes a text; anchor is start, middle or end.
func (d *drawing) text(x, y float64, anchor, attributes, text string) {
	d.add(`<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`, x, y, anchor, attributes, html.EscapeString(text))
}

// newDrawing begins a plot with its title, the axis of y and the name of that of x.
func newDrawing(title, x, y string, scaleY scale) *drawing {
	d := &drawing{}
	d.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="12" fill="#222">`,
		width, height, width, height)
	d.add(`<title>%s</title>`, html.EscapeString(title))
	d.add(`<rect width="%d" height="%d" fill="#fff"/>`, width, height)
	d.text(left, 24, "start", ` font-size="15" font-weight="bold"`, title)
	for _, tick := range scaleY.ticks {
		at := yOf(scaleY, tick)
		d.add(`<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>`, left, at, width-right, at)
		d.text(left-8, at+4, "end", "", tickLabel(tick))
	}
	d.text(18, top+plotHeight/2, "middle", fmt.Sprintf(` transform="rotate(-90 18 %d)"`, top+plotHeight/2), y)
	d.text(left+plotWidth/2, height-bottom+38, "middle", "", x)
	return d
}

// legend names the colours and ends the document.
func (d *drawing) legend(names []string, dashed []bool) string {
	for i, name := range names {
		x, y := left+float64(i%4)*legendStep, float64(height-24+16*(i/4))
		dash := ""
		if i < len(dashed) && dashed[i] {
			dash = ` stroke-dasharray="5 3"`
		}
		d.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="3"%s/>`, x, y-4, x+18, y-4, colour(i), dash)
		d.text(x+24, y, "start", "", name)
	}
	d.add(`</svg>`)
	return d.String()
}

// svg draws the chart.
func (c chart) svg() string {
	var xs, ys []float64
	for _, l := range c.lines {
		for _, p := range l.points {
			xs, ys = append(xs, p.x), append(ys, p.y)
		}
	}
	scaleX, scaleY := logarithmic(xs), linear(ys)
	if c.logarithmic {
		scaleY = logarithmic(ys)
	}
	d := newDrawing(c.title, c.x, c.y, scaleY)
	for _, tick := range scaleX.ticks {
		at := left + scaleX.place(tick)*plotWidth
		d.add(`<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>`, at, top, at, height-bottom)
		d.text(at, height-bottom+18, "middle", "", tickLabel(tick))
	}
	var names []string
	var dashed []bool
	for i, l := range c.lines {
		names, dashed = append(names, l.name), append(dashed, l.dashed)
		var path []string
		for _, p := range l.points {
			x, y := left+scaleX.place(p.x)*plotWidth, yOf(scaleY, p.y)
			path = append(path, fmt.Sprintf("%.1f,%.1f", x, y))
			d.add(`<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>`, x, y, colour(i))
		}
		dash := ""
		if l.dashed {
			dash = ` stroke-dasharray="5 3"`
		}
		d.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`, strings.Join(path, " "), colour(i), dash)
	}
	return d.legend(names, dashed)
}

// svg draws the bars, each with its value above it.
func (b bars) svg() string {
	var values []float64
	for _, group := range b.groups {
		values = append(values, group.values...)
	}
	scaleY := linear(values)
	d := newDrawing(b.title, "", b.y, scaleY)
	for i, group := range b.groups {
		share := float64(plotWidth) / float64(len(b.groups))
		begin := left + float64(i)*share
		barWidth := share * 0.8 / float64(len(b.names))
		for j, value := range group.values {
			x, y := begin+share*0.1+float64(j)*barWidth, yOf(scaleY, value)
			label := tickLabel(roundTo3(value))
			if value == 0 {
				label = "–"
			}
			d.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`, x+2, y, barWidth-4, height-bottom-y, colour(j))
			d.text(x+barWidth/2, y-5, "middle", "", label)
		}
		d.text(begin+share/2, height-bottom+18, "middle", "", group.label)
	}
	return d.legend(b.names, nil)
}

// yOf is where a value is on the page.
func yOf(s scale, value float64) float64 { return top + (1-s.place(value))*plotHeight }

// colour is that of the i-th line.
func colour(i int) string { return colours[i%len(colours)] }
