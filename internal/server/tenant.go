package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Limits bound what one request may cost.
type Limits struct {
	// BodyBytes is the size of the largest body; a larger one is answered 413.
	BodyBytes int64
	// Deadline is how long a request may take; then it is answered 503.
	Deadline time.Duration
	// DefaultPage and MaxPage are the numbers of resources in a page of a list
	// when the client names none, and at the most.
	DefaultPage, MaxPage int
	// Requests is how many requests with a good token may be under way; one more
	// is answered 429.
	Requests int
	// BulkOperations is the number of operations in one bulk request.
	BulkOperations int
}

// DefaultLimits are the limits of a tenant that names no others.
func DefaultLimits() Limits {
	return Limits{BodyBytes: 8 << 20, Deadline: 8 * time.Second, DefaultPage: 100, MaxPage: 1000, Requests: 512, BulkOperations: 500}
}

// Tenant is the runtime of one tenant. Make it with NewTenant, and give it
// Settings and Keys before it can be Ready.
type Tenant struct {
	store    store.Store
	limits   Limits
	log      *slog.Logger
	outcomes *outcomes

	settings atomic.Pointer[Settings]
	keyring  keyring
	draining atomic.Bool
	started  atomic.Bool // what is needed has held
	needs    []func() bool
	// lastRequest is when the last request with a good token came, in seconds
	// since 1970.
	lastRequest atomic.Int64
	requests    *semaphore.Weighted
	budget      *budget
	failures    *failures
	writes      writes
}

// NewTenant returns the runtime of a tenant over its store.
func NewTenant(backend store.Store, limits Limits, log *slog.Logger, metrics *Metrics) *Tenant {
	return &Tenant{
		store: backend, limits: limits, log: log, outcomes: newOutcomes(log.Handler(), metrics),
		requests: semaphore.NewWeighted(int64(limits.Requests)), budget: newBudget(), failures: newFailures(),
	}
}

// Configure makes requests from now on be answered under the settings.
func (t *Tenant) Configure(settings Settings) {
	settings.words = wordsOf(settings.Registry)
	t.writes.resize(settings.WriteBytes)
	t.settings.Store(&settings)
}

// Policy returns the tenant's rules for users and groups at the moment; the zero
// Policy before there are any.
func (t *Tenant) Policy() store.Policy {
	if settings := t.settings.Load(); settings != nil {
		return settings.Policy
	}
	return store.Policy{}
}

// LastRequest returns when the last request with a good token came, to the second;
// zero when none has.
func (t *Tenant) LastRequest() time.Time {
	if seconds := t.lastRequest.Load(); seconds > 0 {
		return time.Unix(seconds, 0).UTC()
	}
	return time.Time{}
}

// Accept makes requests from now on be authenticated with the keys. It calls retired, which
// must not block, once nothing is done any more under a key that is not among them, which
// takes Limits.Deadline at the most; or never, if Accept is called again before.
func (t *Tenant) Accept(keys Keys, retired func()) { t.keyring.accept(keys, retired) }

// Needs makes Ready wait until all of the conditions have held at the same time
// once. What goes wrong later is for requests to be told: a pod that is taken out
// of service could not even say that.
func (t *Tenant) Needs(conditions ...func() bool) { t.needs = conditions }

// Ready reports whether the tenant can answer requests.
func (t *Tenant) Ready() bool {
	if !t.started.Load() {
		for _, holds := range t.needs {
			if !holds() {
				return false
			}
		}
		t.started.Store(true)
	}
	return t.settings.Load() != nil && t.keyring.accepted() != nil && !t.draining.Load()
}

// Drain makes Ready false and every answer ask the client to close its
// connection, while requests are served as before.
func (t *Tenant) Drain() { t.draining.Store(true) }

// ServeHTTP implements http.Handler.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{tenant: t, w: w, r: r, requestID: uuid.NewString(), began: time.Now()}
	x.setHeader(headerRequestID, x.requestID)
	if t.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	defer x.finish()
	defer x.recover()
	x.serve()
}

// serve authenticates and then routes: without a good token there is no telling
// which URLs and ids exist.
func (x *exchange) serve() {
	settings, keys := x.tenant.settings.Load(), x.tenant.keyring.accepted()
	if settings == nil || keys == nil {
		x.fail(scim.Errorf(http.StatusServiceUnavailable, "", "the server is starting; try again"))
		return
	}
	x.settings = settings
	found := authenticate(x.r, keys, x.began)
	if found.reason != "" {
		x.refuse(found)
		return
	}
	x.verifier = found.verifier
	trusted(x.r.Context())
	x.tenant.lastRequest.Store(x.began.Unix())
	if err := x.notPaused(); err != nil {
		x.fail(err)
		return
	}
	if !x.tenant.requests.TryAcquire(1) {
		x.fail(scim.Errorf(http.StatusTooManyRequests, "", "%d requests are under way already; send fewer at a time", x.tenant.limits.Requests))
		return
	}
	defer x.tenant.requests.Release(1)
	ctx, cancel := context.WithDeadline(x.r.Context(), x.began.Add(x.tenant.limits.Deadline))
	defer cancel()
	x.ctx = store.WithActor(ctx, store.Actor{KeyID: found.keyID, RequestID: x.requestID})
	defer x.releaseMemory()
	if err := x.route(); err != nil {
		x.fail(err)
	}
}
