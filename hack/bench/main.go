// Command bench measures Kubescim on the cluster that KUBECONFIG names, side by side with the raw API server and with
// SCIM servers that keep users in memory. docs/scale.md explains what it does. All load goes to loopback.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/measure"
	"github.com/kubescim/kubescim/hack/bench/internal/report"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
	"github.com/kubescim/kubescim/hack/internal/repo"
)

const usage = `usage: go -C hack run ./bench COMMAND [FLAGS]

  run      measure one tenant on the cluster that KUBECONFIG names; print the targets, write all results to a file
  tenants  the same with many tenants, which share a server or have one each
  show     print what is in such a file of run
  docs     write what both have measured last into docs/scale.md, with the plots

go -C hack run ./bench COMMAND -h explains the flags. Relative paths are those of the checkout.
`

// errUsage is returned for a command line that makes no sense; main prints the usage for it.
var errUsage = errors.New("wrong arguments")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// command does what the command line asks for.
func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	if _, err := repo.Enter(); err != nil {
		return err
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "run":
		return runBench(ctx, flags, args[1:])
	case "tenants":
		return runTenants(ctx, flags, args[1:])
	case "show":
		results := resultsFlag(flags)
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		run, err := readResults(*results)
		if err != nil {
			return err
		}
		return report.Table(os.Stdout, run)
	case "docs":
		results, tenants := resultsFlag(flags), tenantsFlag(flags, "tenants")
		docs := flags.String("docs", "docs", "folder of the documents")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return writeDocs(*results, *tenants, *docs)
	default:
		return errUsage
	}
}

// resultsFlag says where the results of run are.
func resultsFlag(flags *flag.FlagSet) *string {
	return flags.String("results", filepath.Join(".bench", "results.json"), "file with the results")
}

// etcdFlag says where the metrics of etcd are.
func etcdFlag(flags *flag.FlagSet, url *string) {
	flags.StringVar(url, "etcd-metrics", "http://127.0.0.1:12381/metrics", "metrics of etcd on loopback; empty does without")
}

// runBench measures.
func runBench(ctx context.Context, flags *flag.FlagSet, args []string) error {
	o := measure.Options{Log: logf}
	results := resultsFlag(flags)
	users := flags.String("users", "1000 10000 100000", "numbers of users to measure at, ascending, each at least twice the one before")
	flags.IntVar(&o.Rounds, "rounds", 5, "windows for each subject, in turn with the others")
	flags.DurationVar(&o.Window, "window", 1500*time.Millisecond, "length of a window of reads")
	etcdFlag(flags, &o.EtcdMetrics)
	memory := flags.String("server-memory", "256Mi", "memory limit of a server pod; the default is that of tenants")
	bounds := boundsFlags(flags, 90*time.Minute)
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.Sizes, err = parseSizes(*users); err != nil {
		return err
	}
	if o.ServerMemory, err = resource.ParseQuantity(*memory); err != nil {
		return fmt.Errorf("reading -server-memory, which is a quantity such as 1Gi: %w", err)
	}
	if o.Rounds < 1 || o.Window <= 0 {
		return errors.New("-rounds and -window must be positive")
	}
	if o.Scratch, err = os.MkdirTemp("", "kubescim-bench-"); err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(o.Scratch) }()
	run := &result.Run{Started: time.Now()}
	return bounds.onCluster(ctx, &run.Machine, func(ctx context.Context, c *cluster.Cluster) error {
		broke := measure.Run(ctx, c, o, run)
		run.Seconds = time.Since(run.Started).Seconds()
		err := errors.Join(broke, writeResults(*results, run), report.Table(os.Stdout, run))
		logf("all results are in %s", *results)
		return err
	})
}

// bounds say how long the command may take.
type bounds struct{ measuring, cleaning *time.Duration }

func boundsFlags(flags *flag.FlagSet, measuring time.Duration) bounds {
	return bounds{
		measuring: flags.Duration("timeout", measuring, "longest time for all measurements"),
		cleaning:  flags.Duration("cleanup", 3*time.Minute, "how long to wait for the deletion of what was made"),
	}
}

// onCluster measures on the cluster for as long as there is time, and deletes what was made there.
func (b bounds) onCluster(ctx context.Context, machine *result.Machine, measure func(context.Context, *cluster.Cluster) error) error {
	c, err := cluster.Connect()
	if err != nil {
		return err
	}
	if *machine, err = describe(ctx, c); err != nil {
		return err
	}
	measuring, cancel := context.WithTimeout(ctx, *b.measuring)
	err = measure(measuring, c)
	cancel()

	// An interrupt ends the measurements, and a second one the wait for the deletion.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel = context.WithTimeout(ctx, *b.cleaning)
	defer cancel()
	logf("deleting what was made")
	if unclean := c.CleanUp(ctx); unclean != nil {
		logf("%v", unclean)
	}
	return err
}

// parseSizes reads the numbers of users.
func parseSizes(text string) ([]int, error) {
	var sizes []int
	for _, field := range strings.Fields(text) {
		size, err := strconv.Atoi(field)
		if err != nil || size < 500 || size > 1_000_000 {
			return nil, fmt.Errorf("%q is no number of users to measure at; it must be from 500 to 1000000", field)
		}
		if len(sizes) > 0 && size < 2*sizes[len(sizes)-1] {
			return nil, fmt.Errorf("the numbers of users %q must each be at least twice the one before", text)
		}
		sizes = append(sizes, size)
	}
	if len(sizes) == 0 {
		return nil, errors.New("say at how many users to measure, for example -users \"1000 10000\"")
	}
	return sizes, nil
}

// logf tells a person what is going on, on standard error.
func logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+time.Now().Format("15:04:05 ")+format+"\n", args...)
}
