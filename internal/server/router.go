package server

import (
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/server/request"
)

// Router is the http.Handler of a process: it finds out which of its tenants a request is for,
// by the port that it came in by if that is a tenant's own, or else by the host that it is sent to if
// that is, and else by the first segment of its path. A request for a tenant that there is not is
// answered by one for whom no token is good, so that it cannot be told from one for a tenant that
// there is. Make it with NewRouter or RouterTo.
type Router struct {
	otherwise *Tenant
	ready     func() bool
	draining  atomic.Bool

	mu    sync.RWMutex
	names map[string]named // nil when all requests are for one tenant
	hosts map[string]*Tenant
}

// named is a tenant, and the host that it is to have; none when empty.
type named struct {
	*Tenant
	host string
}

// NewRouter returns a router of many tenants that has none yet. Requests for others are answered
// by nobody, who says that the server is starting, until Begin. It is Ready while ready says so,
// until it is to drain.
func NewRouter(nobody *Tenant, ready func() bool) *Router {
	return &Router{otherwise: nobody, ready: ready, names: map[string]named{}, hosts: map[string]*Tenant{}}
}

// RouterTo returns the router of a process that has one tenant, whom all requests are for.
func RouterTo(tenant *Tenant) *Router { return &Router{otherwise: tenant, ready: tenant.Ready} }

// NewNobody returns the runtime that stands for all tenants that a process has not, with the
// path of those that name none. No token is good for it. log has its requests, and so do metrics.
func NewNobody(process *exchange.Process, path string, registry *schema.Registry, log *slog.Logger, metrics *accesslog.Metrics) *Tenant {
	nobody := NewTenantIn(process, "", nil, limit.Defaults(), ratelimit.New(), log, metrics)
	nobody.Configure(exchange.Settings{Path: path, Registry: registry, Issuer: "https://nobody.invalid"})
	return nobody
}

// Begin is called once the router has all tenants that there are at first: what is sent to others is
// answered as if their tokens were wrong, which clients of a tenant that is not known yet must not hear.
func (r *Router) Begin() { r.otherwise.Accept(auth.Keys{}, func() {}) }

// Put adds a tenant by its name, or takes it in place of the former one. Host is its own, or
// empty. A host that another tenant has stays with that one until it is given up.
func (r *Router) Put(name, host string, tenant *Tenant) {
	host = strings.ToLower(host)
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := (named{Tenant: tenant, host: host}); r.names[name] != now {
		r.remove(name)
		r.names[name] = now
		if host != "" && r.hosts[host] == nil {
			r.hosts[host] = tenant
		}
	}
}

// Remove makes requests for a tenant be ones for a tenant that there is not.
func (r *Router) Remove(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(name)
}

// remove removes a tenant, and gives its host to whoever else is to have it. The mutex is held.
func (r *Router) remove(name string) {
	former := r.names[name]
	delete(r.names, name)
	if former.host == "" || r.hosts[former.host] != former.Tenant {
		return
	}
	delete(r.hosts, former.host)
	for _, other := range slices.Sorted(maps.Keys(r.names)) {
		if r.names[other].host == former.host {
			r.hosts[former.host] = r.names[other].Tenant
			return
		}
	}
}

// Ready reports whether requests can be answered.
func (r *Router) Ready() bool { return !r.draining.Load() && r.ready() }

// Drain makes Ready false and every answer ask the client to close its connection, while
// requests are served as before.
func (r *Router) Drain() { r.draining.Store(true) }

// ServeHTTP implements http.Handler.
func (r *Router) ServeHTTP(w http.ResponseWriter, asked *http.Request) {
	if r.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	if port := listen.PortOf(asked.Context()); port != "" {
		r.serveAtPort(port, w, asked)
		return
	}
	tenant, mount := r.find(asked)
	tenant.serveAt(mount, w, asked)
}

// serveAtPort answers a request that came in by the port of a tenant, for whom it is whatever it names.
func (r *Router) serveAtPort(name string, w http.ResponseWriter, asked *http.Request) {
	r.mu.RLock()
	found, known := r.names[name]
	r.mu.RUnlock()
	if !known { // The client has kept its connection for longer than the tenant was here.
		r.otherwise.sendAway(w, asked)
		return
	}
	found.ServeHTTP(w, asked)
}

// find returns the tenant that a request is for, and what stands before the tenant's own path in
// its URL.
func (r *Router) find(asked *http.Request) (tenant *Tenant, mount string) {
	if r.names == nil {
		return r.otherwise, ""
	}
	name, host := segmentOf(asked.URL.Path), hostOf(asked.Host)
	r.mu.RLock()
	defer r.mu.RUnlock()
	if found, known := r.hosts[host]; known {
		return found, ""
	}
	if found, known := r.names[name]; known {
		return found.Tenant, found.shared.Mount
	}
	if name == "" {
		return r.otherwise, ""
	}
	return r.otherwise, "/" + name
}

// Leaving reports whether clients of a tenant, by its name, are to leave. It is for listen.Options.
func (r *Router) Leaving(tenant string) bool {
	if r.names == nil {
		return r.otherwise.Leaving()
	}
	if tenant == "" {
		return false // It is not known whose client that is.
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	found, known := r.names[tenant]
	return !known || found.Leaving()
}

// hostOf returns a host as it stands in Router.hosts, without the port.
func hostOf(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// segmentOf returns the segment of a path that names a tenant. In the paths of documents about
// one it is behind what such paths begin with (RFC 8414 section 3, RFC 9728 section 3).
func segmentOf(path string) string {
	path = request.Collapse(path)
	for _, document := range [...]string{oauth.ServerMetadataPath, oauth.ResourceMetadataPath} {
		if rest, is := strings.CutPrefix(path, document); is && strings.HasPrefix(rest, "/") {
			path = rest
			break
		}
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return name
}
