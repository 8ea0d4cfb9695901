package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/handler"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/server/tokenendpoint"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store"
)

// Tenant is the runtime of one tenant. Make it with NewTenant, and give it
// Settings and Keys before it can be Ready.
type Tenant struct {
	shared   *exchange.Shared
	draining atomic.Bool
	started  atomic.Bool // what is needed has held
	needs    []func() bool
	// lastRequest is when the last request with a good token came, in seconds
	// since 1970.
	lastRequest atomic.Int64
	uses        auth.Uses
	// underWay is how many requests with a good token are. lastEnd is when the last one has
	// ended, or clients were first to leave if that was later, in nanoseconds since 1970.
	underWay, lastEnd atomic.Int64
}

// NewTenant returns the runtime of a tenant over its store. It is not Ready until all that
// it needs has held at the same time once. What goes wrong later, requests are answered: a
// pod that is taken out of service could not even say that.
func NewTenant(backend store.Store, limits limit.Limits, rates *ratelimit.Buckets, log *slog.Logger, metrics *accesslog.Metrics, needs ...func() bool) *Tenant {
	return Over(exchange.NewShared(backend, limits, rates, accesslog.New(log, metrics)), needs...)
}

// NewTenantIn returns the runtime of one of several tenants of a process, by its name.
func NewTenantIn(process *exchange.Process, name string, backend store.Store, limits limit.Limits, rates *ratelimit.Buckets, log *slog.Logger, metrics *accesslog.Metrics) *Tenant {
	return Over(process.NewShared(name, backend, limits, rates, accesslog.New(log, metrics)))
}

// Over returns the runtime of a tenant whose requests have in common what is in shared, and
// that needs the same as one of NewTenant.
func Over(shared *exchange.Shared, needs ...func() bool) *Tenant {
	return &Tenant{shared: shared, needs: needs}
}

// Configure makes requests from now on be answered under the settings.
func (t *Tenant) Configure(settings exchange.Settings) {
	if settings.Draining && !t.Leaving() {
		t.lastEnd.Store(time.Now().UnixNano())
	}
	t.shared.Configure(settings)
}

// Leaving reports whether clients are to leave, since another server is to answer them.
func (t *Tenant) Leaving() bool {
	settings := t.shared.Settings()
	return settings != nil && settings.Draining
}

// Idle returns for how long there has been no request with a good token, since clients are to
// leave; 0 while one is under way.
func (t *Tenant) Idle(now time.Time) time.Duration {
	if t.underWay.Load() > 0 {
		return 0
	}
	return max(0, now.Sub(time.Unix(0, t.lastEnd.Load()))) // In this order: a request may end in between.
}

// Outlast calls ended, which must not block, once nothing is done any more that a request has
// begun before the call. It takes limit.Limits.Deadline at the most.
func (t *Tenant) Outlast(ended func()) { t.shared.Keyring.Outlast(ended) }

