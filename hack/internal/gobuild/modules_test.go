package gobuild

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
)

// sharing are the modules whose programs and tests `make quickstart`, the checks of generated files, `make test` and `make e2e` build.
var sharing = []string{".", "api", "hack", "test", "examples", "hack/cluster/programs", "hack/metrics-server", "hack/tools/controller-gen"}

// A package is compiled again for each version of it, and for each version of what it imports: one old module low in
// the graph makes all of Kubernetes' libraries twice the work.
func TestModulesAgreeOnVersions(t *testing.T) {
	type requirement struct{ version, by string }
	first := map[string]requirement{}
	for _, dir := range sharing {
		file := parse(t, dir)
		for _, require := range file.Require {
			path, version := require.Mod.Path, require.Mod.Version
			if other, known := first[path]; !known {
				first[path] = requirement{version, dir}
			} else if other.version != version {
				t.Errorf("%s is at %s in %s/go.mod and at %s in %s/go.mod: `go get` the newer one in the other module, then `go mod tidy`",
					path, other.version, other.by, version, dir)
			}
		}
	}
}

// What a package is compiled as has the version that is required in its name, not the one that replaces it.
func TestReplacedModulesAreRequiredAtTheSameVersion(t *testing.T) {
	for _, dir := range sharing {
		file := parse(t, dir)
		required := map[string]string{}
		for _, require := range file.Require {
			required[require.Mod.Path] = require.Mod.Version
		}
		for _, replace := range file.Replace {
			if version := required[replace.Old.Path]; version != "" && replace.New.Version != "" && version != replace.New.Version {
				t.Errorf("%s/go.mod requires %s at %s and replaces it by %s: require that one", dir, replace.Old.Path, version, replace.New.Version)
			}
		}
	}
}

// parse reads the go.mod of a module of the checkout.
func parse(t *testing.T, dir string) *modfile.File {
	t.Helper()
	path := filepath.Join("..", "..", "..", dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse(path, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
