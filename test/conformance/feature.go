package main

import (
	"net/http"
	"slices"
	"sync"
)

// feature is something that a server may lack if it says so.
type feature struct {
	name string
	// path is where ServiceProviderConfig says whether the feature is there.
	path string
	// probe checks that a server that says no does nothing else.
	probe func(*T)
}

// truth is the outcome of a probe, which is made once in a run.
type truth struct {
	once sync.Once
	lie  *failure
}

var (
	patchFeature = &feature{"PATCH", "patch/supported", func(t *T) {
		t.do(http.MethodPatch, "/Users/"+t.random(), patchOf(`{"op":"replace","path":"active","value":false}`)).
			refusedWith([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented})
	}}
	filterFeature = &feature{"filter", "filter/supported", func(t *T) {
		t.get(query("/Users", "filter", `userName eq "nobody"`)).
			refusedWith([]int{http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented})
	}}
	sortFeature = &feature{"sort", "sort/supported", func(t *T) {
		a := t.get(query("/Users", "sortBy", "userName", "count", "1"))
		a.expect(a.status < 500 || a.status == http.StatusNotImplemented, "a list that is not sorted, or an error that says so").wellFormed()
	}}
	etagFeature = &feature{"ETag", "etag/supported", func(t *T) {
		t.get(query("/Users", "count", "1"), "If-None-Match", `W/"none"`).ok(http.StatusOK)
	}}
	bulkFeature = &feature{"bulk", "bulk/supported", func(t *T) {
		t.post("/Bulk", `{"schemas":["`+urnBulk+`"],"Operations":[]}`).
			refusedWith([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented})
	}}
	cursorFeature = &feature{"pages by cursor", "pagination/cursor", func(t *T) {
		a := t.get(query("/Users", "cursor", "", "count", "1"))
		if a.status == http.StatusOK {
			a.wellFormed().lacks("nextCursor", "previousCursor")
			return
		}
		a.refusedWith([]int{http.StatusBadRequest, http.StatusNotImplemented})
	}}
	// indexFeature is pages by index, which every server has that does not deny it.
	indexFeature = &feature{"pages by index", "pagination/index", func(t *T) {
		a := t.get(query("/Users", "startIndex", "1", "count", "1"))
		a.expect(a.status == http.StatusOK || a.status == http.StatusBadRequest, "a list or an error").wellFormed()
	}}
	// otherTenant is not a feature of the server but of the run.
	otherTenant = &feature{name: "a second tenant"}
)

var features = []*feature{patchFeature, filterFeature, sortFeature, etagFeature, bulkFeature, cursorFeature, indexFeature}

// supports says whether the server's configuration has the feature.
func (s *suite) supports(f *feature) bool {
	if f == otherTenant {
		return s.other.url != ""
	}
	claim := at(s.config, f.path)
	if f == indexFeature && claim == nil {
		return true
	}
	return claim == true
}

// need ends the case as not applicable if the server says that it lacks a feature,
// after a check that this is so.
func (t *T) need(f *feature) {
	if t.suite.supports(f) {
		return
	}
	if f == otherTenant {
		t.skip("no other tenant was given")
	}
	kept, _ := t.suite.truths.LoadOrStore(f, &truth{})
	checked, _ := kept.(*truth)
	checked.once.Do(func() { checked.lie = t.attempt(f.probe) })
	if checked.lie != nil {
		panic(&failure{checked.lie.at, "since the server says that it has no " + f.name + ": " + checked.lie.expected})
	}
	t.skip("the server says that it has no " + f.name)
}

// attempt runs a part of a case and returns how it failed; nil when it did not.
func (t *T) attempt(part func(*T)) (failed *failure) {
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

// declined says whether a status is one of those with which a server may decline
// what it does not do.
func declined(status int) bool {
	return slices.Contains([]int{http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, status)
}