// Policy returns the tenant's rules for users and groups at the moment; the zero
// Policy before there are any.
func (t *Tenant) Policy() store.Policy {
	if settings := t.shared.Settings(); settings != nil {
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

// MostlyFailing reports whether most of the last requests with a good token were refused or failed;
// known is false while there were too few.
func (t *Tenant) MostlyFailing() (failing, known bool) { return t.shared.Log.MostlyFailing() }

// LastUses returns when requests with each key last came, for those keys of which one came
// latest, and at most so many.
func (t *Tenant) LastUses(most int) map[string]time.Time { return t.uses.Last(most) }

// Accept makes requests from now on be authenticated with the keys. It calls retired, which
// must not block, once nothing is done any more that they do not permit, which takes
// limit.Limits.Deadline at the most; or never, if Accept is called again before.
func (t *Tenant) Accept(keys auth.Keys, retired func()) {
	t.uses.Keep(keys)
	t.shared.Rates.Keep(keys.Rates(), time.Now())
	t.shared.Keyring.Accept(keys, retired)
}

// AuditTo makes changes of users and groups that are asked for have a line each in the audit log. Without,
// none has. It must be called before there are requests.
func (t *Tenant) AuditTo(audit *auditlog.Log) { t.shared.Log.AuditTo(audit) }

// AskIssuers makes assertions be checked with the keys that issuers has. Without, none are
// good. It must be called before there are keys or requests.
func (t *Tenant) AskIssuers(issuers *federation.Issuers) { t.shared.Keyring.Issuers = issuers }

// KeepRequests has what may be kept of each request kept in a log. It must be called before there are
// requests.
func (t *Tenant) KeepRequests(log *requestlog.Log) { t.shared.Log.KeepIn(log) }

// Explain makes those tokens known that are accepted no more, by key id, so that the log can
// say of requests with them why they are refused.
func (t *Tenant) Explain(ended map[string]apikey.Ended) { t.shared.Keyring.Explain(ended) }

// SignWith makes the keys those that access tokens are signed with, and checked with, from
// now on. Without any, none are issued and none are good.
func (t *Tenant) SignWith(keys signingkey.Set) { t.shared.SignWith(keys) }

// VerifyWith makes access tokens be checked with these keys of other servers, too, from now on.
func (t *Tenant) VerifyWith(others signingkey.VerifyingSet) { t.shared.VerifyWith(others) }

// Signer returns the key that signs access tokens and events at a time, and the base URL as which it does;
// false while nothing can be signed.
func (t *Tenant) Signer(now time.Time) (key signingkey.Key, issuer string, signs bool) {
	return t.shared.Signer(now)
}

// SendEvents has clients see that there are receivers of events with these URIs; none when there are no
// URIs.
func (t *Tenant) SendEvents(uris []string) { t.shared.Events.Store(&uris) }

// Serves reports whether requests are let in: there are settings and keys.
func (t *Tenant) Serves() bool {
	return t.shared.Settings() != nil && t.shared.Keyring.Accepted() != nil
}

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
	return t.Serves() && !t.draining.Load()
}

// Drain makes Ready false and every answer ask the client to close its
// connection, while requests are served as before.
func (t *Tenant) Drain() { t.draining.Store(true) }

// Wrote takes note that so many bytes of an object were written for the tenant.
func (t *Tenant) Wrote(bytes int64) { t.shared.Writes.Charge(bytes+store.ObjectOverhead/2, time.Now()) }

// ServeHTTP implements http.Handler: it answers a request that can be for no other tenant.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.serveAt("", w, r) }

// serveAt answers a request in whose URL the mount stands before the tenant's own path.
func (t *Tenant) serveAt(mount string, w http.ResponseWriter, r *http.Request) {
	x := exchange.New(t.shared, w, r)
	x.Mount = mount
	if t.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	defer x.Finish()
	defer x.Recover()
	t.serve(x)
}

// sendAway answers a request that came for another tenant by way of that one's port, and that is not
// served here any more: its next connection leads to whoever serves it.
func (t *Tenant) sendAway(w http.ResponseWriter, r *http.Request) {
	x := exchange.New(t.shared, w, r)
	defer x.Finish()
	w.Header().Set("Connection", "close")
	x.Fail(scim.Errorf(http.StatusServiceUnavailable, "", "the tenant is served elsewhere; try again over a new connection"))
}

// noteUse takes note that the request was sent with a good token or secret, if it was. end is to be
// called when it has been answered.
func (t *Tenant) noteUse(x *exchange.Exchange) {
	if x.Verifier.KeyID == "" {
		return
	}
	listen.Trust(x.R.Context(), t.shared.Name)
	t.underWay.Add(1)
	t.lastRequest.Store(x.Entry.Began.Unix())
	t.uses.Note(x.Verifier.KeyID, x.Entry.Began)
}

// end takes note that a request has been answered.
func (t *Tenant) end(x *exchange.Exchange) {
	if x.Verifier.KeyID == "" {
		return
	}
	t.lastEnd.Store(time.Now().UnixNano())
	t.underWay.Add(-1)
}

// serve authenticates, looks whether the request comes too soon after others, and then
// routes: without a good token there is no telling which URLs and ids exist.
func (t *Tenant) serve(x *exchange.Exchange) {
	if !t.Serves() {
		x.Fail(scim.Errorf(http.StatusServiceUnavailable, "", "the server is starting; try again"))
		return
	}
	x.Settings = t.shared.Settings()
	if x.Settings.Draining {
		x.W.Header().Set("Connection", "close")
	}
	x.Locate()
	if tokenendpoint.Serve(x) {
		t.noteUse(x)
		t.end(x)
		return
	}
	if found := x.Authenticate(); found.Reason != "" {
		x.Refuse(found)
		return
	}
	t.noteUse(x)
	defer t.end(x)
	if err := x.Admit(handler.Writes(x.R)); err != nil {
		x.Fail(err)
		return
	}
	if err := x.NotPaused(); err != nil {
		x.Fail(err)
		return
	}
	if !t.shared.Slots.TryAcquire() {
		x.Fail(scim.Errorf(http.StatusTooManyRequests, "", "as many requests are under way as may be; send fewer at a time"))
		return
	}
	defer t.shared.Slots.Release()
	ctx, cancel := context.WithDeadline(x.R.Context(), x.Entry.Began.Add(t.shared.Limits.Deadline))
	defer cancel()
	x.Ctx = store.WithActor(ctx, x.Actor())
	defer x.Release()
	if err := handler.Route(x); err != nil {
		x.Fail(err)
	}
}
