package binaries

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newCheckout is a folder with wrapper modules that pin the given versions.
func newCheckout(t *testing.T, kubernetes, etcd string) string {
	t.Helper()
	root := t.TempDir()
	for dir, require := range map[string]string{
		"kubernetes": "k8s.io/kubernetes " + kubernetes,
		"etcd":       "go.etcd.io/etcd/server/v3 " + etcd,
	} {
		path := filepath.Join(root, "hack", "cluster", dir)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		content := "module example.com/" + dir + "\n\nrequire " + require + "\n"
		if err := os.WriteFile(filepath.Join(path, "go.mod"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestNewSet(t *testing.T) {
	t.Setenv("KUBESCIM_CACHE", t.TempDir())
	one, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.3"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if one.KubernetesVersion != "v1.37.2" || one.version(Etcd) != "v3.7.3" || one.version(Kubectl) != "v1.37.2" {
		t.Errorf("versions are %s and %s", one.KubernetesVersion, one.version(Etcd))
	}
	other, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.4"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if one.Dir == other.Dir {
		t.Errorf("two versions of etcd share the folder %s", one.Dir)
	}
	if _, err := NewSet(t.TempDir(), t.Logf); err == nil {
		t.Error("NewSet found versions where there is no checkout")
	}
}

func TestLinkerFlags(t *testing.T) {
	set := &Set{KubernetesVersion: "v1.37.2", etcdVersion: "v3.7.3"}
	flags := set.linkerFlags(APIServer)
	for _, want := range []string{
		"-X k8s.io/component-base/version.gitVersion=v1.37.2",
		"-X k8s.io/component-base/version.gitMajor=1",
		"-X k8s.io/client-go/pkg/version.gitMinor=37",
	} {
		if !strings.Contains(flags, want) {
			t.Errorf("flags %q lack %q", flags, want)
		}
	}
	if flags := set.linkerFlags(Etcd); flags != "-s -w" {
		t.Errorf("flags of etcd are %q, want -s -w", flags)
	}
}

func TestEnsureBuildsNothingThatIsThere(t *testing.T) {
	t.Setenv("KUBESCIM_CACHE", t.TempDir())
	set, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.3"), t.Logf)
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
	set, err := NewSet(newCheckout(t, "v1.37.2", "v3.7.3"), t.Logf)
	if err != nil {
		t.Fatalf("NewSet: %v", err)
	}
	if err := os.MkdirAll(set.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(set.Dir, temporaryPrefix+Kubelet)
	if err := os.WriteFile(left, []byte("half"), 0o755); err != nil {
		t.Fatal(err)
	}
	// The wrapper module for etcd of the test holds no program.
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
