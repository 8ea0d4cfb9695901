package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// markdown keeps what is text from being markup in a cell of a table.
var markdown = strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`)

// tableOf lists values in Markdown, each with its default.
func tableOf(values []value) string {
	text := &strings.Builder{}
	text.WriteString("| value | default | |\n|---|---|---|\n")
	addRows(text, values)
	return text.String()
}

// addRows adds a row for each value that is none of an object's.
func addRows(text *strings.Builder, values []value) {
	for _, v := range values {
		if len(v.values) > 0 {
			addRows(text, v.values)
			continue
		}
		fmt.Fprintf(text, "| `%s` | `%s` | %s |\n", v.path, strings.ReplaceAll(inJSON(v.ofDefault), "|", `\|`), markdown.Replace(v.description))
	}
}

// inJSON is a default as it may be written after `--set-json`.
func inJSON(ofDefault any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(ofDefault); err != nil {
		return fmt.Sprint(ofDefault)
	}
	return strings.TrimSpace(text.String())
}
