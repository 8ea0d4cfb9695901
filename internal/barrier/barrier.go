package barrier

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
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
)

// Pod is the pod that this process runs in. IP is where the other replicas reach
// it.
type Pod struct{ Namespace, Name, UID, IP string }

// Options say what a Barrier works on.
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

// Timing has every duration that the barrier goes by. One that is zero has its
// default.
type Timing struct {
	// Lease is how long the others wait for a replica that is not heard of, in
	// whole seconds: contract.ReplicaLeaseDuration. The Lease is renewed after a
	// third of it, and its holder counts on it for two thirds.
	Lease time.Duration
	// Round bounds one round, and the answer to a leave: 500 ms.
	Round time.Duration
	// Connect bounds the making of a connection, for which the other side may
	// have to read a Lease: 2 s.
	Connect time.Duration
	// Probe is how often a replica that does not answer is tried: every 250 ms.
	Probe time.Duration
	// Look is how often its Lease is looked at meanwhile: every second.
	Look time.Duration
	// Beat is how often the peers are asked while no reader wants it: every 5 s. A
	// connection that is silent for three times as long is closed.
	Beat time.Duration
	// Call bounds one call to the API server: 3 s.
	Call time.Duration
}

func (t Timing) withDefaults() Timing {
	for _, one := range []struct {
		duration *time.Duration
		fallback time.Duration
	}{
		{&t.Lease, contract.ReplicaLeaseDuration},
		{&t.Round, 500 * time.Millisecond},
		{&t.Connect, 2 * time.Second},
		{&t.Probe, 250 * time.Millisecond},
		{&t.Look, time.Second},
		{&t.Beat, 5 * time.Second},
		{&t.Call, 3 * time.Second},
	} {
		if *one.duration == 0 {
			*one.duration = one.fallback
		}
	}
	return t
}

// Barrier is the read barrier of one replica. It is safe for concurrent use.
type Barrier struct {
	client  client.Client
	pod     Pod
	tenant  string
	listen  string
	log     Log
	usage   func() string
	logger  *slog.Logger
	timing  Timing
	metrics *metrics

	protocols   []protocol
	certificate tls.Certificate
	fingerprint fingerprint
	dial        func(ctx context.Context, network, address string) (net.Conn, error)
	listenWith  func(ctx context.Context, network, address string) (net.Listener, error)
	began       time.Time // What memberUntil counts from.

	// memberUntil is when this replica stops being a member unless it renews its
	// Lease, in nanoseconds since began; 0 when it is none.
	memberUntil atomic.Int64
	// view is what rounds go by. It is replaced as a whole, under mu.
	view atomic.Pointer[view]
	// accepted is the version of the verifiers that the Lease is to state, and
	// renew asks for the Lease to be written at once.
	accepted atomic.Pointer[string]
	renew    chan struct{}
	// lookups bounds how often the API server is asked about those who dial.
	lookups flowcontrol.RateLimiter

	mu    sync.Mutex
	peers map[string]*peer // By pod name.
	// epoch counts how often the Lease was begun anew; joined is the epoch in
	// which this replica became a member.
	epoch, joined int64
	leaseUntil    time.Time
	// owed counts the reasons for which Log.Latest has been needed, settled those
	// for which it has been got.
	owed, settled int64
	// handed is what peers that have left said that they had told, as far as the API
	// server has not been asked since whether that can be.
	handed Mark
	// rewritten counts how often history was; restarting is true from then until
	// Log.Latest has been got.
	rewritten  uint64
	restarting bool
	leaving    bool
	changed    chan struct{} // Closed, and replaced, when any of this changes.
	running    sync.WaitGroup

	batches batches
	// wire is held by who uses the links of the peers.
	wire turn
}

// New returns a Barrier that does nothing until it runs.
func New(o Options) (*Barrier, error) {
	if o.Pod.Namespace == "" || o.Pod.Name == "" || o.Pod.UID == "" || net.ParseIP(o.Pod.IP) == nil {
		return nil, errors.New("the pod's namespace, name, uid and IP address must be known")
	}
	certificate, print, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("making the replica's certificate: %w", err)
	}
	b := &Barrier{
		client: o.Client, pod: o.Pod, tenant: o.Tenant, listen: o.Listen, log: o.Log, usage: o.Usage, logger: o.Logger,
		timing:      o.Timing.withDefaults(),
		protocols:   protocols,
		certificate: certificate,
		fingerprint: print,
		dial:        (&net.Dialer{}).DialContext,
		listenWith:  (&net.ListenConfig{}).Listen,
		wire:        make(turn, 1),
		began:       time.Now(),
		renew:       make(chan struct{}, 1),
		lookups:     flowcontrol.NewTokenBucketRateLimiter(lookupsPerSecond, lookupsAtOnce),
		peers:       map[string]*peer{},
		changed:     make(chan struct{}),
	}
	b.view.Store(&view{members: 1})
	if b.metrics, err = newMetrics(o.Metrics, o.Tenant, b); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return b, nil
}

