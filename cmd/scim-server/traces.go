package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/program"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
	"github.com/kubescim/kubescim/internal/tracing"
)

// lastTraces bounds how long the end of a pod waits for a collector.
const lastTraces = 3 * time.Second

// startTracing has requests traced from now on, if the environment says where traces go.
func (p *pod) startTracing(ctx context.Context) error {
	if os.Getenv(contract.EnvOTLPEndpoint) == "" && os.Getenv(contract.EnvOTLPTracesEndpoint) == "" {
		p.stopTracing = func() {}
		return nil
	}
	tracer, stop, err := tracing.Start(ctx, tracing.Origin{
		Service: "kubescim-server", Version: program.Version, Namespace: p.options.pod.Namespace, Pod: p.options.pod.Name,
	})
	if err != nil {
		return err
	}
	p.tracer = tracer
	p.stopTracing = func() {
		bounded, cancel := context.WithTimeout(context.Background(), lastTraces)
		defer cancel()
		_ = stop(bounded) // What is lost was of use to nobody but those who look at traces.
	}
	return nil
}

// traced is what answers requests, with a span for each if they are traced.
func (p *pod) traced(tenant listen.Tenant) listen.Tenant {
	if p.tracer == nil {
		return tenant
	}
	return tracedTenant{Tenant: tenant, handler: tracing.Handler(p.tracer, p.options.tenant, tenant)}
}

type tracedTenant struct {
	listen.Tenant
	handler http.Handler
}

// ServeHTTP implements http.Handler.
func (t tracedTenant) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.handler.ServeHTTP(w, r) }

// tracedMembers are the replicas for what answers requests.
func (p *pod) tracedMembers() kubernetes.Members {
	if p.tracer == nil {
		return p.members
	}
	return tracedMembers{p.members}
}

// tracedMembers are the replicas, with a span for each wait of a traced request for them.
type tracedMembers struct{ kubernetes.Members }

// ReadIndex implements kubernetes.Members.
func (m tracedMembers) ReadIndex(ctx context.Context, tenant readindex.Tenant) (readindex.Revisions, error) {
	ctx, end := tracing.Step(ctx, "read index")
	revisions, err := m.Members.ReadIndex(ctx, tenant)
	end(err)
	return revisions, err
}

// Disclose implements kubernetes.Members.
func (m tracedMembers) Disclose(ctx context.Context, tenant readindex.Tenant) error {
	ctx, end := tracing.Step(ctx, "disclose")
	err := m.Members.Disclose(ctx, tenant)
	end(err)
	return err
}
