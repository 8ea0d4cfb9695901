package suite

import (
	"net/http"
	"slices"
	"sync"
)

// Feature is something that a server may lack if it says so.
type Feature struct {
	Name string
	// Path is where ServiceProviderConfig has a boolean for the feature.
	Path string
	// probe checks that a server that says no does nothing else.
	probe func(*T)
}

// truth is the outcome of a probe, which is made once in a run.
type truth struct {
	once sync.Once
	lie  *failure
}

// What a server may lack if its ServiceProviderConfig says so (RFC 7643 section 5, RFC
// 9865 section 4), and a second tenant.
var (
	PatchFeature = &Feature{"PATCH", "patch/supported", func(t *T) {
		t.Do(http.MethodPatch, "/Users/"+t.Random(), PatchOf(`{"op":"replace","path":"active","value":false}`)).
			RefusedWith([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented})
	}}
	FilterFeature = &Feature{"filter", "filter/supported", func(t *T) {
		t.Get(Query("/Users", "filter", `userName eq "nobody"`)).
			RefusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented})
	}}
	SortFeature = &Feature{"sort", "sort/supported", func(t *T) {
		a := t.Get(Query("/Users", "sortBy", "userName", "count", "1"))
		a.Expect(a.Status < 500 || a.Status == http.StatusNotImplemented, "a list that is not sorted, or an error that says so").WellFormed()
	}}
	ETagFeature = &Feature{"ETag", "etag/supported", func(t *T) {
		t.Get(Query("/Users", "count", "1"), "If-None-Match", `W/"none"`).OK(http.StatusOK)
	}}
	BulkFeature = &Feature{"bulk", "bulk/supported", func(t *T) {
		t.Post("/Bulk", `{"schemas":["`+URNBulk+`"],"Operations":[]}`).
			RefusedWith([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented})
	}}
	CursorFeature = &Feature{"pages by cursor", "pagination/cursor", func(t *T) {
		a := t.Get(Query("/Users", "cursor", "", "count", "1"))
		if a.Status == http.StatusOK {
			a.WellFormed().Lacks("nextCursor", "previousCursor")
			return
		}
		a.RefusedWith([]int{http.StatusBadRequest, http.StatusNotImplemented})
	}}
	// IndexFeature is pages by index, which every server has that does not deny it.
	IndexFeature = &Feature{"pages by index", "pagination/index", func(t *T) {
		a := t.Get(Query("/Users", "startIndex", "1", "count", "1"))
		a.Expect(a.Status == http.StatusOK || a.Status == http.StatusBadRequest, "a list or an error").WellFormed()
	}}
	// OtherTenant is not a feature of the server but of the run.
	OtherTenant = &Feature{Name: "a second tenant"}
	// OAuthClient is none of the server either.
	OAuthClient = &Feature{Name: "an OAuth client"}
	// FederatedClient is none of the server either.
	FederatedClient = &Feature{Name: "an assertion"}
)

// Features are all that a server itself may have or lack.
var Features = []*Feature{PatchFeature, FilterFeature, SortFeature, ETagFeature, BulkFeature, CursorFeature, IndexFeature}

// Supports reports whether the server's configuration has the feature.
func (s *Suite) Supports(f *Feature) bool {
	switch f {
	case OtherTenant:
		return s.Other.URL != ""
	case OAuthClient:
		return s.Client.Secret != ""
	case FederatedClient:
		return s.Federated.Assertion != ""
	}
	claim := At(s.Config, f.Path)
	if f == IndexFeature && claim == nil {
		return true
	}
	return claim == true
}

// Need ends the case as not applicable if the server says that it lacks a feature,
// after a check that this is so.
func (t *T) Need(f *Feature) {
	if t.Suite.Supports(f) {
		return
	}
	switch f {
	case OtherTenant:
		panic(&skip{"no other tenant was given"})
	case OAuthClient:
		panic(&skip{"no OAuth client was given"})
	case FederatedClient:
		panic(&skip{"no assertion was given"})
	}
	kept, _ := t.Suite.truths.LoadOrStore(f, &truth{})
	checked, _ := kept.(*truth)
	checked.once.Do(func() { checked.lie = attempt(t, f.probe) })
	if checked.lie != nil {
		panic(&failure{checked.lie.at, "since the server says that it has no " + f.Name + ": " + checked.lie.expected})
	}
	panic(&skip{"the server says that it has no " + f.Name})
}

// Holds reports whether a part of a case passes.
func Holds(t *T, part func(*T)) bool { return attempt(t, part) == nil }

// attempt runs a part of a case and returns how it failed; nil when it did not.
func attempt(t *T, part func(*T)) (failed *failure) {
	defer func() {
		if ended := recover(); ended != nil {
			known, ok := ended.(*failure)
			if !ok {
				panic(ended)
			}
			failed = known
		}
	}()
	part(t)
	return nil
}

// Declined reports whether a status is one of those with which a server may decline
// what it does not do.
func Declined(status int) bool {
	return slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, status)
}

// Needs are the features without which a case is not applicable.
func Needs(f ...*Feature) []*Feature { return f }
