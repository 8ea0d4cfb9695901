// Package driver runs a readindex.Core: it has the clock, the goroutines, the connections
// to the other replicas and the calls to the API server. It decides nothing but how to do
// what the Core wants: package readindex has the argument. By the same connections, replicas
// tell each other what they have let through (package ratelimit), of which the Core knows
// nothing.
package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
)

// Pod is the pod that this process runs in. IP is where the other replicas reach
// it.
type Pod struct{ Namespace, Name, UID, IP string }

// Log is the store of this replica as ReadIndex sees it. It is used from several
// goroutines.
type Log interface {
	// Latest returns the resourceVersions as of now, those of all tenants, by a consistent
	// read at the API server.
	Latest(ctx context.Context) (readindex.Revisions, error)
	// Restart is called when history was rewritten, so that no resourceVersion of before
	// says anything: etcd was restored to an older state. The store is to read everything
	// anew. When Restart has returned, no watch that began before raises the Marks any more.
	Restart()
}

// marks are readindex.Marks as the driver uses them.
type marks interface {
	Of(tenant readindex.Tenant) readindex.Revisions
	Max() readindex.Revisions
	Floor() readindex.Revisions
	RaiseAll(latest readindex.Revisions)
	Forget()
}

// Options say what a Replica works on.
type Options struct {
	// Client reads from the API server, and not from a cache.
	Client client.Client
	Pod    Pod
	// Tenant is the name of the only ScimTenant, in the pod's namespace, and Server that of
	// what describes a server of many. One of them is empty.
	Tenant, Server string
	// Listen is the address to listen at for the other replicas. Those are told
	// the pod's IP and the port that this one has.
	Listen string
	Log    Log
	// Marks cover, for each tenant, every answer that has been given to a client.
	Marks   *readindex.Marks
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	// Rates, if set, are charged what peers let through, and these are told what is let
	// through here.
	Rates *ratelimit.Buckets
	// Timing may be left out.
	Timing Timing
}

// labels are on the Leases of the replicas.
func (o Options) labels() client.MatchingLabels {
	if o.Server != "" {
		return client.MatchingLabels{scimv1alpha1.LabelServer: o.Server, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}
	}
	return client.MatchingLabels{scimv1alpha1.LabelTenant: o.Tenant, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}
}

// Replica is one replica of a tenant's server, as the others know it. It is safe for
// concurrent use.
type Replica struct {
	options Options
	own     *identity
	node    *node
	rounds  *rounds
	listen  func(ctx context.Context, network, address string) (net.Listener, error)
	// accepted is what the Lease is to state of the ScimCredentials, and tenants of the
	// ScimTenants.
	accepted, tenants atomic.Pointer[accepted]
	// followed is the epoch in which both were last known.
	followed atomic.Int64
}

// accepted is a revision of some objects, and the era in which it was read: it says nothing
// once there is another one.
type accepted struct {
	revision string
	era      readindex.Era
}

// New returns a Replica that does nothing until it runs.
func New(o Options) (*Replica, error) {
	if o.Pod.Namespace == "" || o.Pod.Name == "" || o.Pod.UID == "" || net.ParseIP(o.Pod.IP) == nil {
		return nil, errors.New("the pod's namespace, name, uid and IP address must be known")
	}
	certificate, fingerprint, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("making the replica's certificate: %w", err)
	}
	timing := o.Timing.withDefaults()
	own := &identity{name: o.Pod.Name, certificate: certificate, fingerprint: fingerprint, protocols: protocols}
	n := newNode(o, timing,
		&dialler{own: own, timeout: timing.Connect, dial: (&net.Dialer{}).DialContext},
		&leases{
			client: o.Client, pod: o.Pod, labels: o.labels(), call: timing.Call,
			lookups: flowcontrol.NewTokenBucketRateLimiter(lookupsPerSecond, lookupsAtOnce),
		})
	metrics, err := newMetrics(o.Metrics, o.Tenant, n)
	if err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return &Replica{
		options: o, own: own, node: n, listen: (&net.ListenConfig{}).Listen,
		rounds: &rounds{node: n, metrics: metrics, asking: make(turn, 1)},
	}, nil
}

