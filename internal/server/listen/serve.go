// Package listen serves a tenant over the network: it has the HTTP servers of the SCIM API
// and of health and metrics, bounds connections, headers and times, and drains at the end.
// What a request says, and who sends it, is for the tenant.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Tenant answers the requests.
type Tenant interface {
	http.Handler
	// Ready reports whether the tenant can answer requests.
	Ready() bool
	// Drain makes Ready false and every answer ask the client to close its connection.
	Drain()
}

// Options say where a tenant is served and how it ends.
type Options struct {
	// Tenant is its name, a label of metrics; empty for many.
	Tenant string
	// Address is that of the SCIM API.
	Address string
	// Secure, if set, is the SCIM API over TLS, beside Address.
	Secure *Secure
	// HealthAddress is that of /livez, /readyz, /metrics, /usage and /requests, for the cluster.
	HealthAddress string
	// Gatherer, if set, has what /metrics answers; without it, that is what is registered.
	Gatherer prometheus.Gatherer
	// Usage returns the answer of /usage, which is JSON.
	Usage func() []byte
	// Requests answers /requests. It sees for itself who may ask.
	Requests http.HandlerFunc
	// Ports, if set, are ports of the SCIM API beside Address, for one tenant each.
	Ports *Ports
	// Leaving, if set, reports whether clients of a tenant, by what Trust has said or the port, are to
	// leave while the others stay.
	Leaving func(tenant string) bool
	// Linger is how long, after the end is asked for, connections that are open or new
	// may still send requests.
	Linger time.Duration
}

const (
	// shutdown bounds the wait for requests that are under way at the end.
	shutdown = 15 * time.Second
	// quiet is how long nobody must have opened a connection before the server ends: a
	// node of the cluster that still sends some has not heard that the pod is leaving.
	quiet = time.Second
	// looks is how often it is looked for connections whose clients are to leave, and for ports
	// that could not be opened.
	looks = time.Second
	// leaveAfter is how long a connection whose client is to leave must have waited to be closed.
	leaveAfter = 5 * time.Second
	// headerBytes is how much the line and the headers of a request may take; more is
	// answered 431.
	headerBytes = 16 << 10
	// headerSlop is what net/http allows for above http.Server.MaxHeaderBytes.
	headerSlop = 4 << 10
)

// Serve serves the tenant until the context is done, and then drains: it stops
// being ready, goes on answering while clients have connections open or open new ones,
// for Linger at the most, asking them to close, and ends when the last answer is out.
func Serve(ctx context.Context, o Options, tenant Tenant, metrics *prometheus.Registry) error {
	if o.Gatherer == nil {
		o.Gatherer = metrics
	}
	api, health := NewHTTPServer(tenant), NewHTTPServer(healthHandler(o, tenant))
	api.ErrorLog = o.Secure.errorLog()
	shed := prometheus.NewCounter(prometheus.CounterOpts{
		Name:        "kubescim_connections_shed_total",
		Help:        "Connections that were closed because there were too many: those without a good token first.",
		ConstLabels: prometheus.Labels{"tenant": o.Tenant},
	})
	metrics.MustRegister(shed)
	clients := newConnections(mostConnections, shed)
	clients.guard(api)
	probes := newConnections(mostHealthConnections, shed)
	probes.guard(health)
	failed := make(chan error, 3)
	var listen net.ListenConfig
	for _, one := range []struct {
		server  *http.Server
		address string
		bound   *connections
		secure  *Secure
	}{
		{api, o.Address, clients, nil},
		{api, o.Secure.address(), clients, o.Secure},
		{health, o.HealthAddress, probes, nil},
	} {
		if one.address == "" {
			continue
		}
		listener, err := listen.Listen(ctx, "tcp", one.address)
		if err != nil {
			return fmt.Errorf("listening on %s: %w", one.address, err)
		}
		listener = one.secure.wrap(listener)
		go func() { failed <- one.server.Serve(one.bound.listen(listener, "")) }()
	}
	if o.Ports != nil {
		o.Ports.serve(api, clients)
	}
	if err := untilDone(ctx, failed, func(now time.Time) { o.look(clients, now) }); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	tenant.Drain()
	waitUntil(o.Linger, func() bool {
		open, opened := clients.count()
		return open == 0 && time.Since(opened) > quiet
	})
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := errors.Join(api.Shutdown(bounded), health.Shutdown(bounded)); err != nil {
		return fmt.Errorf("waiting for the last requests: %w", err)
	}
	return nil
}

// untilDone looks after what changes, until the context is done or something has failed.
func untilDone(ctx context.Context, failed <-chan error, look func(now time.Time)) error {
	ticker := time.NewTicker(looks)
	defer ticker.Stop()
	for {
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			look(now)
		}
	}
}

// look closes connections whose clients are to leave, and opens ports that could not be opened before.
func (o *Options) look(clients *connections, now time.Time) {
	if o.Leaving != nil {
		clients.closeIdle(now.Add(-leaveAfter), o.Leaving)
	}
	if o.Ports != nil {
		o.Ports.retry()
	}
}

// NewHTTPServer returns a server whose every wait is bounded.
func NewHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    headerBytes - headerSlop,
		// OPTIONS * needs a token as everything else does.
		DisableGeneralOptionsHandler: true,
	}
}

// healthHandler answers the cluster's probes: /livez while the process works,
// /readyz while the tenant can answer requests. Neither asks the API server:
// while that is away, requests get a SCIM error that says so.
func healthHandler(o Options, tenant Tenant) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !tenant.Ready() {
			http.Error(w, "the ScimTenant or its keys have not been read yet, or the server is draining", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	mux.HandleFunc("GET /usage", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(o.Usage()) // An error here means that who has asked is gone.
	})
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, r *http.Request) { o.Requests(w, r) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{}))
	return mux
}

// waitUntil waits until the condition holds, for the limit at the most.
func waitUntil(limit time.Duration, holds func() bool) {
	deadline := time.Now().Add(limit)
	for !holds() && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
}
