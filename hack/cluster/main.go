// Command cluster gives the project a Kubernetes cluster to run in: the one that KUBECONFIG names, a kind
// cluster where Docker is there, or else a real single-node Kubernetes on this machine, built from Go modules.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/debian"
)

const usage = `usage: go -C hack run ./cluster COMMAND

  up              start a cluster, or use the one that is there; repairs a broken local one
  down            stop the cluster and remove everything that it left
  assets          build etcd, kube-apiserver and kubectl; print the folder for KUBEBUILDER_ASSETS
  helm            build helm; print its path
  load IMAGE.tar  give the cluster an image that hack/image made; a relative path is one of the checkout
  edge            serve the Ingresses of the local cluster with nginx, at https://127.0.0.1:10443
  postgresql      install the programs of PostgreSQL, with which tests start a server
  env             print the lines that point a shell at the cluster

Environment:
  CLUSTER              current, kind or local; unset: current if KUBECONFIG is set, kind if kind and a Docker
                       engine are there, else local
  KUBECONFIG           a cluster to use as it is
  KUBESCIM_CACHE       where built programs are kept (default: kubescim in the user's cache folder)
  KUBESCIM_CLUSTER_DIR where the local cluster lives (default: /var/lib/kubescim-cluster)
  KUBEBUILDER_ASSETS   a folder with etcd and kube-apiserver for assets to print, instead of building them`

// errUsage is returned for a command line that makes no sense; main prints the usage for it.
var errUsage = errors.New("wrong arguments")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

// run does what the command line asks for.
func run(ctx context.Context, args []string) error {
	command, args, err := parse(args)
	if err != nil {
		return err
	}
	root, err := enterCheckout()
	if err != nil {
		return err
	}
	switch command {
	case "assets":
		return assets(ctx, root)
	case "helm":
		return helm(ctx, root)
	case "postgresql":
		return debian.Ensure(ctx, debian.ForTests, logf)
	}
	cluster, err := choose(ctx, root)
	if err != nil {
		return err
	}
	switch command {
	case "up":
		return timed(func() error { return cluster.up(ctx) })
	case "down":
		return timed(func() error { return cluster.down(ctx) })
	case "load":
		return cluster.load(ctx, args[0])
	case "edge":
		return cluster.edge(ctx)
	default:
		return printEnv(root, cluster)
	}
}

// parse checks the command and the number of its arguments.
func parse(args []string) (command string, rest []string, err error) {
	if len(args) == 0 {
		return "", nil, errUsage
	}
	wanted, known := map[string]int{"up": 0, "down": 0, "assets": 0, "helm": 0, "load": 1, "edge": 0, "postgresql": 0, "env": 0}[args[0]]
	if !known || len(args)-1 != wanted {
		return "", nil, errUsage
	}
	return args[0], args[1:], nil
}

// timed says how long a command took that a person waits for.
func timed(do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return err
	}
	logf("done in %s", time.Since(start).Round(100*time.Millisecond))
	return nil
}

// logf tells a person what is going on. It writes to standard error, because what the command prints on
// standard output is for shells to read.
func logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "cluster: "+format+"\n", args...)
}

// printEnv prints shell lines for: eval "$(go -C hack run ./cluster env)".
func printEnv(root checkout, cluster cluster) error {
	lines, err := envLines(root, cluster.kubeconfig())
	fmt.Print(lines)
	return err
}

// envLines are the lines that point a shell at the cluster of a kubeconfig; at the one that kubectl talks to
// anyway when that is empty. Without a kubeconfig in the checkout there is none to point at.
func envLines(root checkout, kubeconfig string) (string, error) {
	lines := fmt.Sprintf("export PATH=%s:\"$PATH\"\n", shellQuote(root.bin()))
	if kubeconfig == "" {
		return lines, nil
	}
	if _, err := os.Stat(kubeconfig); kubeconfig == root.kubeconfig() && err != nil {
		return "", fmt.Errorf("this checkout has no cluster: run `make cluster` in it first: %w", err)
	}
	return fmt.Sprintf("export KUBECONFIG=%s\n", shellQuote(kubeconfig)) + lines, nil
}

// shellQuote makes a word that a shell reads back as it is.
func shellQuote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
