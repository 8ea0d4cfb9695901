package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/eventsink/sender"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/hosting"
	"github.com/kubescim/kubescim/internal/program"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
	"github.com/kubescim/kubescim/internal/tracing"
)

// callTimeout bounds one call to the API server for a request, so that there is
// time left to try again or to tell the client.
const callTimeout = 5 * time.Second

// pod is what one pod of the server is made of.
type pod struct {
	options options
	log     *slog.Logger
	metrics *prometheus.Registry

	// process has the tenants, which answer the requests, out of streams.
	process *hosting.Process
	streams *cache.Streams
	// secure is the SCIM API over TLS; nil without.
	secure *listen.Secure
	// ports are those of single tenants of a server of many.
	ports *listen.Ports
	// members are the server's replicas, this one among them.
	members *driver.Replica
	// follower tells process what the ScimTenants and the keys are.
	follower *replica.Replica
	// sinks tells process where events are sent to, which senders do.
	sinks   *replica.EventSinks
	senders sender.Options
	// signingKeys tells process what access tokens are signed with, and verifyingKeys what those of
	// other servers are.
	signingKeys   *replica.KeyFile[signingkey.Key]
	verifyingKeys *replica.KeyFile[signingkey.VerifyingKey]

	stopRecording func()
	tracer        trace.Tracer // nil unless requests are traced
	stopTracing   func()
}

// assemble puts a pod together. Nothing of it runs yet, but the recording of events.
func assemble(ctx context.Context, o options, log *slog.Logger) (*pod, error) {
	p := &pod{options: o, log: log, metrics: newMetrics(), ports: listen.NewPorts(o.address, log)}
	if o.certificate != "" {
		var err error
		if p.secure, err = listen.NewSecure(o.secureAddress, o.certificate, o.tenant, p.metrics); err != nil {
			return nil, err
		}
	}
	if err := p.startTracing(ctx); err != nil {
		return nil, err
	}
	guarded, live, watching, err := p.newClients()
	if err != nil {
		return nil, err
	}
	marks, rates := readindex.NewMarks(), ratelimit.New()
	p.streams = p.newStreams(watching, marks)
	p.streams.Measure(p.metrics, o.tenant)
	p.members, err = driver.New(driver.Options{
		Client: live, Pod: o.pod, Tenant: o.tenant, Server: o.server, Listen: o.peerAddress,
		Log: p.streams, Marks: marks, Logger: log, Metrics: p.metrics, Rates: rates,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing to join the other replicas: %w", err)
	}
	fetch, err := newKeyFetcher(o)
	if err != nil {
		return nil, err
	}
	recorder, stopRecording, err := newRecorder(ctx)
	if err != nil {
		return nil, err
	}
	p.stopRecording = stopRecording
	p.process, err = hosting.New(hosting.Options{
		Only: o.tenant, Namespace: o.pod.Namespace, Pod: o.pod.Name, Client: guarded, Streams: p.streams, Members: p.tracedMembers(),
		Ports: p.ports, Rates: rates, Issuers: federation.NewIssuers(fetch, log, federation.NewMetrics(p.metrics, o.tenant)),
		Recorder: recorder, AbsenceAge: o.absence, Metrics: p.metrics, Log: log,
	})
	if err != nil {
		return nil, err
	}
	p.follower = &replica.Replica{
		Client: live, Tenants: p.process, Namespace: o.pod.Namespace, Name: o.tenant,
		Server: o.server, Members: p.members, Log: log,
	}
	p.sinks = &replica.EventSinks{
		Client: live, Namespace: o.pod.Namespace, Tenant: o.tenant, Era: p.members.Era, Accept: p.process.SendTo, Log: log,
	}
	p.senders = sender.Options{Client: live, Allows: o.eventSinks.AllowsURL, Networks: o.eventSinks.Networks, Agent: userAgent(), Log: log}
	p.signingKeys = replica.NewSigningKeys(o.signingKeys, p.process.SignWith, log)
	p.verifyingKeys = replica.NewVerifyingKeys(o.signingKeys, p.process.VerifyWith, log)
	return p, nil
}

// newStreams returns the streams of the only tenant, or of all of the namespace.
func (p *pod) newStreams(watching client.WithWatch, marks *readindex.Marks) *cache.Streams {
	namespace := p.options.pod.Namespace
	if p.options.tenant == "" {
		return cache.NewStreams(watching, namespace, marks, p.log)
	}
	return cache.NewStreamsOf(watching, client.ObjectKey{Namespace: namespace, Name: p.options.tenant}, marks, p.log)
}

// newClients returns a client for requests, one for all else, and one that watches.
// Reads and writes for requests are bounded and go through the circuit; watches last,
// and the Lease is written whatever happens to requests.
func (p *pod) newClients() (guarded, live, watching client.WithWatch, err error) {
	circuit := transport.NewCircuit(p.metrics, p.options.tenant, p.log)
	guarded, err = newClient(func(config *rest.Config) {
		config.Timeout = callTimeout
		config.Wrap(circuit.Wrap)
		config.Wrap(transport.Meter)
		config.Wrap(transport.Once)
		if p.tracer != nil {
			config.Wrap(tracing.Calls)
		}
	})
	if err != nil {
		return nil, nil, nil, err
	}
	live, err = newClient(func(*rest.Config) {})
	if err != nil {
		return nil, nil, nil, err
	}
	watching, err = newWatchClient(live)
	return guarded, live, watching, err
}

// serve answers requests until the context is done.
//
// The replica outlives the context: until the last request is answered, keys that are
// revoked must stop working, and the other replicas must know it.
func (p *pod) serve(ctx context.Context) error {
	following, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFollowing()
	var running sync.WaitGroup
	running.Go(func() { p.follower.Run(following) })
	running.Go(func() { p.signingKeys.Run(following) })
	running.Go(func() { p.verifyingKeys.Run(following) })
	running.Go(func() { p.streams.Run(following, p.members) })
	running.Go(func() { p.process.RunUpkeep(following) })
	running.Go(func() { p.sinks.Run(following) })
	running.Go(func() { p.process.RunSinks(following, p.senders) })
	var leaving, certificate error
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	running.Go(func() {
		leaving = p.members.Run(following)
		stopServing() // A replica that the others do not know must not serve.
	})
	running.Go(func() {
		if certificate = p.secure.Run(following); certificate != nil {
			stopServing() // It would not notice when the certificate is replaced.
		}
	})

	o := p.options
	p.log.Info("serving", slog.String("version", program.Version), slog.String("tenant", o.tenant), slog.String("server", o.server),
		slog.String("address", o.address))
	err := listen.Serve(serving, listen.Options{
		Tenant: o.tenant, Address: o.address, Secure: p.secure, HealthAddress: o.healthAddress,
		Gatherer: p.process, Usage: p.process.Usage, Requests: p.process.ServeRequests, Linger: o.linger, Ports: p.ports, Leaving: p.process.Router().Leaving,
	}, p.traced(p.process.Router()), p.metrics)
	stopFollowing()
	running.Wait()
	return errors.Join(err, leaving, certificate)
}

func newMetrics() *prometheus.Registry {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return metrics
}
