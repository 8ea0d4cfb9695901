package output

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// gap is between two columns, as in kubectl's tables.
const gap = "   "

// Cell is one text of a table.
type Cell struct {
	Text string
	Look Look
}

// Text is a cell that does not stand out. It may be a text of others.
func Text(text string) Cell { return Cell{Text: OrNone(text)} }

// Table prints rows in columns, a page at a time. Of what it has printed it keeps the widths of
// the columns, so that a list of any length needs the memory of one page.
type Table struct {
	out      *bufio.Writer
	terminal Terminal
	header   []string
	widths   []int
	rows     [][]Cell
	headed   bool
}

// NewTable returns a table with a header over its columns.
func NewTable(out io.Writer, terminal Terminal, header ...string) *Table {
	t := &Table{out: bufio.NewWriter(out), terminal: terminal, header: header, widths: make([]int, len(header))}
	for i, text := range header {
		t.widths[i] = utf8.RuneCountInString(text)
	}
	return t
}

// Row adds a row, with a cell for each column.
func (t *Table) Row(cells ...Cell) {
	t.rows = append(t.rows, cells)
	for i, cell := range cells {
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell.Text))
	}
}

// Flush prints the rows that were added since it was called last, and before the first ones the
// header.
func (t *Table) Flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	if !t.headed {
		t.headed = true
		cells := make([]Cell, len(t.header))
		for i, text := range t.header {
			cells[i] = Cell{Text: text}
		}
		t.line(cells)
	}
	for _, row := range t.rows {
		t.line(row)
	}
	t.rows = t.rows[:0]
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("printing a table: %w", err)
	}
	return nil
}

// line prints one row. Nothing stands behind its last text, which is broken where the terminal ends.
func (t *Table) line(cells []Cell) {
	last, indent := len(cells)-1, 0
	for i, cell := range cells[:last] {
		fmt.Fprint(t.out, t.terminal.Paint(cell.Look, cell.Text))
		fmt.Fprint(t.out, strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell.Text)), gap)
		indent += t.widths[i] + len(gap)
	}
	for i, line := range Wrap(cells[last].Text, t.terminal.width-indent) {
		if i > 0 {
			fmt.Fprint(t.out, strings.Repeat(" ", indent))
		}
		fmt.Fprintln(t.out, t.terminal.Paint(cells[last].Look, line))
	}
}
