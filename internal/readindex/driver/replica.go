// Package driver runs a readindex.Core: it has the clock, the goroutines, the connections
// to the other replicas and the calls to the API server. It decides nothing but how to do
// what the Core wants: package readindex has the argument.
package driver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
)

// Pod is the pod that this process runs in. IP is where the other replicas reach
// it.
type Pod struct{ Namespace, Name, UID, IP string }

// Log is the store of this replica as ReadIndex sees it. It is used from several
// goroutines.
type Log interface {
	// Revisions cover every answer that has been given to a client, and every Raise.
	Revisions() readindex.Revisions
	// Raise makes all later Revisions at least these, which Latest returned: it was called
	// after the last Restart.
	Raise(latest readindex.Revisions)
	// Latest returns the resourceVersions as of now, by a consistent read at the
	// API server.
	Latest(ctx context.Context) (readindex.Revisions, error)
	// Restart is called when history was rewritten, so that no resourceVersion of before
	// says anything: etcd was restored to an older state. The store is to read everything
	// anew. Until the next Raise, Revisions cover what was acknowledged before, too; then
	// they cover no more than that Raise and what was acknowledged after Restart.
	Restart()
}

// Options say what a Replica works on.
type Options struct {
	// Client reads from the API server, and not from a cache.
	Client client.Client
	Pod    Pod
	// Tenant is the name of the ScimTenant, in the pod's namespace.
	Tenant string
	// Listen is the address to listen at for the other replicas. Those are told
	// the pod's IP and the port that this one has.
	Listen  string
	Log     Log
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	// Usage, if set, returns what the Lease is to state as contract.AnnotationUsage;
	// nothing while it is empty. It is asked at each renewal.
	Usage func() string
	// Timing may be left out.
	Timing Timing
}

// Replica is one replica of a tenant's server, as the others know it. It is safe for
// concurrent use.
type Replica struct {
	client  client.Client
	pod     Pod
	tenant  string
	address string // to listen at
	log     Log
	usage   func() string
	logger  *slog.Logger
	timing  Timing
	metrics *metrics

	protocols   []protocol
	certificate tls.Certificate
	fingerprint readindex.Fingerprint
	listen      func(ctx context.Context, network, address string) (net.Listener, error)
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	began       time.Time // What the Core's times count from.

	// view is the Core's, published. It is replaced as a whole, under mu.
	view atomic.Pointer[view]
	// accepted is the version of the verifiers that the Lease is to state, and
	// renew asks for the Lease to be written at once.
	accepted atomic.Pointer[string]
	renew    chan struct{}
	// lookups bounds how often the API server is asked about those who dial.
	lookups flowcontrol.RateLimiter
	running sync.WaitGroup

	mu         sync.Mutex
	core       *readindex.Core
	timer      *time.Timer // for the Core's Tick
	peers      map[readindex.PeerID]*peer
	links      map[readindex.LinkID]*link
	handshakes map[readindex.ConnID]chan<- verdict
	// lastLink and lastConn are the numbers that were given last.
	lastLink readindex.LinkID
	lastConn readindex.ConnID
	// spawn runs a goroutine until Run ends, or what it returns is called.
	spawn func(work func(context.Context)) (stop func())

	batches batches
	// asking is held by who uses the links: one round at a time.
	asking  turn
	answers []readindex.Answer // of that round
}

// view is a readindex.View with the links themselves.
type view struct {
	*readindex.View
	links []*link
}

