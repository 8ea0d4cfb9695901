package main

import (
	"context"
	"fmt"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/local"
)

// localCluster is the cluster of plain processes on this machine.
type localCluster struct {
	root     checkout
	programs *binaries.Set
	machine  *local.Cluster
}

// newLocalCluster describes the cluster; nothing is started or built yet.
func newLocalCluster(root checkout) (cluster, error) {
	programs, err := binaries.NewSet(root.root, logf)
	if err != nil {
		return nil, err
	}
	machine, err := local.New(root.root, programs, logf)
	if err != nil {
		return nil, err
	}
	return localCluster{root: root, programs: programs, machine: machine}, nil
}

// kubeconfig is in the checkout, though the cluster is the machine's.
func (l localCluster) kubeconfig() string { return l.root.kubeconfig() }

// up starts or mends the cluster, and gives this checkout its kubeconfig.
func (l localCluster) up(ctx context.Context) error {
	if err := l.machine.Up(ctx); err != nil {
		return err
	}
	kubeconfig, err := l.machine.AdminKubeconfig()
	if err != nil {
		return err
	}
	if err := l.root.writeKubeconfig(kubeconfig); err != nil {
		return err
	}
	if err := l.root.linkKubectl(l.programs.Path(binaries.Kubectl)); err != nil {
		return err
	}
	logf("the local cluster runs Kubernetes %s", l.programs.KubernetesVersion)
	fmt.Printf("export KUBECONFIG=%s\n", shellQuote(l.root.kubeconfig()))
	return nil
}

// down removes the cluster from the machine and its files from this checkout.
func (l localCluster) down(ctx context.Context) error {
	if err := l.machine.Down(ctx); err != nil {
		return err
	}
	return l.root.clean()
}

// load imports the image into the cluster's containerd.
func (l localCluster) load(ctx context.Context, file string) error {
	return l.machine.Load(ctx, file)
}

// edge serves the cluster's Ingresses.
func (l localCluster) edge(ctx context.Context) error { return l.machine.Edge(ctx) }
