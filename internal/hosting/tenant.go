package hosting

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/eventsink/sender"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/exchange"
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
	store   *kubernetes.Store
	rates   *ratelimit.Buckets
	metrics *prometheus.Registry // the process's, of an only tenant
	upkeep  *upkeep.Upkeep
	// requests are the last ones.
	requests *requestlog.Log
	// good are the last settings that it can be served under; nil before there are any. They are
	// the caller's of Configure.
	good *exchange.Settings
	// problem is why it cannot be served; nil when it can.
	problem atomic.Pointer[string]
	// mode is how it is hosted; nil before that is known.
	mode atomic.Pointer[scimv1alpha1.HostingMode]
	// deleted is true once its ScimTenant is being deleted.
	deleted atomic.Bool
}

// newTenant makes the runtime of a tenant of which nothing is known yet.
func (p *Process) newTenant(name string) *tenant {
	t := &tenant{process: p, name: name, cache: p.Streams.Cache(name), rates: p.Rates, metrics: p.Metrics, requests: p.requests.New()}
	log := p.Log
	if p.Only == "" {
		t.rates, t.metrics, log = p.Rates.For(name), prometheus.NewRegistry(), log.With(slog.String("tenant", name))
	}
	t.store = kubernetes.New(kubernetes.Options{
		Client: p.Client, Tenant: client.ObjectKey{Namespace: p.Namespace, Name: name}, Groups: p.registry.Group(),
		Cache: t.cache, Members: p.Members, Metrics: kubernetes.NewMetrics(t.metrics, name), Log: log,
		Written: func(bytes int64) { t.Wrote(bytes) },
	})
	requests := accesslog.NewMetricsWith(p.durations, t.metrics, name)
	if p.Only == "" {
		t.Tenant = server.NewTenantIn(p.shared, name, t.store, limit.Defaults(), t.rates, log, requests)
	} else {
		t.Tenant = server.NewTenant(t.store, limit.Defaults(), t.rates, log, requests, t.filled, p.Members.Member)
	}
	audit := auditlog.New(p.Log, p.Namespace, name)
	t.AuditTo(audit)
	t.AskIssuers(p.Issuers)
	t.KeepRequests(t.requests)
	kubernetes.MeasureStorage(t.metrics, name, t.cache)
	server.MeasureUses(t.metrics, name, t.Tenant, contract.MostKeysUsed)
	t.upkeep = kubernetes.NewUpkeep(t.store, upkeep.Options{
		Policy: t.Policy, Recorder: p.Recorder, Log: log, AbsenceAge: p.AbsenceAge,
		Expired: func(t *schema.ResourceType, id, auditID string) {
			audit.WriteExpiry(strings.TrimPrefix(t.Endpoint, "/"), id, auditID)
		},
		Forgetting: func(ctx context.Context, group bool, revision uint64, deleted time.Time) (bool, error) {
			return p.forget(ctx, name, sender.Deletion{Group: group, Revision: revision, Time: deleted})
		},
	}, t.metrics)
	return t
}

// Configure implements replica.Tenant. While a tenant that is served cannot be served as its
// ScimTenant says, its last state stays in force.
func (t *tenant) Configure(configuration replica.Configuration) {
	t.deleted.Store(configuration.Deleted)
	t.host(configuration.Mode)
	settings := configuration.Settings
	if configuration.Problem == "" {
		t.problem.Store(nil)
		t.good = &configuration.Settings
	} else {
		t.problem.Store(&configuration.Problem)
	}
	switch {
	case t.good != nil:
		settings = *t.good
		t.cache.Label(settings.Policy.Labels) // First, so that what is read anew is compared with them.
		if configuration.Mode != "" {
			t.cache.Follow(settings.Registry)
		}
	case t.process.Only != "":
		return
	}
	settings.Off = configuration.Mode == ""
	settings.Draining = configuration.Draining || settings.Off
	t.Tenant.Configure(settings)
	if t.process.Only == "" {
		if configuration.AtServer {
			t.process.shared.Publish(configuration.ServerURL)
		}
		t.process.router.Put(t.name, configuration.Host, t.Tenant)
		t.listen(configuration.Port)
	}
}

// listen makes the port of the tenant, if it has one, be open from now on.
func (t *tenant) listen(port int32) {
	if port == 0 {
		t.process.Ports.Close(t.name)
		return
	}
	t.process.Ports.Open(t.name, port)
}

// host makes the tenant be hosted in a mode from now on. What memory has while it is off, nobody
// would see to.
func (t *tenant) host(mode scimv1alpha1.HostingMode) {
	t.mode.Store(&mode)
	t.store.ReadLive(mode != scimv1alpha1.HostingModeMemory)
	if mode == "" {
		t.cache.Close()
	}
}

// hosting is how the tenant is hosted; empty while it is off, or that is not known.
func (t *tenant) hosting() scimv1alpha1.HostingMode {
	if mode := t.mode.Load(); mode != nil {
		return *mode
	}
	return ""
}

// filled reports whether what is to be in memory is: nothing of a tenant that is off.
func (t *tenant) filled() bool {
	return t.mode.Load() != nil && t.hosting() == "" || t.cache.Synced()
}

// close gives up what is in memory.
func (t *tenant) close() {
	t.cache.Close()
	t.rates.Close()
	t.requests.Close()
}

// usage is how the tenant is served, and used.
func (t *tenant) usage() contract.TenantUsage {
	usage := contract.TenantUsage{State: contract.ServingLive, Usage: t.count()}
	switch {
	case !t.Serves() || t.hosting() == "":
		usage.State = contract.ServingNothing // It is about to, or another server does.
	case usage.Usage != nil && t.hosting() == scimv1alpha1.HostingModeMemory:
		usage.State = contract.ServingMemory
	}
	if t.Leaving() && t.hosting() != "" {
		usage.IdleSeconds = ptr.To(int64(t.Idle(time.Now()).Seconds()))
		for id := range t.LastUses(1) {
			usage.LastKeyID = id
		}
	}
	if problem := t.problem.Load(); problem != nil {
		usage.Message = *problem
		if t.cache.Registry() == nil {
			usage.State = contract.ServingNothing
		}
	}
	if t.process.Only != "" {
		return usage
	}
	if problem := t.process.Ports.Problem(t.name); problem != "" { // Its Service leads there, or is about to.
		usage.State, usage.Message = contract.ServingNothing, problem
	}
	return usage
}

// count is how much the tenant is used; nil while memory is not complete.
func (t *tenant) count() *contract.Usage {
	if !t.cache.Synced() {
		return nil
	}
	counts := t.cache.Counts()
	usage := &contract.Usage{
		Users: int32(counts.Users), ActiveUsers: int32(counts.ActiveUsers), Groups: int32(counts.Groups),
		LastRequestTime: t.LastRequest(), LastUsedTimes: t.LastUses(contract.MostKeysUsed),
	}
	if failing, known := t.MostlyFailing(); known {
		usage.MostlyFailing = &failing
	}
	if guard, now := t.Policy().Guard, time.Now(); !guard.Open(now) {
		usage.Guarded = t.requests.LastRefusal(string(scim.Guarded)).After(guard.Since(now))
	}
	if labels, left, known := t.cache.Labelled(); known {
		usage.Selectors = &contract.SelectorUsage{Labels: labels, Left: int32(left)}
	}
	return usage
}
