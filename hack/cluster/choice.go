package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// cluster is one of the ways to have a Kubernetes cluster.
type cluster interface {
	// up makes the cluster answer.
	up(ctx context.Context) error
	// down removes it, if this command made it.
	down(ctx context.Context) error
	// load gives it the image in the file.
	load(ctx context.Context, file string) error
	// edge makes its Ingresses be served on this machine.
	edge(ctx context.Context) error
	// kubeconfig is the file to point KUBECONFIG at; empty for the defaults of client-go.
	kubeconfig() string
}

// kind of cluster, as the CLUSTER variable names them.
type kind string

const (
	kindCurrent kind = "current"
	kindKind    kind = "kind"
	kindLocal   kind = "local"
)

// kindContext is the context that kind names after the cluster.
const kindContext = "kind-" + kindName

// circumstances are all that the choice of a cluster depends on.
type circumstances struct {
	// cluster is the CLUSTER variable.
	cluster string
	// foreignKubeconfig tells that KUBECONFIG names a file that this command did not write.
	foreignKubeconfig bool
	// ownContext is the context in the kubeconfig that an earlier up wrote into the checkout.
	ownContext string
	// kindWorks tells whether there are kind and a Docker engine that answers.
	kindWorks func() bool
}

// decide picks the cluster: what is said outright, then what was made earlier, then what is to be had.
func decide(c circumstances) (kind, error) {
	switch kind(c.cluster) {
	case kindCurrent, kindKind, kindLocal:
		return kind(c.cluster), nil
	case "":
	default:
		return "", fmt.Errorf("CLUSTER=%s is not known; use current, kind or local, or unset it", c.cluster)
	}
	switch {
	case c.foreignKubeconfig:
		return kindCurrent, nil
	case c.ownContext == layout.ContextName:
		return kindLocal, nil
	case c.ownContext == kindContext:
		return kindKind, nil
	case c.kindWorks():
		return kindKind, nil
	}
	return kindLocal, nil
}

// choose looks at the environment and returns the cluster to use.
func choose(ctx context.Context, root checkout) (cluster, error) {
	chosen, err := decide(circumstances{
		cluster:           os.Getenv("CLUSTER"),
		foreignKubeconfig: isForeign(os.Getenv("KUBECONFIG"), root.kubeconfig()),
		ownContext:        contextOf(root.kubeconfig()),
		kindWorks:         func() bool { return kindWorks(ctx) },
	})
	if err != nil {
		return nil, err
	}
	switch chosen {
	case kindCurrent:
		return currentCluster{}, nil
	case kindKind:
		return kindCluster{root: root}, nil
	case kindLocal:
	}
	return newLocalCluster(root)
}

// isForeign tells whether KUBECONFIG names a cluster that this command did not make. A kubeconfig of the local
// cluster counts as ours in every checkout, since the machine has only one.
func isForeign(kubeconfig, own string) bool {
	if kubeconfig == "" {
		return false
	}
	if resolved(kubeconfig) == resolved(own) {
		return false
	}
	return contextOf(kubeconfig) != layout.ContextName
}

// resolved is the path without links, or as it is where it leads nowhere.
func resolved(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// contextOf is the current context of a kubeconfig; empty if there is no such file.
func contextOf(path string) string {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return ""
	}
	return config.CurrentContext
}

// kindWorks tells whether kind is installed and a Docker engine answers, which the docker command being there
// does not mean.
func kindWorks(ctx context.Context) bool {
	if _, err := exec.LookPath("kind"); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "info").Run() == nil
}
