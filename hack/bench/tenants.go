package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/measure"
	"github.com/kubescim/kubescim/hack/bench/internal/report"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// tenantsFlag says where the results of tenants are.
func tenantsFlag(flags *flag.FlagSet, name string) *string {
	return flags.String(name, filepath.Join(".bench", "tenants.json"), "file with the results of many tenants")
}

// runTenants measures many tenants.
func runTenants(ctx context.Context, flags *flag.FlagSet, args []string) error {
	o := measure.TenantsOptions{Log: logf}
	results := tenantsFlag(flags, "results")
	shared := flags.String("shared", "1 100 1000", "numbers of tenants of one server to measure at, ascending; empty for none")
	dedicated := flags.String("dedicated", "1 15", "numbers of tenants with a server each to measure at, ascending; empty for none")
	flags.IntVar(&o.UsersEach, "users", 100, "users of each tenant")
	memory := flags.String("server-memory", "512Mi", "memory limit of a pod of a shared server")
	flags.IntVar(&o.Rounds, "rounds", 5, "windows for each subject, in turn with the others")
	flags.DurationVar(&o.Window, "window", 1500*time.Millisecond, "length of a window of reads or updates")
	flags.DurationVar(&o.FloodWindow, "flood-window", 10*time.Second, "length of a window beside a flood")
	flags.DurationVar(&o.Rest, "rest", 2*time.Minute, "for how long requests are counted while no client sends any")
	flags.DurationVar(&o.Settle, "settle", 30*time.Minute, "longest wait for the operator to write what there is to write after a load")
	etcdFlag(flags, &o.EtcdMetrics)
	flags.StringVar(&o.AuditLog, "audit-log", "/var/lib/kubescim-cluster/logs/audit.log", "audit log of the API server; empty does without")
	bounds := boundsFlags(flags, 3*time.Hour)
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if o.ServerMemory, err = resource.ParseQuantity(*memory); err != nil {
		return fmt.Errorf("reading -server-memory, which is a quantity such as 1Gi: %w", err)
	}
	if o.Shared, err = parseCounts(*shared, mostShared); err != nil {
		return fmt.Errorf("reading -shared: %w", err)
	}
	if o.Dedicated, err = parseCounts(*dedicated, mostDedicated); err != nil {
		return fmt.Errorf("reading -dedicated: %w", err)
	}
	if o.UsersEach < 1 || o.Rounds < 1 || o.Window <= 0 || o.FloodWindow <= 0 || o.Rest <= 0 {
		return errors.New("-users, -rounds, -window, -flood-window and -rest must be positive")
	}
	run := &result.TenantsRun{Started: time.Now()}
	return bounds.onCluster(ctx, &run.Machine, func(ctx context.Context, c *cluster.Cluster) error {
		broke := measure.RunTenants(ctx, c, o, run)
		run.Seconds = time.Since(run.Started).Seconds()
		err := errors.Join(broke, writeResults(*results, run), report.TenantsTable(os.Stdout, run))
		logf("all results are in %s", *results)
		return err
	})
}

// Bounds of the numbers of tenants. A node has room for 110 pods, and dedicated tenants have two each.
const (
	mostShared    = 10_000
	mostDedicated = 50
)

// parseCounts reads ascending numbers of tenants.
func parseCounts(text string, most int) ([]int, error) {
	var counts []int
	for _, field := range strings.Fields(text) {
		count, err := strconv.Atoi(field)
		if err != nil || count < 1 || count > most {
			return nil, fmt.Errorf("%q is no number of tenants to measure at; it must be from 1 to %d", field, most)
		}
		if len(counts) > 0 && count <= counts[len(counts)-1] {
			return nil, fmt.Errorf("the numbers of tenants %q must ascend", text)
		}
		counts = append(counts, count)
	}
	return counts, nil
}
