package main

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// expect fails the case with the exchange unless the condition holds.
func (a *answer) expect(holds bool, expected string, args ...any) *answer {
	if !holds {
		a.t.fail(a, expected, args...)
	}
	return a
}

// ok checks the status, and what every SCIM answer must have.
func (a *answer) ok(statuses ...int) *answer {
	a.expect(slices.Contains(statuses, a.status), "status %s", alternatives(statuses))
	return a.wellFormed()
}

func alternatives[E any](list []E) string {
	texts := make([]string, len(list))
	for i, e := range list {
		texts[i] = fmt.Sprint(e)
		if texts[i] == "" {
			texts[i] = "none"
		}
	}
	return strings.Join(texts, " or ")
}

// wellFormed checks the media type (RFC 7644 section 3.1) and that the body is a
// JSON object with schemas (RFC 7643 section 3).
func (a *answer) wellFormed() *answer {
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return a.expect(len(a.body) == 0, "no body with status %d", a.status)
	}
	if a.method == http.MethodHead || a.status >= 300 && a.status < 400 {
		return a
	}
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	a.expect(err == nil && (media == mediaSCIM || media == mediaJSON && a.asksForJSON()),
		"Content-Type %s (RFC 7644 section 3.1)", mediaSCIM)
	a.expect(a.doc != nil, "a body that is a JSON object")
	schemas, _ := a.doc["schemas"].([]any)
	return a.expect(len(schemas) > 0, "`schemas` (RFC 7643 section 3)")
}

// asksForJSON says whether the request's Accept allows plain JSON.
func (a *answer) asksForJSON() bool {
	for i := 0; i+1 < len(a.headers); i += 2 {
		if strings.EqualFold(a.headers[i], "Accept") {
			return !strings.Contains(a.headers[i+1], mediaSCIM)
		}
	}
	return false
}

// refused checks that the answer is a SCIM Error of the status (RFC 7644 section
// 3.12) with one of the types; "" allows none. Without types, any is right.
func (a *answer) refused(status int, types ...string) *answer {
	return a.refusedWith([]int{status}, types...)
}

// refusedWith is refused where the RFC leaves the status open. Types are those of
// status 400 only, where there are several.
func (a *answer) refusedWith(statuses []int, types ...string) *answer {
	expected := "a SCIM Error with status " + alternatives(statuses)
	if len(types) > 0 {
		expected += " and scimType " + alternatives(types)
	}
	a.expect(slices.Contains(statuses, a.status), "%s", expected)
	a.isError()
	if len(types) > 0 && (a.status == http.StatusBadRequest || len(statuses) == 1) {
		scimType, _ := a.doc["scimType"].(string)
		a.expect(slices.Contains(types, scimType), "%s", expected)
	}
	return a
}

// isError checks the form of a SCIM Error.
func (a *answer) isError() *answer {
	a.wellFormed()
	schemas, _ := a.doc["schemas"].([]any)
	a.expect(slices.Contains(schemas, any(urnError)), "schemas with %s", urnError)
	return a.expect(a.doc["status"] == strconv.Itoa(a.status), "`status` %q, a string (RFC 7644 section 3.12)", strconv.Itoa(a.status))
}

// at is a part of the body, as in name/givenName or emails/0/value; nil if absent.
func (a *answer) at(path string) any { return at(a.doc, path) }

func at(in any, path string) any {
	for _, step := range strings.Split(path, "/") {
		switch v := in.(type) {
		case document:
			in = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(v) {
				return nil
			}
			in = v[i]
		default:
			return nil
		}
	}
	return in
}

// text is a part of the body that must be a string with something in it.
func (a *answer) text(path string) string {
	s, ok := a.at(path).(string)
	a.expect(ok && s != "", "%q to be a string that is not empty", path)
	return s
}

// has checks a part of the body.
func (a *answer) has(path string, want any) *answer {
	return a.expect(equal(a.at(path), want), "%q to be %s, not %s", path, jsonOf(want), jsonOf(a.at(path)))
}

// lacks checks that parts of the body are absent.
func (a *answer) lacks(paths ...string) *answer {
	for _, path := range paths {
		a.expect(a.at(path) == nil, "no %q", path)
	}
	return a
}

