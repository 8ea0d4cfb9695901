package suite

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// PatchOf is a PATCH request with operations, each the JSON text of one.
func PatchOf(operations ...string) string {
	return `{"schemas":["` + URNPatch + `"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// MembersOf is the value of `members` for the resources.
func MembersOf(members ...*Resource) string {
	list := make([]Document, len(members))
	for i, m := range members {
		list[i] = Document{"value": m.ID}
	}
	return JSON(list)
}

// Parse reads a JSON object that the suite itself has written.
func Parse(text string) Document {
	var doc Document
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		panic(fmt.Sprintf("%v in %s", err, text))
	}
	return doc
}

// JSON is the text of a value.
func JSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// Quoted is a JSON string.
func Quoted(s string) string { return JSON(s) }

// Query is a path with parameters: names and values.
func Query(path string, parameters ...string) string {
	values := make([]string, 0, len(parameters)/2)
	for i := 0; i+1 < len(parameters); i += 2 {
		values = append(values, parameters[i]+"="+url.QueryEscape(parameters[i+1]))
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + strings.Join(values, "&")
}

// Search is the body of a SearchRequest.
func Search(members string) string {
	return `{"schemas":["` + urnSearch + `"],` + members + `}`
}

// Mixed writes a text in letters of changing case.
func Mixed(s string) string {
	out := []rune(strings.ToLower(s))
	for i := 0; i < len(out); i += 2 {
		out[i] = []rune(strings.ToUpper(string(out[i])))[0]
	}
	return string(out)
}
