package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Listeners say where a tenant is served and how it ends.
type Listeners struct {
	// Address is that of the SCIM API.
	Address string
	// HealthAddress is that of /livez, /readyz and /metrics, for the cluster.
	HealthAddress string
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
)

// Serve serves the tenant until the context is done, and then drains: it stops
// being ready, goes on answering while clients have connections open or open new ones,
// for Linger at the most, asking them to close, and ends when the last answer is out.
func Serve(ctx context.Context, l Listeners, tenant *Tenant, metrics prometheus.Gatherer) error {
	var open, opened atomic.Int64 // How many there are, and when the last was: UnixNano.
	api := newHTTPServer(tenant)
	api.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
			opened.Store(time.Now().UnixNano())
		case http.StateClosed:
			open.Add(-1)
		default:
		}
	}
	health := newHTTPServer(healthHandler(tenant, metrics))
	failed := make(chan error, 2)
	var listen net.ListenConfig
	for _, one := range []struct {
		server  *http.Server
		address string
	}{{api, l.Address}, {health, l.HealthAddress}} {
		listener, err := listen.Listen(ctx, "tcp", one.address)
		if err != nil {
			return fmt.Errorf("listening on %s: %w", one.address, err)
		}
		go func() { failed <- one.server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	tenant.Drain()
	waitUntil(l.Linger, func() bool { return open.Load() == 0 && time.Since(time.Unix(0, opened.Load())) > quiet })
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := errors.Join(api.Shutdown(bounded), health.Shutdown(bounded)); err != nil {
		return fmt.Errorf("waiting for the last requests: %w", err)
	}
	return nil
}

// newHTTPServer returns a server whose every wait is bounded.
func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       90 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}

// healthHandler answers the cluster's probes: /livez while the process works,
// /readyz while the tenant can answer requests. Neither asks the API server:
// while that is away, requests get a SCIM error that says so.
func healthHandler(tenant *Tenant, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !tenant.Ready() {
			http.Error(w, "the ScimTenant or its keys have not been read yet, or the server is draining", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

// waitUntil waits until the condition holds, for the limit at the most.
func waitUntil(limit time.Duration, holds func() bool) {
	deadline := time.Now().Add(limit)
	for !holds() && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
}
