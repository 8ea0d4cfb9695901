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
	Helm              = "helm"
)

// programs are the packages that the programs are built from, all in one module and so with the same dependencies.
var programs = map[string]string{
	Etcd:              "go.etcd.io/etcd/server/v3",
	APIServer:         "k8s.io/kubernetes/cmd/kube-apiserver",
	ControllerManager: "k8s.io/kubernetes/cmd/kube-controller-manager",
	Scheduler:         "k8s.io/kubernetes/cmd/kube-scheduler",
	Kubelet:           "k8s.io/kubernetes/cmd/kubelet",
	KubeProxy:         "k8s.io/kubernetes/cmd/kube-proxy",
	Kubectl:           "k8s.io/kubernetes/cmd/kubectl",
	Helm:              "helm.sh/helm/v4/cmd/helm",
}

// executable is the file name that the compiler gives a program.
func executable(name string) string {
	if name == Etcd {
		return "server" // after the folder of its package
	}
	return name
}

// ForTests are the programs that envtest starts.
var ForTests = []string{Etcd, APIServer, Kubectl}

// All are the programs of a whole cluster, and helm, which installs the operator on it and shares most of its source
// with kubectl.
var All = []string{Etcd, APIServer, Kubectl, Kubelet, ControllerManager, Scheduler, KubeProxy, Helm}

// versionPackages are the packages whose variables carry the version that a Kubernetes binary reports.
var versionPackages = []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"}

// Set is the cache folder for one pair of Kubernetes and etcd versions, and the module that fills it.
type Set struct {
	// Dir holds one file for each program of the cluster, under its plain name.
	Dir string
	// KubernetesVersion is the version with its leading v.
	KubernetesVersion string

	helmDir string
	module  string
	logf    func(format string, args ...any)
}

// NewSet reads the versions that the wrapper module below checkout pins, and names the cache folders after
// them. It builds nothing.
func NewSet(checkout string, logf func(string, ...any)) (*Set, error) {
	module := filepath.Join(checkout, "hack", "cluster", "programs")
	versions, err := requiredVersions(module, "k8s.io/kubernetes", "go.etcd.io/etcd/server/v3", "helm.sh/helm/v4")
	if err != nil {
		return nil, err
	}
	kubernetes, etcd, helm := versions[0], versions[1], versions[2]
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	platform := runtime.GOOS + "-" + runtime.GOARCH
	return &Set{
		Dir:               filepath.Join(cache, fmt.Sprintf("kubernetes-%s-etcd-%s-%s", kubernetes, etcd, platform)),
		KubernetesVersion: kubernetes,
		helmDir:           filepath.Join(cache, fmt.Sprintf("helm-%s-%s", helm, platform)),
		module:            module,
		logf:              logf,
	}, nil
}

// Path is where the program of that name is, or will be.
func (s *Set) Path(name string) string {
	if name == Helm {
		return filepath.Join(s.helmDir, name)
	}
	return filepath.Join(s.Dir, name)
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

// requiredVersions reads from the go.mod in dir which versions of modules it requires, so that each version is
// written down once.
func requiredVersions(dir string, modules ...string) ([]string, error) {
	path := filepath.Join(dir, "go.mod")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read which versions to build: %w", err)
	}
	file, err := modfile.Parse(path, content, nil)
	if err != nil {
		return nil, fmt.Errorf("read which versions to build: %w", err)
	}
	required := map[string]string{}
	for _, require := range file.Require {
		required[require.Mod.Path] = require.Mod.Version
	}
	versions := make([]string, len(modules))
	for i, module := range modules {
		if versions[i] = required[module]; versions[i] == "" {
			return nil, fmt.Errorf("%s does not require %s", path, module)
		}
	}
	return versions, nil
}

// linkerFlags strip the programs and stamp the version that those of Kubernetes report. Unstamped, a Kubernetes API
// server says v0.0.0, and clients that look at the version then take it for one that has no features.
func (s *Set) linkerFlags() string {
	flags := []string{"-s", "-w"}
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
