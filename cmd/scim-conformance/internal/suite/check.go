package suite

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Expect fails the case with the exchange unless the condition holds.
func (a *Answer) Expect(holds bool, expected string, args ...any) *Answer {
	if !holds {
		a.t.fail(a, expected, args...)
	}
	return a
}

// OK checks the status, and what every SCIM answer must have.
func (a *Answer) OK(statuses ...int) *Answer {
	a.Expect(slices.Contains(statuses, a.Status), "status %s", alternatives(statuses))
	return a.WellFormed()
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

// WellFormed checks the media type (RFC 7644 section 3.1) and that the body is a
// JSON object with schemas (RFC 7643 section 3).
func (a *Answer) WellFormed() *Answer {
	if a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		return a.Expect(len(a.Body) == 0, "no body with status %d", a.Status)
	}
	if a.Method == http.MethodHead || a.Status >= 300 && a.Status < 400 {
		return a
	}
	media, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	a.Expect(err == nil && (media == MediaSCIM || media == MediaJSON && asksForJSON(a)),
		"Content-Type %s (RFC 7644 section 3.1)", MediaSCIM)
	a.Expect(a.Doc != nil, "a body that is a JSON object")
	schemas, _ := a.Doc["schemas"].([]any)
	return a.Expect(len(schemas) > 0, "`schemas` (RFC 7643 section 3)")
}

// asksForJSON reports whether the request's Accept allows plain JSON.
func asksForJSON(a *Answer) bool {
	for i := 0; i+1 < len(a.Headers); i += 2 {
		if strings.EqualFold(a.Headers[i], "Accept") {
			return !strings.Contains(a.Headers[i+1], MediaSCIM)
		}
	}
	return false
}

// Refused checks that the answer is a SCIM Error of the status (RFC 7644 section
// 3.12) with one of the types; "" allows none. Without types, any is right.
func (a *Answer) Refused(status int, types ...string) *Answer {
	return a.RefusedWith([]int{status}, types...)
}

// RefusedWith is refused where the RFC leaves the status open. Types are those of
// status 400 only, where there are several.
func (a *Answer) RefusedWith(statuses []int, types ...string) *Answer {
	expected := "a SCIM Error with status " + alternatives(statuses)
	if len(types) > 0 {
		expected += " and scimType " + alternatives(types)
	}
	a.Expect(slices.Contains(statuses, a.Status), "%s", expected)
	a.IsError()
	if len(types) > 0 && (a.Status == http.StatusBadRequest || len(statuses) == 1) {
		scimType, _ := a.Doc["scimType"].(string)
		a.Expect(slices.Contains(types, scimType), "%s", expected)
	}
	return a
}

// IsError checks the form of a SCIM Error.
func (a *Answer) IsError() *Answer {
	a.WellFormed()
	schemas, _ := a.Doc["schemas"].([]any)
	a.Expect(slices.Contains(schemas, any(URNError)), "schemas with %s", URNError)
	return a.Expect(a.Doc["status"] == strconv.Itoa(a.Status), "`status` %q, a string (RFC 7644 section 3.12)", strconv.Itoa(a.Status))
}

// At is a part of the body, as in name/givenName or emails/0/value; nil if absent.
func (a *Answer) At(path string) any { return At(a.Doc, path) }

