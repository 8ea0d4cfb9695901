// Package local runs a real single-node Kubernetes on this machine, without Docker: etcd, the control plane,
// containerd, kubelet and kube-proxy as plain processes, with everything they write below one folder. It has the order of
// up and down; what they consist of is in the packages beside it.
package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/containerd"
	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/debian"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/pki"
)

const (
	// lockName is an abstract socket: the kernel gives it to one process at a time and takes it back when that
	// one ends, however it ends.
	lockName = "@kubescim-cluster"
	// lockLimit is longer than a cold up takes.
	lockLimit = 30 * time.Minute
)

// Cluster is the local cluster of this machine.
type Cluster struct {
	dir      layout.Dir
	checkout string
	programs *binaries.Set
	logf     func(format string, args ...any)
}

// New returns the local cluster, whether it runs or not. The checkout is where its programs are described.
func New(checkout string, programs *binaries.Set, logf func(string, ...any)) (*Cluster, error) {
	dir, err := layout.FindDir()
	if err != nil {
		return nil, err
	}
	return &Cluster{dir: dir, checkout: checkout, programs: programs, logf: logf}, nil
}

// AdminKubeconfig is the kubeconfig for people. Up must have succeeded.
func (c *Cluster) AdminKubeconfig() ([]byte, error) {
	return pki.NewKubeconfig(c.dir, pki.Admin)
}

// Load imports an image archive.
func (c *Cluster) Load(ctx context.Context, file string) error {
	if err := needRoot(); err != nil {
		return err
	}
	if _, ok := daemon.Recorded(c.dir, containerd.Name); !ok {
		return errors.New("load an image: the local cluster does not run; run up first")
	}
	return containerd.Import(ctx, c.dir, file, c.logf)
}

// begin is how all begins that changes the cluster: nobody else does so until unlock, and no other folder has a cluster of this machine.
func (c *Cluster) begin(ctx context.Context) (unlock func(), err error) {
	if err := needRoot(); err != nil {
		return nil, err
	}
	if err := debian.ExtendPath(); err != nil {
		return nil, err
	}
	if unlock, err = c.lock(ctx); err != nil {
		return nil, err
	}
	if err := c.dir.NeedNoOther(); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// lock makes up and down wait for each other, over all checkouts.
func (c *Cluster) lock(ctx context.Context) (unlock func(), err error) {
	var listener net.Listener
	said := false
	err = daemon.Poll(ctx, lockLimit, func() bool {
		if listener, err = new(net.ListenConfig).Listen(ctx, "unix", lockName); err == nil {
			return true
		}
		if !said {
			c.logf("another up or down is going on; waiting for it")
			said = true
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("wait for another up or down to end: %w", err)
	}
	return func() { _ = listener.Close() }, nil
}

// needRoot refuses to begin what only root can finish.
func needRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("the local cluster needs root, for containers and addresses; run this as root, " +
			"or name a cluster to use by KUBECONFIG")
	}
	return nil
}
