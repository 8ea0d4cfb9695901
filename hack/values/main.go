// Command values writes what follows from the comments of charts/kubescim/values.yaml: the schema by which Helm refuses
// other values, and the table of all values in the chart's README. `make generate` runs it.
//
// Each value has a comment that describes it, marked as helm-docs wants it, and before that, where its type and default
// say too little, a JSON schema in YAML:
//
//	# @schema {enum: [Always, IfNotPresent, Never]}
//	# -- When the kubelet pulls the operator's image.
//	pullPolicy: IfNotPresent
//
// Nothing is let through that has not been described: an object has no properties but its own, and a list or a map that
// is empty by default has to say what may be in it.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/kubescim/kubescim/hack/internal/repo"
)

func main() {
	log.SetFlags(0)
	root, err := repo.Root()
	if err != nil {
		log.Fatal(err)
	}
	if err := generate(filepath.Join(root, "charts", "kubescim")); err != nil {
		log.Fatal(err)
	}
}

// generate writes the schema and the table of a chart.
func generate(chart string) error {
	file := filepath.Join(chart, "values.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the values: %w", err)
	}
	values, err := parse(content)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	schema, err := schemaOf(filepath.Base(chart), values)
	if err != nil {
		return fmt.Errorf("making a schema of %s: %w", file, err)
	}
	if err := os.WriteFile(filepath.Join(chart, "values.schema.json"), schema, 0o644); err != nil {
		return fmt.Errorf("writing the schema of the values: %w", err)
	}
	return writeTable(filepath.Join(chart, "README.md"), tableOf(values))
}

// The lines of the README between which the table is.
const (
	beginning = "<!-- `make generate` writes this table from values.yaml. -->\n"
	ending    = "<!-- Here it ends. -->\n"
)

// writeTable replaces the table in a document.
func writeTable(file, table string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the document that has the table of values: %w", err)
	}
	before, rest, found := bytes.Cut(content, []byte(beginning))
	_, after, closed := bytes.Cut(rest, []byte(ending))
	if !found || !closed {
		return fmt.Errorf("%s lacks the two lines between which the table of values is: put %q and %q back", file, beginning, ending)
	}
	written := bytes.Join([][]byte{before, []byte(beginning + table + ending), after}, nil)
	if err := os.WriteFile(file, written, 0o644); err != nil {
		return fmt.Errorf("writing the table of values: %w", err)
	}
	return nil
}
