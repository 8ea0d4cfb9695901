// Package measure is the plan of the benchmark: what is measured, in which order, and against what.
package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubescim/kubescim/hack/bench/internal/baseline"
	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// Options are the choices of a run.
type Options struct {
	// Sizes are the numbers of users to measure at, ascending.
	Sizes []int
	// Rounds is how many windows each subject gets, in turn with the others.
	Rounds int
	// Window is how long a window of reads lasts.
	Window time.Duration
	// ServerMemory is the memory limit of a server pod.
	ServerMemory resource.Quantity
	// EtcdMetrics is the URL of etcd's metrics on loopback; without it, etcd's memory is not measured.
	EtcdMetrics string
	// Scratch is a folder for programs that are built.
	Scratch string
	// Log tells a person what is going on.
	Log func(format string, args ...any)
}

// Numbers of clients. They are the same for all that are compared.
const (
	readers  = 16
	creators = 24
	// tailReaders leave the machine idle most of the time, so that a p99 is the server's and not the queue's.
	tailReaders = 2
)

// replicas is the number of server pods, except where a measurement says otherwise.
const replicas = 3

// baselineUsers is how many users the servers in memory have.
const baselineUsers = 5000

// bench is a run.
type bench struct {
	Options
	run      *result.Run
	cluster  *cluster.Cluster
	tenant   *cluster.Tenant
	data     *dataset
	groups   map[int]string // ids of groups by number of members
	raw      *cluster.Raw
	elimity  memoryServer
	scimmy   memoryServer
	few      *cluster.Tenant // a tenant that keeps the smallest number of users
	fewUsers *dataset
}

// memoryServer is one of the servers that Kubescim is compared with.
type memoryServer struct {
	target load.Target
	data   *dataset
	// missing says why it does not run; nil when it does.
	missing error
}

// Run measures, and fills in run. The error says what broke; what was measured before is in run.
func Run(ctx context.Context, c *cluster.Cluster, o Options, run *result.Run) error {
	b := &bench{Options: o, run: run, cluster: c, data: &dataset{}, groups: map[int]string{}}
	elimity, err := baseline.StartElimity(ctx, o.Scratch)
	if err != nil {
		return err
	}
	defer b.stop(elimity)
	scimmy, missing := baseline.StartScimmy(ctx, o.Scratch)
	if missing == nil {
		defer b.stop(scimmy)
	}
	if b.elimity, err = b.fillMemoryServer(ctx, elimity, nil); err != nil {
		return err
	}
	if b.scimmy, err = b.fillMemoryServer(ctx, scimmy, missing); err != nil {
		return err
	}
	b.Log("making a tenant with %d server pods", replicas)
	if b.tenant, err = c.NewTenant(ctx, "bench", replicas, o.ServerMemory); err != nil {
		return err
	}
	for i, size := range o.Sizes {
		if err := b.measureAt(ctx, size, i == len(o.Sizes)-1); err != nil {
			return fmt.Errorf("measuring with %s users: %w", result.Thousands(size), err)
		}
		run.Sizes = append(run.Sizes, size)
	}
	return nil
}

// stop stops a baseline.
func (b *bench) stop(program *baseline.Program) {
	if err := program.Stop(); err != nil {
		b.Log("%v", err)
	}
}

// fillMemoryServer gives a baseline its users, unless it does not run.
func (b *bench) fillMemoryServer(ctx context.Context, program *baseline.Program, missing error) (memoryServer, error) {
	if missing != nil {
		b.Log("going on without it: %v", missing)
		return memoryServer{missing: missing}, nil
	}
	server := memoryServer{target: program.Target, data: &dataset{}}
	return server, b.fill(ctx, server.target, server.data, baselineUsers)
}

// measureAt lets the tenant grow to a number of users and measures everything there.
func (b *bench) measureAt(ctx context.Context, size int, last bool) error {
	began := time.Now()
	footprint := result.Footprint{Users: size}
	steps := []func(context.Context, int) error{b.creates, b.grow}
	steps = append(steps, func(ctx context.Context, _ int) error { return b.weigh(ctx, &footprint) })
	steps = append(steps, b.gets, b.searches, b.tail, b.pages, b.groupChanges)
	steps = append(steps, func(ctx context.Context, _ int) error { return b.restart(ctx, &footprint) })
	for _, step := range steps {
		if err := step(ctx, size); err != nil {
			return err
		}
	}
	b.run.Footprints = append(b.run.Footprints, footprint)
	if err := b.alone(ctx, size, last); err != nil {
		return err
	}
	b.Log("%s users: measured in %s", result.Thousands(size), time.Since(began).Round(time.Second))
	return nil
}

// grow fills the tenant up to a number of users.
func (b *bench) grow(ctx context.Context, size int) error {
	return b.fill(ctx, b.tenant.All, b.data, size)
}

// portion is how many users are created before it is told how far it has come.
const portion = 10_000

// attempts bounds how often creation is taken up again after failures.
const attempts = 20

// fill creates users until a server has as many as are wanted.
func (b *bench) fill(ctx context.Context, target load.Target, data *dataset, size int) error {
	for range attempts + size/portion {
		missing := size - data.size()
		if missing <= 0 {
			return nil
		}
		// Each client begins with one operation that is not counted.
		w := load.Window{Concurrency: min(creators, missing)}
		if missing > creators {
			w.Count, w.Duration = min(missing, portion)-creators, 10*time.Minute
		}
		sample, err := w.Run(ctx, load.Requests(target, data.create, data.created))
		if err != nil {
			return fmt.Errorf("creating users: %w", err)
		}
		if sample.Operations+sample.Failures > 1000 {
			b.Log("%s of %s users created, at %.0f/s", result.Thousands(data.size()), result.Thousands(size), sample.Rate)
		}
		if sample.Failures > 0 {
			b.Log("%d creations failed, and others take their place: %s", sample.Failures, sample.Failure)
		}
	}
	return errors.New("creating users failed too often")
}

// alone measures reads with a single server pod, which has nobody to ask whether it has missed a write, and creation
// where nothing is measured after it.
func (b *bench) alone(ctx context.Context, size int, last bool) error {
	b.Log("scaling to one server pod")
	if err := b.tenant.Scale(ctx, 1); err != nil {
		return err
	}
	steps := []func(context.Context, int) error{b.gets, b.searches}
	if last {
		steps = append(steps, b.creates)
	}
	for _, step := range steps {
		if err := step(ctx, size); err != nil {
			return err
		}
	}
	if last {
		return nil
	}
	b.Log("scaling to %d server pods", replicas)
	return b.tenant.Scale(ctx, replicas)
}
