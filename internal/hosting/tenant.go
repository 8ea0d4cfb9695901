package hosting

import (
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// tenant is the runtime of one tenant, and what it is made of.
type tenant struct {
	*server.Tenant
	process *Process
	name    string
	cache   *cache.Cache
	rates   *ratelimit.Buckets
	metrics *prometheus.Registry // the process's, of an only tenant
	upkeep  *upkeep.Upkeep
	// problem is why it cannot be served; nil when it can.
	problem atomic.Pointer[string]
}

// newTenant makes the runtime of a tenant of which nothing is known yet.
func (p *Process) newTenant(name string) *tenant {
	t := &tenant{process: p, name: name, cache: p.Streams.Cache(name), rates: p.Rates, metrics: p.Metrics}
	log := p.Log
	if p.Only == "" {
		t.rates, t.metrics, log = p.Rates.For(name), prometheus.NewRegistry(), log.With(slog.String("tenant", name))
	}
	backend := kubernetes.New(kubernetes.Options{
		Client: p.Client, Tenant: client.ObjectKey{Namespace: p.Namespace, Name: name}, Groups: p.registry.Group(),
		Cache: t.cache, Members: p.Members, Metrics: kubernetes.NewMetrics(t.metrics, name), Log: log,
		Written: func(bytes int64) { t.Wrote(bytes) },
	})
	requests := accesslog.NewMetricsWith(p.durations, t.metrics, name)
	if p.Only == "" {
		t.Tenant = server.NewTenantIn(p.shared, name, backend, limit.Defaults(), t.rates, log, requests)
	} else {
		t.Tenant = server.NewTenant(backend, limit.Defaults(), t.rates, log, requests, t.cache.Synced, p.Members.Member)
	}
	t.AskIssuers(p.Issuers)
	kubernetes.MeasureStorage(t.metrics, name, t.cache)
	server.MeasureUses(t.metrics, name, t.Tenant, contract.MostKeysUsed)
	t.upkeep = kubernetes.NewUpkeep(backend, upkeep.Options{
		Policy: t.Policy, Recorder: p.Recorder, Log: log, AbsenceAge: p.AbsenceAge,
	}, t.metrics)
	return t
}

// Configure implements replica.Tenant. While a tenant that is served cannot be served as its
// ScimTenant says, its last state stays in force.
func (t *tenant) Configure(configuration replica.Configuration) {
	if configuration.Problem != "" {
		t.problem.Store(&configuration.Problem)
		if t.cache.Registry() != nil || t.process.Only != "" {
			return
		}
	} else {
		t.problem.Store(nil)
		t.cache.Follow(configuration.Settings.Registry)
	}
	t.Tenant.Configure(configuration.Settings)
	if t.process.Only == "" {
		if configuration.Host == "" && configuration.Settings.Issuer != "" {
			t.process.shared.Publish(configuration.ServerURL)
		}
		t.process.router.Put(t.name, configuration.Host, t.Tenant)
	}
}

// close gives up what is in memory.
func (t *tenant) close() {
	t.cache.Close()
	t.rates.Close()
}

// usage is how the tenant is served, and used.
func (t *tenant) usage() contract.TenantUsage {
	usage := contract.TenantUsage{State: contract.ServingLive, Usage: t.count()}
	switch {
	case !t.Serves():
		usage.State = contract.ServingNothing // It is about to.
	case usage.Usage != nil:
		usage.State = contract.ServingMemory
	}
	if problem := t.problem.Load(); problem != nil {
		usage.Message = *problem
		if t.cache.Registry() == nil {
			usage.State = contract.ServingNothing
		}
	}
	return usage
}

// count is how much the tenant is used; nil while memory is not complete.
func (t *tenant) count() *contract.Usage {
	if !t.cache.Synced() {
		return nil
	}
	counts := t.cache.Counts()
	return &contract.Usage{
		Users: int32(counts.Users), ActiveUsers: int32(counts.ActiveUsers), Groups: int32(counts.Groups),
		LastRequestTime: t.LastRequest(), LastUsedTimes: t.LastUses(contract.MostKeysUsed),
	}
}
