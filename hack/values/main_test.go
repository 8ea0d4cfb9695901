package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is described becomes a schema that lets nothing else through, and a row of the table.
func TestGenerate(t *testing.T) {
	chart := chartWith(t, `# Values of a chart.

# The image.
image:
  # @schema {enum: [Always, Never],
  #   minLength: 1}
  # -- When it is pulled,
  # or | not.
  pullPolicy: Never
# @schema {items: {required: [key], properties: {key: {type: string}}}}
# -- Taints, each as <key>.
tolerations: []
# @schema {$ref: "#/definitions/strings"}
# -- Labels.
labels: {}
# @schema {$ref: "#/definitions/resources"}
# -- Of the container.
resources:
  limits: {memory: 64Mi}
# @schema {anyOf: [{type: integer}, {type: string}]}
# -- How many.
count: 1
`)
	if err := generate(chart); err != nil {
		t.Fatal(err)
	}
	var schema struct {
		AdditionalProperties bool
		Properties           map[string]any
	}
	if err := json.Unmarshal([]byte(read(t, chart, "values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	if schema.AdditionalProperties {
		t.Error("other values are let through")
	}
	for name, want := range map[string]string{
		"image": `{"additionalProperties":false,"description":"The image.","properties":{"pullPolicy":` +
			`{"description":"When it is pulled, or | not.","enum":["Always","Never"],"minLength":1,"type":"string"}},"type":"object"}`,
		"tolerations": `{"description":"Taints, each as \u003ckey\u003e.","items":{"additionalProperties":false,` +
			`"properties":{"key":{"type":"string"}},"required":["key"],"type":"object"},"type":"array"}`,
		"labels":    `{"allOf":[{"$ref":"#/definitions/strings"}],"description":"Labels."}`,
		"resources": `{"allOf":[{"$ref":"#/definitions/resources"}],"description":"Of the container."}`,
		"count":     `{"anyOf":[{"type":"integer"},{"type":"string"}],"description":"How many."}`,
	} {
		if got, err := json.Marshal(schema.Properties[name]); err != nil || string(got) != want {
			t.Errorf("the schema of %s is %s, want %s (%v)", name, got, want, err)
		}
	}
	const table = "| value | default | |\n|---|---|---|\n" +
		"| `image.pullPolicy` | `\"Never\"` | When it is pulled, or \\| not. |\n" +
		"| `tolerations` | `[]` | Taints, each as &lt;key>. |\n" +
		"| `labels` | `{}` | Labels. |\n" +
		"| `resources` | `{\"limits\":{\"memory\":\"64Mi\"}}` | Of the container. |\n" +
		"| `count` | `1` | How many. |\n"
	if got, want := read(t, chart, "README.md"), "# A chart\n"+beginning+table+ending+"The end.\n"; got != want {
		t.Errorf("the README is\n%s\nwant\n%s", got, want)
	}
}

// A value that has not been described is refused, with what to write.
func TestWhatIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ values, says string }{
		"a value without a comment":     {"replicas: 1\n", "replicas: describe the value"},
		"one in an object":              {"image:\n  # The tag.\n  tag: a\n", "image.tag: describe the value"},
		"a list of anything":            {"# -- Secrets.\nsecrets: []\n", "secrets: say by '# @schema {items"},
		"an object of anything":         {"# -- Labels.\nlabels: {}\n", "labels: say by '# @schema' which properties"},
		"a value without a type":        {"# -- Name.\nname:\n", "name: a default of type <nil> says nothing"},
		"a schema that is no object":    {"# @schema [a]\n# -- Name.\nname: a\n", "name: the schema after @schema"},
		"values that are not an object": {"- a\n", "values are an object"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := generate(chartWith(t, tc.values)); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
	chart := chartWith(t, "# -- Name.\nname: a\n")
	if err := os.WriteFile(filepath.Join(chart, "README.md"), []byte("# A chart\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := generate(chart); err == nil || !strings.Contains(err.Error(), "lacks the two lines") {
		t.Errorf("without a place for the table, it says %v", err)
	}
}

// chartWith returns a chart with values.
func chartWith(t *testing.T, values string) string {
	t.Helper()
	chart := t.TempDir()
	for name, content := range map[string]string{
		"values.yaml": values, "README.md": "# A chart\n" + beginning + "An old table.\n" + ending + "The end.\n",
	} {
		if err := os.WriteFile(filepath.Join(chart, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return chart
}

func read(t *testing.T, chart, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(chart, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
