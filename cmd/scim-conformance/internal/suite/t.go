package suite

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// T is one running case: it sends requests and fails the case. Its methods panic
// when the case is over; the runner knows these panics.
type T struct {
	Suite    *Suite
	Target   Target
	journal  *journal
	deadline time.Time
}

// failure ends a case as failed.
type failure struct {
	at       *Answer
	expected string
}

// skip ends a case as not applicable.
type skip struct{ why string }

func (s *Suite) newT() *T {
	return &T{Suite: s, Target: s.Tenant, journal: &journal{}, deadline: time.Now().Add(s.CaseTimeout)}
}

// On is the same case as seen from another tenant, or with another token.
func (t *T) On(other Target) *T {
	c := *t
	c.Target = other
	return &c
}

// Profile reports whether the run is for one of the identity providers.
func (t *T) Profile(names ...string) bool { return slices.Contains(names, t.Suite.Profile) }

// Generic reports whether the server is to keep to the RFC.
func (t *T) Generic() bool { return t.Profile("Generic") }

// Exchanges are the requests and answers of the case so far.
func (t *T) Exchanges() []*Answer {
	t.journal.mu.Lock()
	defer t.journal.mu.Unlock()
	return slices.Clone(t.journal.exchanges)
}

// fail ends the case. What is expected is said in the report after the exchange.
func (t *T) fail(at *Answer, expected string, args ...any) {
	panic(&failure{at, fmt.Sprintf(expected, args...)})
}

// Try sends a request, and returns an error when no answer comes.
func (t *T) Try(r Request) (*Answer, error) {
	a := t.Suite.send(t.Target, r, t.deadline)
	a.t = t
	t.journal.note(t.Target, a)
	return a, a.err
}

// Do sends a request. Headers are names and values.
func (t *T) Do(method, path, body string, headers ...string) *Answer {
	a, err := t.Try(Request{method, path, body, headers})
	if err != nil {
		t.fail(a, "an answer within %s", t.Suite.RequestTimeout)
	}
	return a
}

// Get reads a path. Headers are names and values, here and below.
func (t *T) Get(path string, headers ...string) *Answer {
	return t.Do(http.MethodGet, path, "", headers...)
}

// Post sends a body to a path.
func (t *T) Post(path, body string, headers ...string) *Answer {
	return t.Do(http.MethodPost, path, body, headers...)
}

// Put replaces what a path names.
func (t *T) Put(path, body string, headers ...string) *Answer {
	return t.Do(http.MethodPut, path, body, headers...)
}

// Delete deletes what a path names.
func (t *T) Delete(path string, headers ...string) *Answer {
	return t.Do(http.MethodDelete, path, "", headers...)
}

// Patch sends operations, each the JSON text of one.
func (t *T) Patch(path string, operations ...string) *Answer {
	t.Need(PatchFeature)
	return t.Do(http.MethodPatch, path, PatchOf(operations...))
}

// Filter queries an endpoint and returns the answer.
func (t *T) Filter(endpoint, filter string, parameters ...string) *Answer {
	t.Need(FilterFeature)
	return t.Get(Query(endpoint, append([]string{"filter", filter}, parameters...)...))
}

// ServerConfig reads the server's configuration, for a failure that is about it.
func ServerConfig(t *T) *Answer {
	return t.Get("/ServiceProviderConfig").OK(http.StatusOK)
}

// Together sends requests at the same time and returns their answers in order.
func Together(t *T, requests ...Request) []*Answer {
	answers := make([]*Answer, len(requests))
	var all sync.WaitGroup
	for i, r := range requests {
		all.Go(func() { answers[i], _ = t.Try(r) })
	}
	all.Wait()
	for _, a := range answers {
		a.Expect(a.err == nil, "an answer within %s", t.Suite.RequestTimeout)
	}
	return answers
}
