package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// labels are the outcomes in the table.
var labels = map[suite.Outcome]string{suite.Passed: "PASS", suite.Failed: "FAIL", suite.NotApplicable: "N/A", suite.Skipped: "SKIP"}

// PrintList prints the cases of the groups.
func PrintList(out io.Writer, groups []suite.Group) {
	n := 0
	for _, g := range groups {
		n += len(g.Cases)
		fmt.Fprintf(out, "\n%s: %s (%d)\n", g.Name, g.About, len(g.Cases))
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, c := range g.Cases {
			fmt.Fprintf(table, "  %s\t%s\n", g.ID(c), c.Source)
		}
		_ = table.Flush()
	}
	fmt.Fprintf(out, "\n%d cases\n", n)
}

// PrintGroup prints what became of the cases of a group.
func PrintGroup(out io.Writer, g Group) {
	fmt.Fprintf(out, "\n%s: %s\n", g.Name, g.About)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range g.Results {
		text := labels[r.Outcome]
		if r.Outcome == suite.NotApplicable {
			text += " (" + r.Reason + ")"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", r.Name, r.Source, text)
	}
	_ = table.Flush()
	fmt.Fprintf(out, "%s: %s\n", g.Name, Count(g.Results))
}

// PrintFailures prints what was sent, answered and expected for each case that
// failed: the exchange that the failure is about, or all of them when verbose.
func PrintFailures(out io.Writer, results []suite.Result, verbose bool) {
	for _, r := range results {
		if r.Outcome != suite.Failed {
			continue
		}
		fmt.Fprintf(out, "\n  FAIL %s\n  %s (%s)\n", r.ID, r.Name, r.Source)
		if verbose {
			for _, a := range r.Exchanges {
				fmt.Fprintln(out, indent(a.String(), "    "))
			}
		} else if exchange := detail(r); exchange != "" {
			fmt.Fprintln(out, indent(exchange, "    "))
		}
		fmt.Fprintln(out, indent("expected: "+r.Reason, "    "))
	}
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by)
}
