// Package binaries builds the programs of a Kubernetes cluster from their Go modules and keeps them in a
// cache outside the checkout, since a build takes minutes and its result depends on the version only.
package binaries

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
)

// Names of the programs that can be built.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kubelet           = "kubelet"
	KubeProxy         = "kube-proxy"
	Kubectl           = "kubectl"
)

// ForTests are the programs that envtest starts. etcd and the API server come first, so that they are there
// even if the build of the rest is stopped.
var ForTests = []string{Etcd, APIServer, Kubectl}

// All are the programs of a whole cluster.
var All = []string{Etcd, APIServer, Kubectl, Kubelet, ControllerManager, Scheduler, KubeProxy}

// versionPackages are the packages whose variables carry the version that a Kubernetes binary reports.
var versionPackages = []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"}

// Set is the cache folder for one pair of Kubernetes and etcd versions, and the modules that fill it.
type Set struct {
	// Dir holds one file per program, each under its plain name.
	Dir string
	// KubernetesVersion is the version with its leading v.
	KubernetesVersion string

	kubernetesModule string
	etcdModule       string
	etcdVersion      string
	logf             func(format string, args ...any)
}

// NewSet reads the versions that the wrapper modules below checkout pin, and names the cache folder after
// them. It builds nothing.
func NewSet(checkout string, logf func(string, ...any)) (*Set, error) {
	s := &Set{
		kubernetesModule: filepath.Join(checkout, "hack", "cluster", "kubernetes"),
		etcdModule:       filepath.Join(checkout, "hack", "cluster", "etcd"),
		logf:             logf,
	}
	var err error
	if s.KubernetesVersion, err = requiredVersion(s.kubernetesModule, "k8s.io/kubernetes"); err != nil {
		return nil, err
	}
	if s.etcdVersion, err = requiredVersion(s.etcdModule, "go.etcd.io/etcd/server/v3"); err != nil {
		return nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	s.Dir = filepath.Join(cache, fmt.Sprintf("kubernetes-%s-etcd-%s-%s-%s",
		s.KubernetesVersion, s.etcdVersion, runtime.GOOS, runtime.GOARCH))
	return s, nil
}

// Path is where the program of that name is, or will be.
func (s *Set) Path(name string) string {
	return filepath.Join(s.Dir, name)
}

// version is the version of the program of that name.
func (s *Set) version(name string) string {
	if name == Etcd {
		return s.etcdVersion
	}
	return s.KubernetesVersion
}

// cacheDir is where built programs are kept: below the user's cache, or where KUBESCIM_CACHE says.
func cacheDir() (string, error) {
	if dir := os.Getenv("KUBESCIM_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache folder (set KUBESCIM_CACHE to name one): %w", err)
	}
	return filepath.Join(dir, "kubescim"), nil
}

// requiredVersion reads from the go.mod in dir which version of module it requires, so that the version is
// written down once.
func requiredVersion(dir, module string) (string, error) {
	path := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read which version of %s to build: %w", module, err)
	}
	file, err := modfile.Parse(path, content, nil)
	if err != nil {
		return "", fmt.Errorf("read which version of %s to build: %w", module, err)
	}
	for _, require := range file.Require {
		if require.Mod.Path == module {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", path, module)
}

// linkerFlags strip the program and stamp the version that it reports. Unstamped, a Kubernetes API server
// says v0.0.0, and clients that look at the version then take it for one that has no features.
func (s *Set) linkerFlags(name string) string {
	flags := []string{"-s", "-w"}
	if name == Etcd {
		return strings.Join(flags, " ")
	}
	parts := strings.SplitN(strings.TrimPrefix(s.KubernetesVersion, "v"), ".", 3)
	for _, pkg := range versionPackages {
		flags = append(flags,
			fmt.Sprintf("-X %s.gitVersion=%s", pkg, s.KubernetesVersion),
			fmt.Sprintf("-X %s.gitMajor=%s", pkg, parts[0]),
			fmt.Sprintf("-X %s.gitMinor=%s", pkg, parts[1]),
			fmt.Sprintf("-X %s.gitTreeState=archive", pkg))
	}
	return strings.Join(flags, " ")
}
