// Package local runs a real single-node Kubernetes on this machine, without Docker: etcd, the control plane,
// containerd, kubelet and kube-proxy as plain processes, with everything they write below one folder.
package local

import (
	"fmt"
	"os"
	"path/filepath"
)

// ContextName names the cluster and its context in the kubeconfig. It tells a kubeconfig of this cluster
// from any other one.
const ContextName = "kubescim-local"

// defaultDir is where the cluster lives. It belongs to the machine and not to a checkout, so that every
// checkout finds the one cluster that a machine can have.
const defaultDir = "/var/lib/kubescim-cluster"

// stateDir is the folder with all that the cluster writes.
type stateDir string

// findStateDir is where KUBESCIM_CLUSTER_DIR says, or the default. Links are resolved because the kernel
// lists mounts and programs under their real paths.
func findStateDir() (stateDir, error) {
	dir := os.Getenv("KUBESCIM_CLUSTER_DIR")
	if dir == "" {
		dir = defaultDir
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the folder of the cluster: %w", err)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return "", fmt.Errorf("find the folder of the cluster; make the one above it, or set "+
			"KUBESCIM_CLUSTER_DIR to another: %w", err)
	}
	return stateDir(filepath.Join(parent, filepath.Base(dir))), nil
}

// path is a file or folder below the state folder.
func (d stateDir) path(elements ...string) string {
	return filepath.Join(append([]string{string(d)}, elements...)...)
}

// pidFile holds the process id of a daemon.
func (d stateDir) pidFile(daemon string) string { return d.path("run", daemon+".pid") }

// logFile holds what a daemon writes.
func (d stateDir) logFile(daemon string) string { return d.path("logs", daemon+".log") }

// pki is a file of the cluster's certificates and keys.
func (d stateDir) pki(name string) string { return d.path("pki", name) }

// kubeconfig is the kubeconfig of one of the cluster's own clients.
func (d stateDir) kubeconfig(client string) string { return d.path("kubeconfig", client+".yaml") }

// config is a configuration file of a daemon.
func (d stateDir) config(name string) string { return d.path("config", name) }

// containerdSocket is where the cluster's own containerd listens.
func (d stateDir) containerdSocket() string { return d.path("run", "containerd.sock") }

// make makes the folders that daemons expect to be there.
func (d stateDir) make() error {
	for _, name := range []string{"run", "logs", "config", "kubeconfig", "cni"} {
		if err := os.MkdirAll(d.path(name), 0o755); err != nil {
			return fmt.Errorf("make the folder of the cluster: %w", err)
		}
	}
	// Keys, tokens of pods and etcd's data lie below.
	if err := os.Chmod(string(d), 0o700); err != nil {
		return fmt.Errorf("close the folder of the cluster to others: %w", err)
	}
	return nil
}
