// Package layout says where everything of the local cluster is: its folder and the files below that, its addresses and
// its names. It starts and stops nothing.
package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// defaultDir is where the cluster lives. It belongs to the machine and not to a checkout, so that every
// checkout finds the one cluster that a machine can have.
const defaultDir = "/var/lib/kubescim-cluster"

// Dir is the folder with all that the cluster writes.
type Dir string

// FindDir is where KUBESCIM_CLUSTER_DIR says, or the default. Links are resolved because the kernel
// lists mounts and programs under their real paths.
func FindDir() (Dir, error) {
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
	return Dir(filepath.Join(parent, filepath.Base(dir))), nil
}

// Path is a file or folder below the state folder.
func (d Dir) Path(elements ...string) string {
	return filepath.Join(append([]string{string(d)}, elements...)...)
}

// PIDFile holds the process id of a daemon.
func (d Dir) PIDFile(daemon string) string { return d.Path("run", daemon+".pid") }

// LogFile holds what a daemon writes.
func (d Dir) LogFile(daemon string) string { return d.Path("logs", daemon+".log") }

// PKI is a file of the cluster's certificates and keys.
func (d Dir) PKI(name string) string { return d.Path("pki", name) }

// Kubeconfig is the kubeconfig of one of the cluster's own clients.
func (d Dir) Kubeconfig(client string) string { return d.Path("kubeconfig", client+".yaml") }

// Config is a configuration file of a daemon.
func (d Dir) Config(name string) string { return d.Path("config", name) }

// ContainerdSocket is where the cluster's own containerd listens.
func (d Dir) ContainerdSocket() string { return d.Path("run", "containerd.sock") }

// Make makes the folders that daemons expect to be there.
func (d Dir) Make() error {
	for _, name := range []string{"run", "logs", "config", "kubeconfig", "cni"} {
		if err := os.MkdirAll(d.Path(name), 0o755); err != nil {
			return fmt.Errorf("make the folder of the cluster: %w", err)
		}
	}
	// Keys, tokens of pods and etcd's data lie below.
	if err := os.Chmod(string(d), 0o700); err != nil {
		return fmt.Errorf("close the folder of the cluster to others: %w", err)
	}
	return nil
}
