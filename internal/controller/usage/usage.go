// Package usage asks the pods of SCIM servers how much their tenants are used, and how they
// serve them, and remembers the answers. Each pod is asked now and then, whatever number of
// tenants it has, and whoever is concerned by a new answer is told: a tenant at rest costs
// nothing.
package usage

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

const (
	// interval is how often a pod is asked, and silentInterval if it did not answer.
	interval       = 15 * time.Second
	silentInterval = time.Minute
	// urgentInterval is how often it is asked while somebody waits for what it says.
	urgentInterval = time.Second
	// round is how often it is looked which pods are to be asked.
	round = time.Second
	// askTimeout bounds a question, and parallel how many there are at the same time.
	askTimeout = 3 * time.Second
	parallel   = 8
	// parallelNow is how many there are while a caller waits, which is all that a tenant can have: so
	// askTimeout bounds them together.
	parallelNow = 64
	// One who waits does not wait for a pod again that has kept another one waiting for longer than
	// patience in the last hangInterval.
	patience     = time.Second
	hangInterval = 15 * time.Second
)

// Ask asks the pod at an address for its usage. Its namespace has so many tenants.
type Ask func(ctx context.Context, address netip.Addr, tenants int) (contract.ServerUsage, error)

// Poller asks the pods. It is safe for concurrent use. Make it with NewPoller, and have the
// manager run it.
type Poller struct {
	cached   client.Reader
	ask      Ask
	replicas contract.ReplicaObserver

	mu      sync.Mutex
	pods    map[types.NamespacedName]*pod
	urgent  map[Server]time.Time // until when
	concern []func(tenant types.NamespacedName)
	heard   []func(pod types.NamespacedName, before *contract.ServerUsage, after contract.ServerUsage)
}

// NewPoller returns a poller that finds pods by their Leases, which it reads in a cache, as it does tenants.
func NewPoller(cached client.Reader, ask Ask) *Poller {
	return &Poller{cached: cached, ask: ask, pods: map[types.NamespacedName]*pod{}, urgent: map[Server]time.Time{}}
}

// Notify has a function called with each tenant of which a pod says something new. The
// function must not block for long.
func (p *Poller) Notify(concerned func(tenant types.NamespacedName)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.concern = append(p.concern, concerned)
}

// Hear has a function called with each answer of a pod, and the one before, which is nil when there is
// none. The function must not block for long.
func (p *Poller) Hear(heard func(pod types.NamespacedName, before *contract.ServerUsage, after contract.ServerUsage)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = append(p.heard, heard)
}

// Hurry has the pods of a server asked every second for a while, since somebody waits for
// what they say.
func (p *Poller) Hurry(server Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.urgent[server] = time.Now().Add(interval)
}

// Answers returns what those pods of a server say that are alive and have answered.
func (p *Poller) Answers(server Server) []contract.ServerUsage {
	p.mu.Lock()
	defer p.mu.Unlock()
	var answers []contract.ServerUsage
	for _, pod := range p.pods {
		if pod.server == server && pod.answer != nil {
			answers = append(answers, *pod.answer)
		}
	}
	return answers
}

// Hosting asks those pods of a server that have the Leases now, and returns the name of one that
// hosts a tenant, or does not say whether it does; none, "", when there is no such pod.
func (p *Poller) Hosting(ctx context.Context, leases []coordinationv1.Lease, tenant string) (pod string) {
	answers := p.Ask(ctx, leases)
	for i := range leases {
		answer, answered := answers[leases[i].Name]
		if _, hosts := answer.Tenants[tenant]; !answered || hosts {
			return leases[i].Name
		}
	}
	return ""
}

// Ask asks those pods that have the Leases now, and returns what those say that answer, by the names
// of their Leases. It remembers that, too. It takes no longer than one question may, and does not wait
// for pods that hang: the caller may have others to look after.
func (p *Poller) Ask(ctx context.Context, leases []coordinationv1.Lease) map[string]contract.ServerUsage {
	var mu sync.Mutex
	answers := map[string]contract.ServerUsage{}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	tenants := p.countTenants(asking)
	group := errgroup.Group{}
	group.SetLimit(parallelNow)
	for i := range leases {
		name := client.ObjectKeyFromObject(&leases[i])
		address, ok := AddressOf(&leases[i])
		if !ok || p.hangs(name, time.Now()) {
			continue
		}
		group.Go(func() error {
			begun := time.Now()
			answer, err := p.ask(asking, address, tenants.in(name.Namespace))
			if err != nil {
				log.FromContext(ctx).V(1).Info("A server pod does not say how it serves a tenant", "pod", name, "error", err.Error())
				p.noteHang(name, begun, time.Now())
				return nil
			}
			p.record(name, answer)
			mu.Lock()
			defer mu.Unlock()
			answers[leases[i].Name] = answer
			return nil
		})
	}
	_ = group.Wait() // None returns an error.
	return answers
}

// Pods returns how many pods of a server are alive, whether they have answered or not.
func (p *Poller) Pods(server Server) (count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pod := range p.pods {
		if pod.server == server {
			count++
		}
	}
	return count
}

// Start asks until the context is done.
func (p *Poller) Start(ctx context.Context) error {
	ticker := time.NewTicker(round)
	defer ticker.Stop()
	for {
		if err := p.Round(ctx, time.Now()); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Asking the server pods how much their tenants are used")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Round asks those pods whose turn it is.
func (p *Poller) Round(ctx context.Context, now time.Time) error {
	leases := &coordinationv1.LeaseList{}
	err := p.cached.List(ctx, leases, client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return err
	}
	p.update(p.replicas.Live(leases.Items, now))
	tenants := p.countTenants(ctx)
	group := errgroup.Group{}
	group.SetLimit(parallel)
	for name, address := range p.due(now) {
		group.Go(func() error {
			asking, cancel := context.WithTimeout(ctx, askTimeout)
			defer cancel()
			answer, err := p.ask(asking, address, tenants.in(name.Namespace))
			if err != nil {
				log.FromContext(ctx).V(1).Info("A server pod does not say how much its tenants are used", "pod", name, "error", err.Error())
				p.noteSilence(name)
				return nil
			}
			p.record(name, answer)
			return nil
		})
	}
	return group.Wait()
}

// tenantCount counts the tenants of namespaces, each once.
type tenantCount struct {
	count func(namespace string) int

	mu    sync.Mutex
	known map[string]int
}

// countTenants counts those in the cache. Where they cannot be read, there are none.
func (p *Poller) countTenants(ctx context.Context) *tenantCount {
	return &tenantCount{known: map[string]int{}, count: func(namespace string) int {
		tenants := &scimv1alpha1.ScimTenantList{}
		if err := p.cached.List(ctx, tenants, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
			log.FromContext(ctx).Error(err, "Counting the tenants of a namespace", "namespace", namespace)
		}
		return len(tenants.Items)
	}}
}

func (t *tenantCount) in(namespace string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.known[namespace]; !known {
		t.known[namespace] = t.count(namespace)
	}
	return t.known[namespace]
}
