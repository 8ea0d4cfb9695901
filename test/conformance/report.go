package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// tally counts outcomes.
type tally struct{ passed, failed, notApplicable int }

func (t tally) plus(o tally) tally {
	return tally{t.passed + o.passed, t.failed + o.failed, t.notApplicable + o.notApplicable}
}

// status is the exit status of a run. A run of nothing has shown nothing.
func (t tally) status() int {
	switch {
	case t.failed > 0:
		return exitFailed
	case t.passed+t.notApplicable == 0:
		return exitUnknown
	default:
		return exitPassed
	}
}

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d not applicable", t.passed, t.failed, t.notApplicable)
}

func count(results []result) (t tally) {
	for _, r := range results {
		switch r.outcome {
		case passed:
			t.passed++
		case failed:
			t.failed++
		case notApplicable:
			t.notApplicable++
		}
	}
	return t
}

// printList prints the cases of the groups.
func printList(out io.Writer, groups []group) {
	n := 0
	for _, g := range groups {
		n += len(g.cases)
		fmt.Fprintf(out, "\n%s: %s (%d)\n", g.name, g.about, len(g.cases))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range g.cases {
			fmt.Fprintf(table, "  %s\t%s\t%s\n", c.id, c.name, c.source)
		}
		_ = table.Flush()
	}
	fmt.Fprintf(out, "\n%d cases\n", n)
}

// printGroup prints what became of the cases of a group.
func printGroup(out io.Writer, g group, results []result) {
	fmt.Fprintf(out, "\n%s: %s\n", g.name, g.about)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range results {
		text := string(r.outcome)
		if r.outcome == notApplicable {
			text += " (" + r.why + ")"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", r.id, r.name, r.source, text)
	}
	_ = table.Flush()
	fmt.Fprintf(out, "%s: %s\n", g.name, count(results))
}

// printFailures prints what was sent, answered and expected for each case that
// failed.
func printFailures(out io.Writer, results []result, verbose bool) {
	for _, r := range results {
		if r.outcome != failed {
			continue
		}
		fmt.Fprintf(out, "\n  FAIL %s: %s (%s)\n", r.id, r.name, r.source)
		exchanges := r.all
		if !verbose {
			exchanges = nil
			if r.at != nil {
				exchanges = []*answer{r.at}
			}
		}
		for _, a := range exchanges {
			fmt.Fprintln(out, indent(a.String(), "    "))
		}
		fmt.Fprintln(out, indent("expected: "+r.why, "    "))
	}
}

func printSummary(out io.Writer, total tally) {
	fmt.Fprintf(out, "\n%s\n", total)
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by)
}

// shortened keeps a report readable.
func shortened(text string) string {
	const limit = 3000
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes in all)", strings.ToValidUTF8(text[:limit], ""), len(text))
}
