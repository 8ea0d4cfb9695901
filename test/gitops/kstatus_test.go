package gitops_test

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// kstatusOf returns what the library of Helm and Flux takes a resource for.
func kstatusOf(t *testing.T, obj *unstructured.Unstructured) string {
	t.Helper()
	result, err := status.Compute(obj)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status.String()
}
