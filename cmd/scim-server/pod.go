package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/program"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// callTimeout bounds one call to the API server for a request, so that there is
// time left to try again or to tell the client.
const callTimeout = 5 * time.Second

// pod is what one pod of the server is made of.
type pod struct {
	options options
	log     *slog.Logger
	metrics *prometheus.Registry

	// tenant answers the requests, out of cache.
	tenant *server.Tenant
	cache  *cache.Cache
	// members are the tenant's replicas, this one among them.
	members *driver.Replica
	// follower tells tenant what the ScimTenant and the keys are.
	follower *replica.Replica
	// signingKeys tells tenant what access tokens are signed with.
	signingKeys *replica.SigningKeys
	upkeep      *upkeep.Upkeep

	stopRecording func()
}

// assemble puts a pod together. Nothing of it runs yet, but the recording of events.
func assemble(ctx context.Context, o options, log *slog.Logger) (*pod, error) {
	registry, err := schema.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("building the SCIM schemas: %w", err)
	}
	p := &pod{options: o, log: log, metrics: newMetrics()}
	guarded, live, watching, err := p.newClients()
	if err != nil {
		return nil, err
	}
	key := client.ObjectKey{Namespace: o.pod.Namespace, Name: o.tenant}
	rates := ratelimit.New()
	marks := readindex.NewMarks()
	p.cache = cache.New(watching, key, marks, log)
	kubernetes.MeasureStorage(p.metrics, o.tenant, p.cache)
	p.members, err = driver.New(driver.Options{
		Client: live, Pod: o.pod, Tenant: o.tenant, Listen: o.peerAddress, Log: p.cache, Marks: marks, Logger: log, Metrics: p.metrics,
		Usage: p.usage, Rates: rates,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to join the other replicas: %w", err)
	}
	backend := kubernetes.New(kubernetes.Options{
		Client: guarded, Tenant: key, Groups: registry.Group(),
		Cache: p.cache, Members: p.members, Metrics: kubernetes.NewMetrics(p.metrics, o.tenant), Log: log,
	})
	fetch, err := newKeyFetcher(o)
	if err != nil {
		return nil, err
	}
	p.tenant = server.NewTenant(backend, limit.Defaults(), rates, log, accesslog.NewMetrics(p.metrics, o.tenant),
		p.cache.Synced, p.members.Member)
	p.tenant.AskIssuers(federation.NewIssuers(fetch, log, federation.NewMetrics(p.metrics, o.tenant)))
	server.MeasureUses(p.metrics, o.tenant, p.tenant, contract.MostKeysUsed)
	recorder, stopRecording, err := newRecorder(ctx)
	if err != nil {
		return nil, err
	}
	p.stopRecording = stopRecording
	p.upkeep = kubernetes.NewUpkeep(backend, upkeep.Options{
		Policy: p.tenant.Policy, Recorder: recorder, Log: log, AbsenceAge: o.absence,
	}, p.metrics)
	p.follower = &replica.Replica{
		Client: live, Tenant: p.tenant, Namespace: o.pod.Namespace, Name: o.tenant,
		Follows: p.cache.Follow, Members: p.members, Log: log,
	}
	p.signingKeys = &replica.SigningKeys{Path: o.signingKeys, Accept: p.tenant.SignWith, Log: log}
	return p, nil
}

// newClients returns a client for requests, one for all else, and one that watches.
// Reads and writes for requests are bounded and go through the circuit; watches last,
// and the Lease is written whatever happens to requests.
func (p *pod) newClients() (guarded, live, watching client.WithWatch, err error) {
	circuit := transport.NewCircuit(p.metrics, p.options.tenant, p.log)
	guarded, err = newClient(func(config *rest.Config) {
		config.Timeout = callTimeout
		config.Wrap(circuit.Wrap)
		config.Wrap(transport.Meter(func(bytes int64) { p.tenant.Wrote(bytes) }))
		config.Wrap(transport.Once)
	})
	if err != nil {
		return nil, nil, nil, err
	}
	live, err = newClient(func(*rest.Config) {})
	if err != nil {
		return nil, nil, nil, err
	}
	watching, err = newWatchClient(live)
	return guarded, live, watching, err
}

// serve answers requests until the context is done.
//
// The replica outlives the context: until the last request is answered, keys that are
// revoked must stop working, and the other replicas must know it.
func (p *pod) serve(ctx context.Context) error {
	following, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFollowing()
	var running sync.WaitGroup
	running.Go(func() { p.follower.Run(following) })
	running.Go(func() { p.signingKeys.Run(following) })
	running.Go(func() { p.cache.Run(following, p.members) })
	running.Go(func() { p.upkeep.Run(following) })
	var leaving error
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	running.Go(func() {
		leaving = p.members.Run(following)
		stopServing() // A replica that the others do not know must not serve.
	})

	o := p.options
	p.log.Info("serving", slog.String("version", program.Version), slog.String("tenant", o.tenant), slog.String("address", o.address))
	err := listen.Serve(serving, listen.Options{Tenant: o.tenant, Address: o.address, HealthAddress: o.healthAddress, Usage: p.answerUsage, Linger: o.linger}, p.tenant, p.metrics)
	stopFollowing()
	running.Wait()
	return errors.Join(err, leaving)
}

// usage is what the Lease states of how much the tenant is used; nothing while
// memory is not complete.
func (p *pod) usage() string {
	if usage := p.count(); usage != nil {
		return contract.EncodeUsage(*usage)
	}
	return ""
}

// answerUsage is the answer of contract.PathUsage.
func (p *pod) answerUsage() []byte {
	usage := contract.TenantUsage{State: contract.ServingLive, Usage: p.count()}
	if usage.Usage != nil {
		usage.State = contract.ServingMemory
	}
	return contract.EncodeServerUsage(contract.ServerUsage{Tenants: map[string]contract.TenantUsage{p.options.tenant: usage}})
}

// count is how much the tenant is used; nil while memory is not complete.
func (p *pod) count() *contract.Usage {
	if !p.cache.Synced() {
		return nil
	}
	counts := p.cache.Counts()
	return &contract.Usage{
		Users: int32(counts.Users), ActiveUsers: int32(counts.ActiveUsers), Groups: int32(counts.Groups),
		LastRequestTime: p.tenant.LastRequest(), LastUsedTimes: p.tenant.LastUses(contract.MostKeysUsed),
	}
}

func newMetrics() *prometheus.Registry {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return metrics
}