// Run listens for the other replicas, joins them and stays one of them until the
// context is done, which must be after the last answer to a client. Then it leaves.
// An error means that this process must end.
func (r *Replica) Run(ctx context.Context) error {
	listener, err := r.listen(ctx, "tcp", r.options.Listen)
	if err != nil {
		return fmt.Errorf("listening for the other replicas: %w", err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("listening for the other replicas: %w", err)
	}
	keeper := r.newKeeper(net.JoinHostPort(r.options.Pod.IP, port))

	// The others are answered until they have all been told of the end.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	tending, stopTending := context.WithCancel(ctx)
	defer stopTending()
	var running sync.WaitGroup
	r.node.start(tending, &running)
	running.Go(func() { (&server{node: r.node, own: r.own, running: &running}).run(serving, listener) })
	running.Go(func() { r.rounds.beat(tending) })
	if r.options.Rates != nil {
		running.Go(func() { newReports(r).run(tending) })
	}

	err = keeper.run(ctx)
	stopTending()
	r.leave(context.WithoutCancel(ctx), keeper.own, err == nil)
	stopServing()
	running.Wait()
	r.node.timer.Stop()
	return err
}

// newKeeper returns what keeps the Lease of this replica, which is reached by the address.
func (r *Replica) newKeeper(address string) *keeper {
	k := &keeper{node: r.node, identity: r.own, accepted: &r.accepted, tenants: &r.tenants}
	k.own = &ownLease{
		client: r.options.Client, pod: r.options.Pod, tenant: r.options.Tenant, labels: r.options.labels(), duration: r.node.timing.Lease,
		contact: readindex.Contact{Address: address, Fingerprint: r.own.fingerprint},
		states:  k.states, changed: k.readIntroductions, now: r.node.now,
	}
	return k
}

// Accept makes the replica's Lease state, at once, that the replica goes by the
// ScimCredentials of the revision: see contract.AnnotationCredentialsRevision. era is
// what Era was before they were read. It writes nothing if the Lease states it already,
// or if there is another era since.
func (r *Replica) Accept(revision string, era readindex.Era) {
	r.accept(&r.accepted, revision, era, true)
}

// AcceptTenants does the same for the ScimTenants: see contract.AnnotationTenantsRevision. What is
// no news for anybody, the Lease states when it is next renewed. This replica becomes no member in an epoch
// before both have been called.
func (r *Replica) AcceptTenants(revision string, era readindex.Era, news bool) {
	r.accept(&r.tenants, revision, era, news)
}

func (r *Replica) accept(stated *atomic.Pointer[accepted], revision string, era readindex.Era, news bool) {
	if now, _ := r.Era(); era != now {
		return
	}
	now := accepted{revision: revision, era: era}
	if former := stated.Swap(&now); news && (former == nil || *former != now) {
		r.node.renewSoon()
	}
	for _, one := range []*atomic.Pointer[accepted]{&r.accepted, &r.tenants} {
		if known := one.Load(); known == nil || known.era.Epoch != era.Epoch {
			return
		}
	}
	if r.followed.Swap(era.Epoch) != era.Epoch {
		r.node.step(readindex.Followed{Epoch: era.Epoch})
	}
}

// Era is the one in which this replica is, and what is closed when that is over. What was accepted
// before is not stated any more then, until Accept is called anew.
func (r *Replica) Era() (era readindex.Era, over <-chan struct{}) {
	v := r.node.view.Load()
	return v.Era, v.over
}

// Member reports whether this replica may answer clients at this moment. It must be
// asked after everything that the answer depends on.
func (r *Replica) Member() bool { return r.node.member() }

// Lead is true on at most about one member at a time: the one whose pod has the
// smallest name among those it knows. It is there to spread housekeeping; nothing
// that must be correct may depend on it.
func (r *Replica) Lead() bool {
	v := r.node.view.Load()
	return v.Lead && v.Member(r.node.now())
}

// ReadIndex takes part in the next round. It returns Revisions that are at least those of
// every member for the tenant at some moment after the call began, the own ones included. An
// error means that a member could not be asked, or the context was done: the caller
// reads from the API server instead.
func (r *Replica) ReadIndex(ctx context.Context, tenant readindex.Tenant) (readindex.Revisions, error) {
	revisions, err := r.rounds.readIndex(ctx, tenant)
	if err != nil {
		r.rounds.metrics.fallbacks.Inc()
	}
	return revisions, err
}

// Rewound is to be called when the API server has shown a resourceVersion that is lower
// than one that it has shown before, where it cannot be.
func (r *Replica) Rewound() { r.node.step(readindex.Rewound{}) }
