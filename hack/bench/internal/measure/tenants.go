package measure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubescim/kubescim/hack/bench/internal/audit"
	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// TenantsOptions are the choices of a run with many tenants.
type TenantsOptions struct {
	// Dedicated and Shared are the numbers of tenants to measure at, ascending: with a server each, and with one for
	// all.
	Dedicated, Shared []int
	// UsersEach is how many users each tenant has.
	UsersEach int
	// ServerMemory is the memory limit of a pod of a shared server.
	ServerMemory resource.Quantity
	// Rounds is how many windows each subject gets, in turn with the others.
	Rounds int
	// Window is how long a window of reads lasts, and FloodWindow one beside a flood.
	Window, FloodWindow time.Duration
	// Rest is for how long requests are counted while nobody asks the servers for anything, and Settle how long to
	// wait at the most until the operator has written what there was to write after the load.
	Rest, Settle time.Duration
	// EtcdMetrics is the URL of etcd's metrics on loopback; without it, etcd's memory is not measured.
	EtcdMetrics string
	// AuditLog is the file of the API server's audit log; without it, requests at rest are not counted.
	AuditLog string
	// Log tells a person what is going on.
	Log func(format string, args ...any)
}

// Numbers of pods of a server, and of measurements of what happens once.
const (
	dedicatedReplicas = 2
	sharedReplicas    = 3
	nextTenants       = 3
)

// tenantsBench is a run with many tenants.
type tenantsBench struct {
	TenantsOptions
	run      *result.TenantsRun
	cluster  *cluster.Cluster
	operator *cluster.Operator
	audit    *audit.Log // nil without one
	// alone is a shared server with one tenant, which is there to compare others with; nil until it is made.
	alone *population
}

// population is tenants with their users.
type population struct {
	*cluster.Fleet
	shared   bool
	replicas int
	users    []*dataset
}

// RunTenants measures many tenants, and fills in run. The error says what broke; what was measured before is in run.
func RunTenants(ctx context.Context, c *cluster.Cluster, o TenantsOptions, run *result.TenantsRun) error {
	b := &tenantsBench{TenantsOptions: o, run: run, cluster: c}
	run.UsersEach = o.UsersEach
	var err error
	if b.operator, err = c.Operator(ctx); err != nil {
		return err
	}
	if o.AuditLog != "" {
		if b.audit, err = audit.Open(o.AuditLog); err != nil {
			b.Log("going on without counting requests: %v", err)
		}
	}
	if err := b.dedicated(ctx); err != nil {
		return fmt.Errorf("measuring tenants with a server each: %w", err)
	}
	if err := b.shared(ctx); err != nil {
		return fmt.Errorf("measuring tenants of one server: %w", err)
	}
	return nil
}

// dedicated measures tenants with a server each, and removes them: their pods are not to be there later.
func (b *tenantsBench) dedicated(ctx context.Context) error {
	if len(b.Dedicated) == 0 {
		return nil
	}
	p, err := b.populate(ctx, "dedicated", false, dedicatedReplicas)
	if err != nil {
		return err
	}
	for _, size := range b.Dedicated {
		if err := b.measureAt(ctx, p, size); err != nil {
			return err
		}
	}
	b.Log("deleting the tenants with a server each")
	return p.Delete(ctx)
}

// shared measures tenants of one server: first a single one, which stays and is what the others are compared with.
func (b *tenantsBench) shared(ctx context.Context) error {
	if len(b.Shared) == 0 {
		return nil
	}
	var err error
	if b.alone, err = b.populate(ctx, "alone", true, sharedReplicas); err != nil {
		return err
	}
	sizes := b.Shared
	if sizes[0] == 1 {
		sizes = sizes[1:]
		if err := b.measureAt(ctx, b.alone, 1); err != nil {
			return err
		}
	} else if err := b.grow(ctx, b.alone, 1); err != nil {
		return err
	}
	if len(sizes) == 0 {
		return nil
	}
	p, err := b.populate(ctx, "shared", true, sharedReplicas)
	if err != nil {
		return err
	}
	for _, size := range sizes {
		if err := b.measureAt(ctx, p, size); err != nil {
			return err
		}
	}
	return nil
}