// At is a part of a document, as Answer.At is of a body.
func At(in any, path string) any {
	for _, step := range strings.Split(path, "/") {
		switch v := in.(type) {
		case Document:
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

// Text is a part of the body that must be a string with something in it.
func (a *Answer) Text(path string) string {
	s, ok := a.At(path).(string)
	a.Expect(ok && s != "", "%q to be a string that is not empty", path)
	return s
}

// Has checks a part of the body.
func (a *Answer) Has(path string, want any) *Answer {
	return a.Expect(SameJSON(a.At(path), want), "%q to be %s, not %s", path, JSON(want), JSON(a.At(path)))
}

// Lacks checks that parts of the body are absent.
func (a *Answer) Lacks(paths ...string) *Answer {
	for _, path := range paths {
		a.Expect(a.At(path) == nil, "no %q", path)
	}
	return a
}

// Unassigned checks that attributes are absent, or empty.
func (a *Answer) Unassigned(paths ...string) *Answer {
	for _, path := range paths {
		v := reflect.ValueOf(a.At(path))
		empty := !v.IsValid() || (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
		a.Expect(empty, "no %q", path)
	}
	return a
}

// Values are one sub-attribute of the elements of a multi-valued attribute, in
// order.
func (a *Answer) Values(attribute, sub string) []string {
	elements, _ := a.At(attribute).([]any)
	values := []string{}
	for _, e := range elements {
		if s, ok := At(e, sub).(string); ok {
			values = append(values, s)
		}
	}
	slices.Sort(values)
	return values
}

// HasValues checks the `value` of all elements, in any order.
func (a *Answer) HasValues(attribute string, want ...string) *Answer {
	got, want := a.Values(attribute, "value"), slices.Sorted(slices.Values(want))
	return a.Expect(slices.Equal(got, want), "%q to have the values [%s], not [%s]", attribute, strings.Join(want, ", "), strings.Join(got, ", "))
}

// HasMembers checks who is in a group.
func (a *Answer) HasMembers(members ...*Resource) *Answer {
	return a.HasValues("members", IDs(members)...)
}

// IDs are the ids of resources, in their order.
func IDs(resources []*Resource) []string {
	list := make([]string, len(resources))
	for i, r := range resources {
		list[i] = r.ID
	}
	return list
}

// Element is the one element of a multi-valued attribute of which a sub-attribute
// has the value.
func (a *Answer) Element(attribute, sub string, want any) Document {
	elements, _ := a.At(attribute).([]any)
	for _, e := range elements {
		if SameJSON(At(e, sub), want) {
			found, _ := e.(Document)
			return found
		}
	}
	a.t.fail(a, "%q to have an element with %q %s", attribute, sub, JSON(want))
	return nil
}

// List checks that the answer is a list, and returns its resources.
func (a *Answer) List() []Document {
	a.OK(http.StatusOK)
	schemas, _ := a.Doc["schemas"].([]any)
	a.Expect(slices.Contains(schemas, any(urnList)), "schemas with %s", urnList)
	items, _ := a.At("Resources").([]any)
	resources := make([]Document, 0, len(items))
	for _, item := range items {
		r, ok := item.(Document)
		a.Expect(ok, "Resources to be objects")
		resources = append(resources, r)
	}
	if a.At("itemsPerPage") != nil {
		a.Has("itemsPerPage", len(resources))
	}
	return resources
}

// Lists checks that a list has exactly the resources, in any order.
func (a *Answer) Lists(want ...*Resource) *Answer {
	return listsIDs(a, false, want)
}

// ListsInOrder checks that a list has exactly the resources, in that order.
func (a *Answer) ListsInOrder(want ...*Resource) *Answer {
	return listsIDs(a, true, want)
}

func listsIDs(a *Answer, ordered bool, want []*Resource) *Answer {
	got, expected := a.ListedIDs(), IDs(want)
	a.Has("totalResults", len(want))
	if !ordered {
		slices.Sort(got)
		slices.Sort(expected)
	}
	return a.Expect(slices.Equal(got, expected), "the resources [%s], not [%s]", strings.Join(expected, ", "), strings.Join(got, ", "))
}

// ListedIDs are the ids of the resources of a list.
func (a *Answer) ListedIDs() []string {
	got := []string{}
	for _, r := range a.List() {
		id, _ := r["id"].(string)
		got = append(got, id)
	}
	return got
}

// Total is a list's totalResults.
func (a *Answer) Total() int {
	n, ok := a.At("totalResults").(float64)
	a.Expect(ok, "totalResults to be a number")
	return int(n)
}

// SameBut checks that a document is as another, but for some attributes.
func (a *Answer) SameBut(other Document, but ...string) *Answer {
	names := map[string]bool{}
	for name := range a.Doc {
		names[name] = true
	}
	for name := range other {
		names[name] = true
	}
	for name := range names {
		if !slices.Contains(but, name) {
			a.Expect(SameJSON(a.Doc[name], other[name]), "%q to be as before, %s", name, JSON(other[name]))
		}
	}
	return a
}

// SameJSON compares JSON values, whatever Go types they are in.
func SameJSON(x, y any) bool { return reflect.DeepEqual(normal(x), normal(y)) }

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

// Unreserved matches texts that need no escape in a URL (RFC 3986 section 2.3).
var Unreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// Cursor is a page's nextCursor, which must be in the characters of RFC 3986
// section 2.3.
func (a *Answer) Cursor() string {
	next := a.Text("nextCursor")
	a.Expect(Unreserved.MatchString(next), "a nextCursor of unreserved characters (RFC 9865 §2.1)")
	return next
}
