// Package report tells what became of a run: to a person at a terminal, to a CI system as
// JUnit's XML, and to other programs as JSON. No report has a token in it.
package report

import (
	"fmt"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// Run is one run against one server.
type Run struct {
	URL, Profile string
	Seed         uint64
	Started      time.Time
	Took         time.Duration
	Groups       []Group
}

// Group is the results of the cases of a group, in their order.
type Group struct {
	Name, About string
	Results     []suite.Result
}

// Tally counts outcomes.
type Tally struct{ Passed, Failed, NotApplicable, Skipped int }

// Tally counts the outcomes of all groups.
func (r Run) Tally() Tally {
	var all []suite.Result
	for _, g := range r.Groups {
		all = append(all, g.Results...)
	}
	return Count(all)
}

// Count counts the outcomes of results.
func Count(results []suite.Result) (t Tally) {
	for _, r := range results {
		switch r.Outcome {
		case suite.Passed:
			t.Passed++
		case suite.Failed:
			t.Failed++
		case suite.NotApplicable:
			t.NotApplicable++
		case suite.Skipped:
			t.Skipped++
		}
	}
	return t
}

// String is the counts in words.
func (t Tally) String() string {
	text := fmt.Sprintf("%d passed, %d failed, %d not applicable", t.Passed, t.Failed, t.NotApplicable)
	if t.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", t.Skipped)
	}
	return text
}

// detail is the exchange that a failure is about; "" where there is none.
func detail(r suite.Result) string {
	if r.Outcome != suite.Failed || r.At == nil {
		return ""
	}
	return r.At.String()
}
