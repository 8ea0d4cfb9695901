package gitops_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// customizations has the health checks as the repository of Argo CD has those that are built in: a
// folder for each kind, with tests in the form of that repository.
const customizations = "../../config/argocd/resource_customizations/scim.kubescim.dev"

// healthTests are the tests of a kind.
type healthTests struct {
	Tests []struct {
		InputPath    string `json:"inputPath"`
		HealthStatus struct {
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"healthStatus"`
	} `json:"tests"`
}

func load(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestHealthChecksForArgoCDsRepository runs the tests beside each check, and sees that the ConfigMap has the same checks.
func TestHealthChecksForArgoCDsRepository(t *testing.T) {
	kinds, err := os.ReadDir(customizations)
	if err != nil || len(kinds) != 6 {
		t.Fatal(kinds, err)
	}
	for _, kind := range kinds {
		folder := filepath.Join(customizations, kind.Name())
		check, err := os.ReadFile(filepath.Join(folder, "health.lua"))
		if err != nil {
			t.Fatal(err)
		}
		if script(t, kind.Name()) != string(check) {
			t.Errorf("the ConfigMap has another check for %s than %s", kind.Name(), folder)
		}
		var tests healthTests
		load(t, filepath.Join(folder, "health_test.yaml"), &tests)
		if len(tests.Tests) < 6 {
			t.Errorf("%s has %d tests only", folder, len(tests.Tests))
		}
		for _, test := range tests.Tests {
			t.Run(kind.Name()+" "+strings.TrimSuffix(filepath.Base(test.InputPath), ".yaml"), func(t *testing.T) {
				var obj unstructured.Unstructured
				load(t, filepath.Join(folder, test.InputPath), &obj.Object)
				status, message := argoHealthOf(t, &obj)
				if status != test.HealthStatus.Status || message != test.HealthStatus.Message {
					t.Errorf("it is %s (%q), want %s (%q)", status, message, test.HealthStatus.Status, test.HealthStatus.Message)
				}
			})
		}
	}
}
