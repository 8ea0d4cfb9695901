// Package chart_test checks what the chart makes of its values, and what config/default
// amounts to.
package chart_test

import (
	"bytes"
	"os/exec"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/test/internal/tool"
)

const (
	root      = "../.."
	chartPath = root + "/charts/kubescim"
)

// helm runs Helm and returns what it prints, and what it complains about.
func helm(t *testing.T, args ...string) (out []byte, complaint string, err error) {
	t.Helper()
	program, err := tool.Helm()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), program, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	return stdout.Bytes(), stderr.String(), err
}

// render returns the objects that the chart makes for a release "kubescim", with
// more arguments such as --set.
func render(t *testing.T, args ...string) []*unstructured.Unstructured {
	t.Helper()
	return renderChart(t, chartPath, args...)
}

func renderChart(t *testing.T, path string, args ...string) []*unstructured.Unstructured {
	t.Helper()
	out, complaint, err := helm(t, append([]string{
		"template", "kubescim", path, "--namespace", "kubescim-system", "--kube-version", "1.37.0",
	}, args...)...)
	if err != nil {
		t.Fatalf("helm template %v: %v: %s", args, err, complaint)
	}
	objects, err := controllertest.ReadManifests(out)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// ofKind returns the objects of a kind, as T.
func ofKind[T any](t *testing.T, objects []*unstructured.Unstructured, kind string) []T {
	t.Helper()
	var found []T
	for _, obj := range objects {
		if obj.GetKind() != kind {
			continue
		}
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &typed); err != nil {
			t.Fatal(err)
		}
		found = append(found, typed)
	}
	return found
}
