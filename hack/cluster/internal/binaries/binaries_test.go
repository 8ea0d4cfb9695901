package binaries

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newCheckout is a folder with a wrapper module that pins the given versions.
func newCheckout(t *testing.T, kubernetes, etcd, helm string) string {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, "hack", "cluster", "programs")
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf("module example.com/programs\n\nrequire (\n\tk8s.io/kubernetes %s\n"+
		"\tgo.etcd.io/etcd/server/v3 %s\n\thelm.sh/helm/v4 %s\n)\n", kubernetes, etcd, helm)
	if err := os.WriteFile(filepath.Join(path, "go.mod"), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestNewSet(t *testing.T) {
	t.Setenv("KUBESCIM_CACHE", t.TempDir())
	one, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.3", "v4.3.1"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if one.KubernetesVersion != "v1.37.2" {
		t.Errorf("the version of Kubernetes is %s", one.KubernetesVersion)
	}
	other, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.4", "v4.3.2"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if one.Dir == other.Dir {
		t.Errorf("two versions of etcd share the folder %s", one.Dir)
	}
	if one.Path(Helm) == other.Path(Helm) {
		t.Errorf("two versions of helm are at %s", one.Path(Helm))
	}
	if _, err := NewSet(t.TempDir(), t.Logf); err == nil {
		t.Error("NewSet found versions where there is no checkout")
	}
}

func TestLinkerFlags(t *testing.T) {
	flags := (&Set{KubernetesVersion: "v1.37.2"}).linkerFlags()
	for _, want := range []string{
		"-X k8s.io/component-base/version.gitVersion=v1.37.2",
		"-X k8s.io/component-base/version.gitMajor=1",
		"-X k8s.io/client-go/pkg/version.gitMinor=37",
	} {
		if !strings.Contains(flags, want) {
			t.Errorf("flags %q lack %q", flags, want)
		}
	}
}

func TestEnsureBuildsNothingThatIsThere(t *testing.T) {
	t.Setenv("KUBESCIM_CACHE", t.TempDir())
	set, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.3", "v4.3.1"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if err := os.MkdirAll(set.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range ForTests {
		if err := os.WriteFile(set.Path(name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Ensure(t.Context(), ForTests); err != nil {
		t.Errorf("Ensure: %v", err)
	}
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	t.Setenv("KUBESCIM_CACHE", t.TempDir())
	set, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.3", "v4.3.1"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if err := os.MkdirAll(set.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(set.Dir, temporaryPrefix+Kubelet)
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	// The wrapper module of the test holds no program.
	if err := set.Ensure(t.Context(), []string{Etcd}); err == nil {
		t.Fatal("Ensure built a program from nothing")
	}
	if _, err := os.Stat(set.Path(Etcd)); err == nil {
		t.Error("there is a program in the cache though its build failed")
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what a killed build left is still there")
	}
}
