package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// formatVersion is raised when a member of the JSON report changes its meaning or goes.
// New members do not raise it.
const formatVersion = 1

// jsonReport is the JSON report; README.md documents it.
type jsonReport struct {
	FormatVersion int        `json:"formatVersion"`
	URL           string     `json:"url"`
	Profile       string     `json:"profile"`
	Seed          uint64     `json:"seed"`
	Started       time.Time  `json:"started"`
	Seconds       float64    `json:"seconds"`
	Passed        int        `json:"passed"`
	Failed        int        `json:"failed"`
	NotApplicable int        `json:"notApplicable"`
	Skipped       int        `json:"skipped"`
	Cases         []jsonCase `json:"cases"`
}

type jsonCase struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Source   string        `json:"source"`
	Outcome  suite.Outcome `json:"outcome"`
	Reason   string        `json:"reason,omitempty"`
	Exchange string        `json:"exchange,omitempty"`
	Seconds  float64       `json:"seconds"`
}

// WriteJSON writes the JSON report.
func WriteJSON(out io.Writer, run Run) error {
	t := run.Tally()
	r := jsonReport{FormatVersion: formatVersion, URL: run.URL, Profile: run.Profile, Seed: run.Seed, Started: run.Started.UTC(), Seconds: run.Took.Seconds(),
		Passed: t.Passed, Failed: t.Failed, NotApplicable: t.NotApplicable, Skipped: t.Skipped, Cases: []jsonCase{}}
	for _, g := range run.Groups {
		for _, c := range g.Results {
			r.Cases = append(r.Cases, jsonCase{c.ID, c.Name, c.Source, c.Outcome, c.Reason, detail(c), c.Took.Seconds()})
		}
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
