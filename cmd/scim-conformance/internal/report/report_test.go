package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// example has a case of each outcome.
func example() Run {
	return Run{URL: "https://scim.example.com/v2", Profile: "Okta", Seed: 7, Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Took: 2 * time.Second, Groups: []Group{{Name: "g", About: "things", Results: []suite.Result{
		{Case: suite.Case{Name: "first", Source: "RFC 1"}, ID: "g/first", Outcome: suite.Passed, Took: 1500 * time.Millisecond},
		{Case: suite.Case{Name: "the second", Source: "RFC 2"}, ID: "g/the-second", Outcome: suite.NotApplicable, Reason: "no bulk"},
		{Case: suite.Case{Name: "third", Source: "RFC 3"}, ID: "g/third", Outcome: suite.Failed, Reason: "status 200",
			At: &suite.Answer{Request: suite.Request{Method: "GET"}, URL: "https://scim.example.com/v2/x", Status: 500, Body: []byte("<oh> \x01")}},
		{Case: suite.Case{Name: "fourth", Source: "RFC 4"}, ID: "g/fourth", Outcome: suite.Skipped, Reason: "--skip fourth"},
	}}}}
}

func TestTable(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	PrintGroup(&out, example().Groups[0])
	g.Expect(out.String()).To(Equal("\ng: things\n" +
		"  first       RFC 1  PASS\n" +
		"  the second  RFC 2  N/A (no bulk)\n" +
		"  third       RFC 3  FAIL\n" +
		"  fourth      RFC 4  SKIP\n" +
		"g: 1 passed, 1 failed, 1 not applicable, 1 skipped\n"))
	out.Reset()
	PrintFailures(&out, example().Groups[0].Results, false)
	g.Expect(out.String()).To(Equal("\n  FAIL g/third\n  third (RFC 3)\n    GET https://scim.example.com/v2/x\n    answer: 500 after 0s\n    <oh> \x01\n    expected: status 200\n"))
	g.Expect(Tally{Passed: 2, Failed: 3, NotApplicable: 4}.String()).To(Equal("2 passed, 3 failed, 4 not applicable"))
}

func TestJSON(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	g.Expect(WriteJSON(&out, example())).To(Succeed())
	var got map[string]any
	g.Expect(json.Unmarshal(out.Bytes(), &got)).To(Succeed())
	cases, _ := got["cases"].([]any)
	delete(got, "cases")
	g.Expect(got).To(Equal(map[string]any{"formatVersion": 1.0, "url": "https://scim.example.com/v2", "profile": "Okta", "seed": 7.0, "started": "2026-01-02T03:04:05Z", "seconds": 2.0,
		"passed": 1.0, "failed": 1.0, "notApplicable": 1.0, "skipped": 1.0}))
	g.Expect(cases).To(HaveLen(4))
	g.Expect(cases[0]).To(Equal(map[string]any{"id": "g/first", "name": "first", "source": "RFC 1", "outcome": "passed", "seconds": 1.5}))
	g.Expect(cases[1]).To(And(HaveKeyWithValue("outcome", "notApplicable"), HaveKeyWithValue("reason", "no bulk")))
	g.Expect(cases[2]).To(And(HaveKeyWithValue("outcome", "failed"), HaveKeyWithValue("reason", "status 200"), HaveKeyWithValue("exchange", ContainSubstring("answer: 500"))))
	g.Expect(cases[3]).To(HaveKeyWithValue("outcome", "skipped"))
}

func TestJUnit(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	g.Expect(WriteJUnit(&out, example())).To(Succeed())
	var got junitSuites
	g.Expect(xml.Unmarshal(out.Bytes(), &got)).To(Succeed(), out.String())
	g.Expect([]int{got.Tests, got.Failures, got.Skipped}).To(Equal([]int{4, 1, 2}))
	g.Expect(got.Suites).To(HaveLen(1))
	cases := got.Suites[0].Cases
	g.Expect(cases).To(HaveLen(4))
	g.Expect(cases[0]).To(Equal(junitCase{Class: "g", Name: "first", Time: "1.500"}))
	g.Expect(cases[1].Skipped.Message).To(Equal("no bulk"))
	g.Expect(cases[2].Name).To(Equal("third"))
	g.Expect(cases[2].Failure.Message).To(Equal("expected: status 200"))
	g.Expect(cases[2].Failure.Text).To(ContainSubstring("answer: 500"))
	g.Expect(cases[3].Skipped.Message).To(Equal("--skip fourth"))
}
