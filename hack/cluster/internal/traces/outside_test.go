package traces

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// What the CNI plugins keep of a pod is found by its network, that of the loopback
// plugin too; what they keep of the pods of others is not.
func TestCNIResultsOfOurPods(t *testing.T) {
	folder := t.TempDir()
	ours := []string{filepath.Join(folder, "cni-loopback-a1b2-lo"), filepath.Join(folder, layout.NetworkName+"-a1b2-eth0")}
	slices.Sort(ours)
	for _, file := range append([]string{filepath.Join(folder, "cni-loopback-c3d4-lo"), filepath.Join(folder, "other-c3d4-eth0")}, ours...) {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := cniResultsIn(folder)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if !slices.Equal(found, ours) {
		t.Errorf("found %q, want %q", found, ours)
	}
}
