// Command scim-conformance checks a SCIM 2.0 server over HTTP (RFC 7643, RFC 7644, RFC
// 9865), and how it copes with what identity providers really send. README.md says how to
// use it.
//
// It needs the base URL of a server and a bearer token, and nothing else of this project.
// It is for a tenant without real people: every case makes resources of its own, with random
// names, and deletes them; a run that is killed leaves some.
//
// The exit status is 0 when no case failed, 1 when one did, and 2 when the suite could not
// run, or could not write a report.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/report"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// Statuses of the process.
const (
	exitPassed  = 0
	exitFailed  = 1
	exitUnknown = 2
)

func main() {
	os.Exit(execute(os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// execute is the whole program, and returns its exit status.
func execute(args []string, getenv func(string) string, out, errs io.Writer) int {
	s, err := parse(args, getenv, errs)
	if errors.Is(err, flag.ErrHelp) {
		return exitPassed
	}
	if err == nil && s.list {
		report.PrintList(out, suite.Select(cases.All(), s.run))
		return exitPassed
	}
	var total report.Tally
	if err == nil {
		total, err = check(s, out)
	}
	if err != nil {
		fmt.Fprintln(errs, "scim-conformance:", err)
		return exitUnknown
	}
	return status(total)
}

// check runs the cases and writes the reports.
func check(s settings, out io.Writer) (report.Tally, error) {
	runner, err := suite.New(s.Options)
	if err != nil {
		return report.Tally{}, err
	}
	run := report.Run{URL: s.Tenant.URL, Profile: s.Profile, Seed: s.Seed, Started: time.Now()}
	fmt.Fprintf(out, "%s, profile %s, seed %d\n", run.URL, run.Profile, run.Seed)
	for _, g := range suite.Select(cases.All(), s.run) {
		done := report.Group{Name: g.Name, About: g.About, Results: runner.Run(g)}
		report.PrintGroup(out, done)
		report.PrintFailures(out, done.Results, s.verbose)
		run.Groups = append(run.Groups, done)
	}
	run.Took = time.Since(run.Started)
	fmt.Fprintf(out, "\n%s\n", run.Tally())
	return run.Tally(), errors.Join(write(s.junit, run, report.WriteJUnit), write(s.json, run, report.WriteJSON))
}

// write writes a report to a file, where one is wanted.
func write(path string, run report.Run, form func(io.Writer, report.Run) error) error {
	if path == "" {
		return nil
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("making a file for the report: %w", err)
	}
	if err := errors.Join(form(file, run), file.Close()); err != nil {
		return fmt.Errorf("writing the report %s: %w", path, err)
	}
	return nil
}

// status is the exit status of a run. A run of nothing has shown nothing.
func status(t report.Tally) int {
	switch {
	case t.Failed > 0:
		return exitFailed
	case t.Passed+t.NotApplicable == 0:
		return exitUnknown
	default:
		return exitPassed
	}
}
