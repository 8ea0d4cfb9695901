package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
)

// group is cases that belong together.
type group struct {
	name, about string
	cases       []testCase
	// serial keeps the cases of the group from running at the same time.
	serial bool
}

// testCase is one thing that a server must do.
type testCase struct {
	id, name, source string
	// needs are features without which the case is not applicable.
	needs []*feature
	run   func(*T)
}

// allGroups are all groups, in the order in which they run.
func allGroups() []group {
	return []group{
		{name: "trap", about: "requirements that servers commonly get wrong", cases: slices.Concat(
			trapsAttributes(), trapsIdentity(), trapsUser(), trapsSchema(), trapsMessages(), trapsFilter(), trapsList(),
			trapsProjection(), trapsPut(), trapsPatch(), trapsRemoveAndReplace(), trapsDelete(), trapsBulk(), trapsProtocol(),
			trapsDiscovery(), trapsCursor(), trapsEvents(), trapsConcurrency())},
		{name: "rfc7644", about: "the examples of RFC 7644 section 3", cases: slices.Concat(
			rfcCreate(), rfcRetrieve(), rfcFilter(), rfcQuery(), rfcSearch(), rfcReplace(), rfcPatchAdd(), rfcPatchRemove(),
			rfcPatchReplace(), rfcBulk(), rfcErrors(), rfcVersions())},
		{name: "rfc9865", about: "pages by cursor", cases: cursorCases()},
		{name: "okta-spec", about: "the steps of Okta's SCIM 2.0 specification test and of its CRUD suite", cases: oktaCases()},
		{name: "entra-validator", about: "what the SCIM Validator of Microsoft Entra ID checks", cases: slices.Concat(entraUsers(), entraGroups())},
		{name: "loss", about: "what must not be lost behind a success", cases: lossCases()},
		{name: "lenient", about: "what identity providers really send", cases: lenientCases()},
		{name: "hostile", about: "random and malformed requests", cases: hostileCases()},
		{name: "tenancy", about: "authentication, and what a tenant sees of another", cases: tenancyCases()},
	}
}

// selectCases leaves the cases that the expression matches, by "group/id" or name,
// and no group that is empty then.
func selectCases(groups []group, run *regexp.Regexp) []group {
	var selected []group
	for _, g := range groups {
		cases := g.cases
		g.cases = nil
		for _, c := range cases {
			if run.MatchString(g.name+"/"+c.id) || run.MatchString(c.name) {
				g.cases = append(g.cases, c)
			}
		}
		if len(g.cases) > 0 {
			selected = append(selected, g)
		}
	}
	return selected
}

// outcome is how a case ended.
type outcome string

const (
	passed        outcome = "PASS"
	failed        outcome = "FAIL"
	notApplicable outcome = "N/A"
)

// result is a case that has run.
type result struct {
	testCase
	outcome outcome
	// why is what was expected of a case that failed, or the reason of one that is
	// not applicable.
	why string
	// at is the exchange that a failure is about; all are those of the case.
	at   *answer
	all  []*answer
	took time.Duration
}

// suite is one run against one server.
type suite struct {
	options
	client *http.Client
	config document // the server's ServiceProviderConfig
	mark   string   // of every name that this run makes
	truths sync.Map // of *feature to *truth
}

func newSuite(o options) (*suite, error) {
	s := &suite{options: o, mark: strings.ToLower(rand.Text()[:8]), client: newHTTPClient(o)}
	t := s.newT()
	a, err := t.try(request{method: http.MethodGet, path: "/ServiceProviderConfig"})
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK || len(a.doc) == 0 {
		return nil, fmt.Errorf("the server's ServiceProviderConfig cannot be read; is the URL that of a SCIM 2.0 server, and the token valid?\n%s", a)
	}
	s.config = a.doc
	return s, nil
}

// run runs the cases of a group and returns their results in the same order.
func (s *suite) run(g group) []result {
	results := make([]result, len(g.cases))
	slots := make(chan struct{}, s.parallel)
	if g.serial {
		slots = make(chan struct{}, 1)
	}
	var all sync.WaitGroup
	for i, c := range g.cases {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			results[i] = s.runCase(c)
		})
	}
	all.Wait()
	return results
}

func (s *suite) runCase(c testCase) (r result) {
	t := s.newT()
	began := time.Now()
	defer func() {
		r.testCase, r.all, r.took = c, t.exchanges(), time.Since(began)
	}()
	defer t.cleanUp()
	defer func() {
		switch ended := recover().(type) {
		case nil:
			r.outcome = passed
		case *failure:
			r.outcome, r.why, r.at = failed, ended.expected, ended.at
		case *skip:
			r.outcome, r.why = notApplicable, ended.why
		default:
			r.outcome, r.why = failed, fmt.Sprintf("the case itself is broken: %v\n%s", ended, debug.Stack())
		}
	}()
	for _, f := range c.needs {
		t.need(f)
	}
	c.run(t)
	return r
}