// Run listens for the other replicas, joins them and stays one of them until the
// context is done, which must be after the last answer to a client. Then it leaves.
// An error means that this process must end.
func (b *Barrier) Run(ctx context.Context) error {
	listener, err := b.listenWith(ctx, "tcp", b.listen)
	if err != nil {
		return fmt.Errorf("listening for the other replicas: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("listening for the other replicas: %w", err)
	}
	own := &ownLease{
		client: b.client, pod: b.pod, tenant: b.tenant, duration: b.timing.Lease,
		contact: contact{address: net.JoinHostPort(b.pod.IP, port), fingerprint: b.fingerprint},
		states:  b.states,
	}

	// The others are answered until they have all been told of the end.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	tending, stopTending := context.WithCancel(ctx)
	defer stopTending()
	own.changed = func(ctx context.Context, lease *coordinationv1.Lease) { b.meet(ctx, tending, lease) }
	b.running.Go(func() { b.serve(serving, tending, listener) })
	b.running.Go(func() { b.keepJoined(tending) })
	b.running.Go(func() { b.keepSettled(tending) })
	b.running.Go(func() { b.beat(tending) })

	err = b.keepLease(ctx, own)
	stopTending()
	b.leave(context.WithoutCancel(ctx), own, err == nil)
	stopServing()
	b.running.Wait()
	return err
}

// Accept makes the replica's Lease state, at once, that the replica goes by the
// version of the verifiers Secret: see contract.AnnotationVerifiersVersion.
func (b *Barrier) Accept(version string) {
	b.accepted.Store(&version)
	b.renewSoon()
}

// renewSoon has the Lease written at once, since it is to state something else.
func (b *Barrier) renewSoon() {
	select {
	case b.renew <- struct{}{}:
	default: // The write that is due will state it.
	}
}

// states are the annotations of the Lease, but for the contact.
func (b *Barrier) states() map[string]string {
	annotations := b.peerAnnotations()
	if version := b.accepted.Load(); version != nil && *version != "" {
		annotations[contract.AnnotationVerifiersVersion] = *version
	}
	if b.usage != nil {
		if usage := b.usage(); usage != "" {
			annotations[contract.AnnotationUsage] = usage
		}
	}
	return annotations
}

// Member says whether this replica may answer clients at this moment. It must be
// asked after everything that the answer depends on.
func (b *Barrier) Member() bool {
	return b.memberUntil.Load() > int64(time.Since(b.began))
}

// Lead is true on at most about one member at a time: the one whose pod has the
// smallest name among those it knows. It is there to spread housekeeping; nothing
// that must be correct may depend on it.
func (b *Barrier) Lead() bool {
	return b.Member() && b.view.Load().lead
}

// keepLease renews the Lease until the context is done.
func (b *Barrier) keepLease(ctx context.Context, own *ownLease) error {
	renewal := b.timing.Lease / 3
	for ctx.Err() == nil {
		pause := renewal
		err := b.renewLease(ctx, own)
		if errors.Is(err, errReplaced) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			b.logger.Warn("writing the replica's Lease failed and is tried again", slog.Any("error", err))
			pause = renewal / 5
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-b.renew:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func (b *Barrier) renewLease(ctx context.Context, own *ownLease) error {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Call)
	defer cancel()
	began, known := time.Now(), b.view.Load().rewritten
	fresh, err := own.write(ctx)
	// That the others have told this replica of it meanwhile is no news.
	if own.rewound && known == own.rewritten {
		b.Rewound()
	}
	own.rewound, own.rewritten = false, b.view.Load().rewritten
	if fresh || errors.Is(err, errReplaced) || apierrors.IsUnauthorized(err) {
		b.disowned()
	}
	if err == nil {
		b.held(began, fresh)
	}
	return err
}

// disowned ends the membership of a replica whose Lease is known to be gone, or another
// one's, and of one that the API server no longer knows, whose ScimTenant is deleted, and
// with it the Lease: no newcomer would wait for this replica. A join that is under way
// does not make it a member either, before the Lease is written anew.
func (b *Barrier) disowned() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leaseUntil = time.Time{}
	b.memberUntil.Store(0)
}

// held notes that the Lease was written by a call that began then. Unless it was
// held without a break, the replica must join anew: the others may have given it
// up, and newcomers may not have waited for it.
func (b *Barrier) held(began time.Time, fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if fresh || !time.Now().Before(b.leaseUntil) {
		b.epoch++
		for _, p := range b.peers {
			b.cutLocked(p)
		}
		b.publishLocked()
	}
	b.leaseUntil = began.Add(b.timing.Lease * 2 / 3)
	b.countOnLeaseLocked()
}

// countOnLeaseLocked makes the replica a member for as long as it may count on
// its Lease, if it has joined.
func (b *Barrier) countOnLeaseLocked() {
	if b.joined == b.epoch && !b.leaving {
		b.memberUntil.Store(int64(b.leaseUntil.Sub(b.began)))
	}
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