// New returns a Replica that does nothing until it runs.
func New(o Options) (*Replica, error) {
	if o.Pod.Namespace == "" || o.Pod.Name == "" || o.Pod.UID == "" || net.ParseIP(o.Pod.IP) == nil {
		return nil, errors.New("the pod's namespace, name, uid and IP address must be known")
	}
	certificate, print, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("making the replica's certificate: %w", err)
	}
	r := &Replica{
		client: o.Client, pod: o.Pod, tenant: o.Tenant, address: o.Listen, log: o.Log, usage: o.Usage, logger: o.Logger,
		timing:      o.Timing.withDefaults(),
		protocols:   protocols,
		certificate: certificate,
		fingerprint: print,
		listen:      (&net.ListenConfig{}).Listen,
		dial:        (&net.Dialer{}).DialContext,
		began:       time.Now(),
		renew:       make(chan struct{}, 1),
		asking:      make(turn, 1),
		lookups:     flowcontrol.NewTokenBucketRateLimiter(lookupsPerSecond, lookupsAtOnce),
		peers:       map[readindex.PeerID]*peer{},
		links:       map[readindex.LinkID]*link{},
		handshakes:  map[readindex.ConnID]chan<- verdict{},
	}
	r.core = readindex.New(readindex.Config{
		Name: r.pod.Name, Fingerprint: print,
		Lease: r.timing.Lease, Round: r.timing.Round, Probe: r.timing.Probe, Look: r.timing.Look,
	})
	r.view.Store(&view{View: r.core.View()})
	r.timer = time.AfterFunc(time.Hour, func() { r.step(readindex.Tick{}) })
	r.timer.Stop()
	if r.metrics, err = newMetrics(o.Metrics, o.Tenant, r); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return r, nil
}

// Run listens for the other replicas, joins them and stays one of them until the
// context is done, which must be after the last answer to a client. Then it leaves.
// An error means that this process must end.
func (r *Replica) Run(ctx context.Context) error {
	listener, err := r.listen(ctx, "tcp", r.address)
	if err != nil {
		return fmt.Errorf("listening for the other replicas: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("listening for the other replicas: %w", err)
	}
	own := &ownLease{
		client: r.client, pod: r.pod, tenant: r.tenant, duration: r.timing.Lease,
		contact: readindex.Contact{Address: net.JoinHostPort(r.pod.IP, port), Fingerprint: r.fingerprint},
		states:  r.states, changed: r.readIntroductions, now: r.now,
	}

	// The others are answered until they have all been told of the end.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	tending, stopTending := context.WithCancel(ctx)
	defer stopTending()
	r.mu.Lock()
	r.spawn = func(work func(context.Context)) func() {
		ctx, stop := context.WithCancel(tending)
		r.running.Go(func() {
			defer stop()
			work(ctx)
		})
		return stop
	}
	r.stepLocked(readindex.Started{})
	r.mu.Unlock()
	r.running.Go(func() { r.serve(serving, listener) })
	r.running.Go(func() { r.beat(tending) })

	err = r.keepLease(ctx, own)
	stopTending()
	r.leave(context.WithoutCancel(ctx), own, err == nil)
	stopServing()
	r.running.Wait()
	r.timer.Stop()
	return err
}

// Accept makes the replica's Lease state, at once, that the replica goes by the
// version of the verifiers Secret: see contract.AnnotationVerifiersVersion.
func (r *Replica) Accept(version string) {
	r.accepted.Store(&version)
	r.renewSoon()
}

// Member reports whether this replica may answer clients at this moment. It must be
// asked after everything that the answer depends on.
func (r *Replica) Member() bool { return r.view.Load().Member(r.now()) }

// Lead is true on at most about one member at a time: the one whose pod has the
// smallest name among those it knows. It is there to spread housekeeping; nothing
// that must be correct may depend on it.
func (r *Replica) Lead() bool {
	v := r.view.Load()
	return v.Lead && v.Member(r.now())
}

// Rewound is to be called when the API server has shown a resourceVersion that is lower
// than one that it has shown before, where it cannot be.
func (r *Replica) Rewound() { r.step(readindex.Rewound{}) }

// now is the time for the Core.
func (r *Replica) now() time.Duration { return time.Since(r.began) }

// revisions are the own ones, with what peers have handed over that nobody has seen yet.
func (r *Replica) revisions() readindex.Revisions {
	// What is taken out of the view has been raised in the log before.
	handedOver := r.view.Load().HandedOver
	return r.log.Revisions().Max(handedOver)
}

// sleep waits, or returns when the context is done.
func sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