// unassigned checks that attributes are absent, or empty.
func (a *answer) unassigned(paths ...string) *answer {
	for _, path := range paths {
		v := reflect.ValueOf(a.at(path))
		empty := !v.IsValid() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
		a.expect(empty, "no %q", path)
	}
	return a
}

// values are one sub-attribute of the elements of a multi-valued attribute, in
// order.
func (a *answer) values(attribute, sub string) []string {
	elements, _ := a.at(attribute).([]any)
	values := []string{}
	for _, e := range elements {
		if s, ok := at(e, sub).(string); ok {
			values = append(values, s)
		}
	}
	slices.Sort(values)
	return values
}

// hasValues checks the `value` of all elements, in any order.
func (a *answer) hasValues(attribute string, want ...string) *answer {
	got, want := a.values(attribute, "value"), slices.Sorted(slices.Values(want))
	return a.expect(slices.Equal(got, want), "%q to have the values [%s], not [%s]", attribute, strings.Join(want, ", "), strings.Join(got, ", "))
}

// hasMembers checks who is in a group.
func (a *answer) hasMembers(members ...*resource) *answer {
	return a.hasValues("members", ids(members)...)
}

func ids(resources []*resource) []string {
	list := make([]string, len(resources))
	for i, r := range resources {
		list[i] = r.id
	}
	return list
}

// element is the one element of a multi-valued attribute of which a sub-attribute
// has the value.
func (a *answer) element(attribute, sub string, want any) document {
	elements, _ := a.at(attribute).([]any)
	for _, e := range elements {
		if equal(at(e, sub), want) {
			found, _ := e.(document)
			return found
		}
	}
	a.t.fail(a, "%q to have an element with %q %s", attribute, sub, jsonOf(want))
	return nil
}

// list checks that the answer is a list, and returns its resources.
func (a *answer) list() []document {
	a.ok(http.StatusOK)
	schemas, _ := a.doc["schemas"].([]any)
	a.expect(slices.Contains(schemas, any(urnList)), "schemas with %s", urnList)
	items, _ := a.at("Resources").([]any)
	resources := make([]document, 0, len(items))
	for _, item := range items {
		r, ok := item.(document)
		a.expect(ok, "Resources to be objects")
		resources = append(resources, r)
	}
	if a.at("itemsPerPage") != nil {
		a.has("itemsPerPage", len(resources))
	}
	return resources
}

// lists checks that a list has exactly the resources, in any order.
func (a *answer) lists(want ...*resource) *answer {
	return a.listsIDs(false, want)
}

// listsInOrder checks that a list has exactly the resources, in that order.
func (a *answer) listsInOrder(want ...*resource) *answer {
	return a.listsIDs(true, want)
}

func (a *answer) listsIDs(ordered bool, want []*resource) *answer {
	got, expected := a.listedIDs(), ids(want)
	a.has("totalResults", len(want))
	if !ordered {
		slices.Sort(got)
		slices.Sort(expected)
	}
	return a.expect(slices.Equal(got, expected), "the resources [%s], not [%s]", strings.Join(expected, ", "), strings.Join(got, ", "))
}

// listedIDs are the ids of the resources of a list.
func (a *answer) listedIDs() []string {
	got := []string{}
	for _, r := range a.list() {
		id, _ := r["id"].(string)
		got = append(got, id)
	}
	return got
}

// total is a list's totalResults.
func (a *answer) total() int {
	n, ok := a.at("totalResults").(float64)
	a.expect(ok, "totalResults to be a number")
	return int(n)
}

// sameBut checks that a document is as another, but for some attributes.
func (a *answer) sameBut(other document, but ...string) *answer {
	names := map[string]bool{}
	for name := range a.doc {
		names[name] = true
	}
	for name := range other {
		names[name] = true
	}
	for name := range names {
		if !slices.Contains(but, name) {
			a.expect(equal(a.doc[name], other[name]), "%q to be as before, %s", name, jsonOf(other[name]))
		}
	}
	return a
}

// equal compares JSON values, whatever Go types they are in.
func equal(x, y any) bool { return reflect.DeepEqual(normal(x), normal(y)) }

func normal(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out any
	if json.Unmarshal(text, &out) != nil {
		return v
	}
	return out
}
