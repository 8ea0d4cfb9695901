package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// JUnit's XML, in the form that CI systems read: https://github.com/testmoapp/junitxml.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report in JUnit's XML. A case that is not applicable is a skipped
// one there.
func WriteJUnit(out io.Writer, run Run) error {
	total := run.Tally()
	all := junitSuites{Name: "scim-conformance " + run.Profile, Failures: total.Failed, Skipped: total.NotApplicable + total.Skipped, Time: seconds(run.Took)}
	for _, g := range run.Groups {
		t := Count(g.Results)
		s := junitSuite{Name: g.Name, Tests: len(g.Results), Failures: t.Failed, Skipped: t.NotApplicable + t.Skipped, Timestamp: run.Started.UTC().Format("2006-01-02T15:04:05")}
		var took time.Duration
		for _, r := range g.Results {
			took += r.Took
			s.Cases = append(s.Cases, junitCaseOf(g, r))
		}
		s.Time = seconds(took)
		all.Tests += s.Tests
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(out, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(out)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func junitCaseOf(g Group, r suite.Result) junitCase {
	c := junitCase{Class: g.Name, Name: strings.TrimPrefix(r.ID, g.Name+"/"), Time: seconds(r.Took)}
	switch r.Outcome {
	case suite.Failed:
		c.Failure = &junitMessage{Message: "expected: " + r.Reason, Text: fmt.Sprintf("%s (%s)\n%s", r.Name, r.Source, detail(r))}
	case suite.NotApplicable, suite.Skipped:
		c.Skipped = &junitMessage{Message: r.Reason}
	case suite.Passed:
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
