package exchange

import (
	"sync/atomic"
	"time"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store"
)

// Process is what the requests of all tenants of a process have in common.
type Process struct {
	// Path is the base path of every tenant that is found by its name in the path of a request,
	// behind that, whatever its own is: /scim/v2.
	Path string
	// Slots has one for each request with a good token that may be under way.
	Slots *limit.Pool
	// Memory is what requests may have together.
	Memory *limit.ProcessMemory
	// Unauthenticated bounds what requests without a good token cost. It is the same for all
	// tenants, and for those that there are not, so that nobody finds out by it which are.
	Unauthenticated *limit.Unauthenticated

	publicURL atomic.Pointer[string]
}

// Publish makes the URL the one under which clients see the process from now on, without the
// tenant's name and path; empty for what a request was sent to. A tenant that has an URL of its
// own is seen under that.
func (p *Process) Publish(url string) { p.publicURL.Store(&url) }

// PublicURL is the URL under which clients see the process.
func (p *Process) PublicURL() string {
	if url := p.publicURL.Load(); url != nil {
		return *url
	}
	return ""
}

// NewProcess returns what the requests of a process have in common, under limits of which the
// number of requests is for all of them.
func NewProcess(limits limit.Limits) *Process {
	return &Process{
		Path:  "/scim/v2",
		Slots: limit.NewPool(limits.Requests), Memory: limit.NewProcessMemory(limit.MemoryLeft),
		Unauthenticated: limit.NewUnauthenticated(limit.DefaultRates()),
	}
}

// Shared is what the requests of one tenant have in common. Make it with NewShared, or as one of
// several tenants of a process with Process.NewShared.
type Shared struct {
	// Name is the tenant's; empty for one that is alone in its process.
	Name string
	// Mount is what stands before Process.Path in the URL of a request that names the tenant
	// in its path: /acme. It is empty when there are none.
	Mount  string
	Store  store.Store
	Limits limit.Limits
	Log    *accesslog.Log
	// Keyring has the keys that requests are authenticated with.
	Keyring auth.Keyring
	// Slots has one for each request with a good token that may be under way.
	Slots *limit.Slots
	// Memory is what requests may have together.
	Memory *limit.Memory
	// Writes bounds the bytes that are written.
	Writes limit.Writes
	// Rates bound how many requests with a good token are answered.
	Rates *ratelimit.Buckets
	// Unauthenticated bounds what requests without a good token cost.
	Unauthenticated *limit.Unauthenticated
	// Events are the URIs of the events that receivers get: none when there are no receivers, and nil while that is
	// not known.
	Events atomic.Pointer[[]string]

	process  *Process
	mounted  string // Process.Path behind Mount
	settings atomic.Pointer[Settings]
	signing  signing
}

// MayHaveReceivers reports whether somebody may be to hear of changes.
func (s *Shared) MayHaveReceivers() bool {
	uris := s.Events.Load()
	return uris == nil || len(*uris) > 0
}

// NewShared returns what the requests of a tenant over its store have in common, which is alone
// in its process.
func NewShared(backend store.Store, limits limit.Limits, rates *ratelimit.Buckets, log *accesslog.Log) *Shared {
	process := NewProcess(limits)
	return &Shared{
		Rates: rates, Store: backend, Limits: limits, Log: log,
		Slots: process.Slots.Whole(), Memory: process.Memory.Whole(), Unauthenticated: process.Unauthenticated, process: process,
	}
}

// NewShared returns what the requests of one of several tenants have in common. The name of the
// tenant is the first segment of the path of those that are sent to the process; of a tenant
// that stands for all that there are not, it is empty.
func (p *Process) NewShared(name string, backend store.Store, limits limit.Limits, rates *ratelimit.Buckets, log *accesslog.Log) *Shared {
	shared := &Shared{
		Rates: rates, Store: backend, Limits: limits, Log: log,
		Slots: p.Slots.Part(), Memory: p.Memory.Part(), Unauthenticated: p.Unauthenticated, process: p,
	}
	if name != "" {
		shared.Name, shared.Mount = name, "/"+name
		shared.mounted = shared.Mount + p.Path
	}
	return shared
}

// Configure makes requests from now on be answered under the settings.
func (s *Shared) Configure(settings Settings) {
	if settings.Words == nil {
		settings.Words = accesslog.WordsOf(settings.Registry)
	}
	s.Writes.Resize(settings.WriteBytes)
	s.Rates.Resize(settings.Rate, time.Now())
	s.settings.Store(&settings)
	s.issueAs(settings.Issuer)
}

// Settings returns those that requests are answered under; nil before there are any.
func (s *Shared) Settings() *Settings { return s.settings.Load() }
