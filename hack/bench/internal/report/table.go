package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// Table writes what a run says about the targets, for a terminal.
func Table(w io.Writer, run *result.Run) error { return verdictTable(w, run.Verdicts(), "users") }

// verdictTable writes verdicts at numbers of users, or of what else there are many.
func verdictTable(w io.Writer, verdicts []result.Verdict, of string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "TARGET\t%s\tKUBESCIM\tCOMPARED WITH\tRATIO OR VALUE\tWANTED\tOUTCOME\n", strings.ToUpper(of))
	for _, v := range verdicts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			v.Target, result.Thousands(v.Size), dash(v.Kubescim), dash(v.Other), dash(v.Value), v.Wanted, v.Outcome)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	for _, note := range notes(verdicts, of) {
		fmt.Fprintf(w, "\n%s\n", note)
	}
	return nil
}

// notes are the notes of the verdicts, each once.
func notes(verdicts []result.Verdict, of string) []string {
	var notes []string
	for _, v := range verdicts {
		if v.Note == "" {
			continue
		}
		note := fmt.Sprintf("%s, %s %s: %s", v.Target, result.Thousands(v.Size), of, v.Note)
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	return notes
}

// dash stands for what is not there.
func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
