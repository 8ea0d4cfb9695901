// Package hosting makes the runtimes of the tenants that a process serves, and has what they
// share: connections to the API server, streams, slots, memory and metrics. A process has one
// tenant, or any number of them that come and go. What a runtime does is not its business, nor
// which tenants there are: package replica opens and closes them.
package hosting

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// Options are what the tenants of a process share.
type Options struct {
	// Only is the name of the only tenant; empty for a process of many.
	Only string
	// Namespace is that of the ScimTenants, and Pod the name of the process's own pod.
	Namespace, Pod string
	// Client calls the API server for requests, through transport.Meter.
	Client client.Client
	// Streams fill the caches of the tenants.
	Streams *cache.Streams
	// Members are the replicas of the server.
	Members kubernetes.Members
	// Ports are those of tenants that have one of their own; nil when there is one tenant only.
	Ports *listen.Ports
	// Rates are those of the only tenant, or have those of all.
	Rates *ratelimit.Buckets
	// Issuers have the keys that assertions are checked with.
	Issuers *federation.Issuers
	// Recorder records events on users and groups.
	Recorder events.EventRecorder
	// AbsenceAge is that of upkeep.Options.
	AbsenceAge time.Duration
	Metrics    *prometheus.Registry
	Log        *slog.Logger
}

// Process has the tenants of a process. Make it with New.
type Process struct {
	Options

	registry  *schema.Registry
	shared    *exchange.Process
	durations accesslog.Durations
	router    *server.Router
	requests  requestlog.Memory
	nobody    *server.Tenant // nil when there is one tenant only

	mu      sync.Mutex
	tenants map[string]*tenant
	// leaving are those that are served no more and have requests under way.
	leaving map[*tenant]struct{}
	signing signingkey.Set
	others  map[string]signingkey.VerifyingSet       // of other servers, by tenant
	sinks   map[string][]*scimv1alpha1.ScimEventSink // by tenant, in the order of their names
	begun   bool                                     // all tenants are open that there are at first
	started bool                                     // what is needed has held
}

var _ replica.Tenants = (*Process)(nil)

// New returns a process that serves nobody yet.
func New(o Options) (*Process, error) {
	registry, err := schema.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("building the SCIM schemas: %w", err)
	}
	p := &Process{
		Options: o, registry: registry, shared: exchange.NewProcess(limit.Defaults()), tenants: map[string]*tenant{}, leaving: map[*tenant]struct{}{},
		durations: accesslog.NewDurations(o.Metrics, o.Only),
	}
	p.shared.Path = scimv1alpha1.DefaultPath
	if o.Only != "" {
		only := p.newTenant(o.Only)
		p.tenants[o.Only] = only
		p.router = server.RouterTo(only.Tenant)
		return p, nil
	}
	p.nobody = server.NewNobody(p.shared, scimv1alpha1.DefaultPath, registry, o.Log, accesslog.NewMetricsWith(p.durations, o.Metrics, ""))
	p.router = server.NewRouter(p.nobody, p.ready)
	return p, nil
}

// Router answers the requests of all tenants.
func (p *Process) Router() *server.Router { return p.router }

// Open implements replica.Tenants.
func (p *Process) Open(name string) replica.Tenant {
	p.mu.Lock()
	defer p.mu.Unlock()
	opened := p.tenants[name]
	if opened == nil {
		opened = p.newTenant(name)
		opened.SignWith(p.signing)
		opened.VerifyWith(p.others[name])
		if p.sinks != nil {
			opened.SendEvents(urisOf(served(p.sinks[name])))
		}
		p.tenants[name] = opened
	}
	return opened
}

// Close implements replica.Tenants. All that is in memory of the tenant is given up.
func (p *Process) Close(name string) (gone func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	closed := p.tenants[name]
	if closed == nil {
		return func() {}
	}
	delete(p.tenants, name)
	p.leaving[closed] = struct{}{}
	p.Ports.Close(name)
	p.router.Remove(name)
	closed.close()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.leaving, closed)
	}
}

// Begin implements replica.Tenants.
func (p *Process) Begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = true
	if p.nobody == nil {
		return // The streams of an only tenant begin when it is hosted.
	}
	p.Streams.Begin()
	p.router.Begin()
}

// SignWith makes the keys those that the access tokens of all tenants are signed and checked
// with from now on.
func (p *Process) SignWith(keys signingkey.Set) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signing = keys
	for _, one := range p.tenants {
		one.SignWith(keys)
	}
	if p.nobody != nil {
		p.nobody.SignWith(keys)
	}
}

// VerifyWith makes the keys those of other servers that access tokens of a tenant are checked with
// from now on, beside those of SignWith.
func (p *Process) VerifyWith(keys signingkey.VerifyingSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = map[string]signingkey.VerifyingSet{}
	for _, key := range keys {
		p.others[key.Tenant] = append(p.others[key.Tenant], key)
	}
	for name, one := range p.tenants {
		one.VerifyWith(p.others[name])
	}
}

// verifyingKeys are the ids of the keys that access tokens are checked with: the own ones, and
// those of other servers by tenant.
func (p *Process) verifyingKeys() (own []string, others map[string][]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range p.signing {
		own = append(own, key.ID)
	}
	for tenant, keys := range p.others {
		for _, key := range keys {
			if others == nil {
				others = map[string][]string{}
			}
			others[tenant] = append(others[tenant], key.ID)
		}
	}
	return own, others
}

// ready reports whether a process of many tenants can answer requests: once all that it begins
// with could be answered. What goes wrong later, requests are answered.
func (p *Process) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		p.started = p.begun && p.Members.Member() && p.Streams.Synced() && p.allReady()
	}
	return p.started
}

func (p *Process) allReady() bool {
	for _, one := range p.tenants {
		if !one.Ready() {
			return false
		}
	}
	return true
}

// all are the tenants that there are at the moment, by name.
func (p *Process) all() []*tenant {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*tenant, 0, len(p.tenants))
	for _, name := range slices.Sorted(maps.Keys(p.tenants)) {
		all = append(all, p.tenants[name])
	}
	return all
}

// leavers are the names of the tenants that are served no more and have requests under way.
func (p *Process) leavers() (names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for one := range p.leaving {
		names = append(names, one.name)
	}
	return names
}

// Usage is the answer of contract.PathUsage. A tenant is in it for as long as anything is done
// for it.
func (p *Process) Usage() []byte {
	usage := contract.ServerUsage{Tenants: map[string]contract.TenantUsage{}}
	usage.VerifyingKeys, usage.TenantKeys = p.verifyingKeys()
	for _, name := range p.leavers() {
		usage.Tenants[name] = contract.TenantUsage{State: contract.ServingNothing}
	}
	for _, one := range p.all() {
		usage.Tenants[one.name] = one.usage()
	}
	usage.Refusals = p.refusals()
	return contract.EncodeServerUsage(usage)
}

// RunUpkeep does for all tenants what no request asks for, until the context is done. While a tenant
// is moved, no server does.
func (p *Process) RunUpkeep(ctx context.Context) {
	upkeep.Run(ctx, p.Members.Lead, func() (all []*upkeep.Upkeep) {
		for _, one := range p.all() {
			if one.hosting() == scimv1alpha1.HostingModeMemory {
				all = append(all, one.upkeep)
			}
		}
		return all
	})
}
