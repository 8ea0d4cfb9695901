package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
)

// kindName is the name of the kind cluster.
const kindName = "kubescim"

// currentCluster is whatever cluster kubectl talks to. It is somebody's own: it is used and never changed.
type currentCluster struct{}

// kubeconfig leaves the choice to KUBECONFIG and the defaults of client-go.
func (currentCluster) kubeconfig() string { return os.Getenv("KUBECONFIG") }

// up checks that the cluster answers.
func (currentCluster) up(context.Context) error {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{})
	raw, err := loader.RawConfig()
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return fmt.Errorf("use the current kubeconfig (KUBECONFIG=%q; CLUSTER=local starts a cluster here): %w",
			os.Getenv("KUBECONFIG"), err)
	}
	config.Timeout = 15 * time.Second
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for %s: %w", config.Host, err)
	}
	version, err := client.ServerVersion()
	if err != nil {
		return fmt.Errorf("the cluster at %s (context %q) does not answer; unset KUBECONFIG or set CLUSTER=local "+
			"to use another one: %w", config.Host, raw.CurrentContext, err)
	}
	logf("using the cluster at %s (context %q, Kubernetes %s) as it is", config.Host, raw.CurrentContext, version)
	return nil
}

// down leaves the cluster alone.
func (currentCluster) down(context.Context) error {
	logf("the cluster of the current kubeconfig was not made by this command; leaving it as it is")
	return nil
}

// load says how the image gets there, since only the cluster's owner knows which registry it pulls from.
func (currentCluster) load(_ context.Context, file string) error {
	logf("%s cannot be put into the cluster of the current kubeconfig from here", file)
	logf("push it to a registry that the cluster can pull from, with docker load, docker tag and docker push or " +
		"any tool that reads such an archive, and name the image by IMG, as in:")
	logf("  make e2e IMG=REGISTRY/kubescim:TAG")
	return nil
}

// edge leaves Ingresses to the controller that the cluster's owner has chosen.
func (currentCluster) edge(context.Context) error {
	logf("the Ingresses of the current kubeconfig's cluster are left to its own controller")
	return nil
}

// kindCluster is a cluster of kind, in Docker.
type kindCluster struct {
	root checkout
}

// kubeconfig is in the checkout: kind would otherwise change the one in the user's home.
func (k kindCluster) kubeconfig() string { return k.root.kubeconfig() }

// up makes the cluster unless it is there.
func (k kindCluster) up(ctx context.Context) error {
	exists, err := k.exists(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(k.root.dir(), 0o755); err != nil {
		return fmt.Errorf("make the folder for the kubeconfig: %w", err)
	}
	args := []string{"export", "kubeconfig", "--name", kindName, "--kubeconfig", k.kubeconfig()}
	if !exists {
		logf("making the kind cluster %s", kindName)
		args = []string{"create", "cluster", "--name", kindName, "--kubeconfig", k.kubeconfig(), "--wait", "5m"}
	}
	if err := runKind(ctx, args...); err != nil {
		return err
	}
	if err := k.provideKubectl(ctx); err != nil {
		return err
	}
	fmt.Printf("export KUBECONFIG=%s\n", shellQuote(k.kubeconfig()))
	return nil
}

// provideKubectl links the kubectl that is installed, and builds one only where there is none.
func (k kindCluster) provideKubectl(ctx context.Context) error {
	if installed, err := exec.LookPath(binaries.Kubectl); err == nil {
		return k.root.linkKubectl(resolved(installed))
	}
	set, err := binaries.NewSet(k.root.root, logf)
	if err != nil {
		return err
	}
	if err := set.Ensure(ctx, []string{binaries.Kubectl}); err != nil {
		return err
	}
	return k.root.linkKubectl(set.Path(binaries.Kubectl))
}

// down deletes the cluster.
func (k kindCluster) down(ctx context.Context) error {
	exists, err := k.exists(ctx)
	if err != nil {
		return err
	}
	if exists {
		if err := runKind(ctx, "delete", "cluster", "--name", kindName, "--kubeconfig", k.kubeconfig()); err != nil {
			return err
		}
	}
	return k.root.clean()
}

// load copies the image into the node.
func (k kindCluster) load(ctx context.Context, file string) error {
	return runKind(ctx, "load", "image-archive", file, "--name", kindName)
}

// edge would not reach the pods, whose network is that of a container.
func (kindCluster) edge(context.Context) error {
	logf("Ingresses of a kind cluster are left to a controller that you install in it; CLUSTER=local has one")
	return nil
}

// exists tells whether kind has the cluster.
func (k kindCluster) exists(ctx context.Context) (bool, error) {
	output, err := exec.CommandContext(ctx, "kind", "get", "clusters").Output()
	if err != nil {
		return false, fmt.Errorf("ask kind for its clusters (CLUSTER=local needs neither kind nor Docker): %w", err)
	}
	return slices.Contains(strings.Fields(string(output)), kindName), nil
}

// runKind runs kind with its messages shown.
func runKind(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "kind", args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kind %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