// populate makes a place for tenants.
func (b *tenantsBench) populate(ctx context.Context, purpose string, shared bool, replicas int) (*population, error) {
	fleet, err := b.cluster.NewFleet(ctx, purpose, shared, int32(replicas), b.ServerMemory)
	if err != nil {
		return nil, err
	}
	return &population{Fleet: fleet, shared: shared, replicas: replicas}, nil
}

// measureAt lets tenants become as many and measures everything there. What was measured before something broke is kept.
func (b *tenantsBench) measureAt(ctx context.Context, p *population, size int) error {
	began := time.Now()
	s := &result.Setup{Shared: p.shared, Tenants: size, Replicas: p.replicas}
	if err := b.grow(ctx, p, size); err != nil {
		return err
	}
	var err error
	for _, step := range []func(context.Context, *population, *result.Setup) error{
		b.weigh, b.reads, b.updates, b.floods, b.rest, b.restart, b.nextTenants, b.coldStarts,
	} {
		if err = step(ctx, p, s); err != nil {
			break
		}
	}
	b.run.Setups = append(b.run.Setups, *s)
	b.Log("%s: measured in %s", s.Name(), time.Since(began).Round(time.Second))
	return err
}

// nextTenants measures how long one more tenant takes.
func (b *tenantsBench) nextTenants(ctx context.Context, p *population, s *result.Setup) error {
	for range nextTenants {
		ready, served, err := p.Next(ctx)
		if err != nil {
			return err
		}
		s.NextReady = append(s.NextReady, ready.Seconds())
		if served > 0 {
			s.NextServed = append(s.NextServed, served.Seconds())
		}
	}
	b.Log("%s: one more is Ready after %.1f s, and answers after %.1f s", s.Name(), s.NextReady, s.NextServed)
	return nil
}

// coldStarts measures how long it takes to replace a pod.
func (b *tenantsBench) coldStarts(ctx context.Context, p *population, s *result.Setup) error {
	for range coldStarts {
		took, err := p.ColdStart(ctx)
		if err != nil {
			return err
		}
		s.ColdStarts = append(s.ColdStarts, took.Seconds())
	}
	b.Log("%s: a pod is replaced in %.1f s", s.Name(), s.ColdStarts)
	return nil
}

// weigh measures what the servers, the operator and Kubernetes need.
func (b *tenantsBench) weigh(ctx context.Context, p *population, s *result.Setup) error {
	processes, operator, err := b.processes(ctx, p)
	if err != nil {
		return err
	}
	s.Servers.Resident = resident(processes)
	s.Operator.Resident = resident(operator)
	if s.Servers.RequestedMemory, s.Servers.RequestedCPU, err = p.Requested(ctx); err != nil {
		return err
	}
	if s.Operator.RequestedMemory, s.Operator.RequestedCPU, err = b.operator.Requested(ctx); err != nil {
		return err
	}
	if s.APIServer, s.Database, err = b.cluster.APIServer(ctx); err != nil {
		return err
	}
	if b.EtcdMetrics != "" {
		if s.Etcd, err = cluster.Etcd(ctx, b.EtcdMetrics); err != nil {
			b.Log("going on without the memory of etcd: %v", err)
		}
	}
	b.Log("%s: server pods %s, operator %s, API server %s, etcd %s", s.Name(), megabytes(s.Servers.Resident...),
		megabytes(s.Operator.Resident...), megabytes(s.APIServer), megabytes(s.Etcd))
	return nil
}

// processes returns those of the servers and of the operator.
func (b *tenantsBench) processes(ctx context.Context, p *population) (servers, operator []cluster.Process, err error) {
	servers, err = p.Processes(ctx)
	if err != nil {
		return nil, nil, err
	}
	one, err := b.operator.Process(ctx)
	return servers, []cluster.Process{one}, err
}

// resident is the memory of processes.
func resident(processes []cluster.Process) []float64 {
	memory := make([]float64, len(processes))
	for i, p := range processes {
		memory[i] = p.Memory
	}
	return memory
}

// errFillFailed is returned when users cannot be created.
var errFillFailed = errors.New("creating users failed too often")
