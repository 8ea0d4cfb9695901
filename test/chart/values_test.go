package chart_test

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/util/yaml"
)

// Helm itself goes by it, where this chart is a part of another one: TestAsADependency.
const enabledByItsParent = "enabled"

// A value that nothing goes by is one that somebody sets in vain. Each one is given another value, beside the defaults or beside
// those of ci/full-values.yaml, and the manifests have to be others.
func TestEveryValueHasAnEffect(t *testing.T) {
	fullValues := chartPath + "/ci/full-values.yaml"
	defaults, others := leavesOf(t, chartPath+"/values.yaml"), leavesOf(t, fullValues)
	byDefault, full := manifests(t), manifests(t, "--values", fullValues)
	for path, value := range defaults {
		if path == enabledByItsParent {
			continue
		}
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			other, found := others[path]
			unlikeFull := value
			if on, isSwitch := value.(bool); isSwitch && !found {
				other, unlikeFull = !on, !on
			} else if !found || reflect.DeepEqual(value, other) {
				t.Fatal("give it another value than the default in ci/full-values.yaml")
			}
			if manifests(t, "--set-json", path+"="+inJSON(t, other)) == byDefault &&
				manifests(t, "--values", fullValues, "--set-json", path+"="+inJSON(t, unlikeFull)) == full {
				t.Error("whatever its value is, the manifests are the same")
			}
		})
	}
	for _, path := range slices.Sorted(maps.Keys(others)) {
		if _, found := defaults[path]; !found {
			t.Errorf("%s, which ci/full-values.yaml gives a value, is not in values.yaml", path)
		}
	}
}

// leavesOf returns the values in a file, by their paths: objects only where they are empty by default.
func leavesOf(t *testing.T, file string) map[string]any {
	t.Helper()
	leaves := map[string]any{}
	addLeaves(leaves, "", valuesOf(t, file), valuesOf(t, chartPath+"/values.yaml"))
	return leaves
}

// valuesOf returns the values in a file.
func valuesOf(t *testing.T, file string) map[string]any {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(content, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// addLeaves adds the values of an object whose defaults are others.
func addLeaves(leaves map[string]any, path string, values, defaults map[string]any) {
	for name, value := range values {
		object, isObject := value.(map[string]any)
		ofDefault, _ := defaults[name].(map[string]any)
		if isObject && len(ofDefault) > 0 {
			addLeaves(leaves, path+name+".", object, ofDefault)
			continue
		}
		leaves[path+name] = value
	}
}

// manifests returns what the chart makes of values, as text.
func manifests(t *testing.T, args ...string) string {
	t.Helper()
	out, complaint, err := helm(t, append([]string{"template", "kubescim", chartPath, "--kube-version", "1.37.0"}, args...)...)
	if err != nil {
		t.Fatalf("helm template %v: %v: %s", args, err, complaint)
	}
	return string(out)
}

func inJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
