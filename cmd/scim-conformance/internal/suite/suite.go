// Package suite is what the cases of the conformance suite are written with: a client
// that notes what is sent and answered and deletes what a case has made, checks of
// answers, and the runner. It has no case, and knows nothing of the server under test but
// what that says of itself.
package suite

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Group is cases about one subject.
type Group struct {
	// Name is a word that a command line can have; About says in a sentence what the
	// cases check.
	Name, About string
	Cases       []Case
}

// Case is one thing that a server must do.
type Case struct {
	// Name says what the server must do, and Source who demands it: a section of an
	// RFC, or an identity provider. The name is unique in its group.
	Name, Source string
	// Needs are features without which the case is not applicable.
	Needs []*Feature
	Run   func(*T)
}

// ID names the case of a group in reports and on the command line: the name of the
// group, a slash, and the words of the case's name with hyphens between.
func (g Group) ID(c Case) string {
	words := strings.FieldsFunc(strings.ReplaceAll(c.Name, "'", ""), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return g.Name + "/" + strings.ToLower(strings.Join(words, "-"))
}

// Select leaves the cases whose id the expression matches, and no group that is empty
// then.
func Select(groups []Group, run *regexp.Regexp) []Group {
	var selected []Group
	for _, g := range groups {
		cases := g.Cases
		g.Cases = nil
		for _, c := range cases {
			if run.MatchString(g.ID(c)) {
				g.Cases = append(g.Cases, c)
			}
		}
		if len(g.Cases) > 0 {
			selected = append(selected, g)
		}
	}
	return selected
}

// Outcome is how a case ended, in the words of the reports.
type Outcome string

// A case that is not applicable has checked that the server is right to say so, or lacks
// a second tenant. One that is skipped was not run, since the user did not want it.
const (
	Passed        Outcome = "passed"
	Failed        Outcome = "failed"
	NotApplicable Outcome = "notApplicable"
	Skipped       Outcome = "skipped"
)

// Result is what became of a case.
type Result struct {
	Case
	ID      string
	Outcome Outcome
	// Reason is what was expected of a case that failed, or why one did not apply or was
	// skipped.
	Reason string
	// At is the exchange that a failure is about, or nil; Exchanges are all of the case.
	At        *Answer
	Exchanges []*Answer
	Took      time.Duration
}

// Suite is one run against one server.
type Suite struct {
	Options
	client *http.Client
	Config Document // the server's ServiceProviderConfig
	Mark   string   // of every name that this run makes
	truths sync.Map // of *feature to *truth
}

// New prepares a run. It fails if there is no SCIM server, or it does not take the token.
func New(o Options) (*Suite, error) {
	s := &Suite{Options: o, Mark: strings.ToLower(rand.Text()[:8]), client: newHTTPClient(o)}
	t := s.newT()
	a, err := t.Try(Request{Method: http.MethodGet, Path: "/ServiceProviderConfig"})
	if err != nil {
		return nil, fmt.Errorf("reading the ServiceProviderConfig of %s: %w", o.Tenant.URL, err)
	}
	if a.Status != http.StatusOK || len(a.Doc) == 0 {
		return nil, fmt.Errorf("the server's ServiceProviderConfig cannot be read; is the URL that of a SCIM 2.0 server, and the token valid?\n%s", a)
	}
	s.Config = a.Doc
	return s, nil
}

// Run runs the cases of a group and returns their results in the same order.
func (s *Suite) Run(g Group) []Result {
	results := make([]Result, len(g.Cases))
	slots := make(chan struct{}, s.Parallel)
	var all sync.WaitGroup
	for i, c := range g.Cases {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			results[i] = s.runCase(g.ID(c), c)
		})
	}
	all.Wait()
	return results
}

func (s *Suite) runCase(id string, c Case) (r Result) {
	if s.Skip != nil && s.Skip.MatchString(id) {
		return Result{Case: c, ID: id, Outcome: Skipped, Reason: "--skip " + s.Skip.String()}
	}
	t := s.newT()
	began := time.Now()
	defer func() {
		r.Case, r.ID, r.Exchanges, r.Took = c, id, t.Exchanges(), time.Since(began)
	}()
	defer cleanUp(t)
	defer func() {
		switch ended := recover().(type) {
		case nil:
			r.Outcome = Passed
		case *failure:
			r.Outcome, r.Reason, r.At = Failed, ended.expected, ended.at
		case *skip:
			r.Outcome, r.Reason = NotApplicable, ended.why
		default:
			r.Outcome, r.Reason = Failed, fmt.Sprintf("the case itself is broken: %v\n%s", ended, debug.Stack())
		}
	}()
	for _, f := range c.Needs {
		t.Need(f)
	}
	c.Run(t)
	return r
}
