// Package usage asks the pods of SCIM servers how much their tenants are used, and how they
// serve them, and remembers the answers. Each pod is asked now and then, whatever number of
// tenants it has, and whoever is concerned by a new answer is told: a tenant at rest costs
// nothing.
package usage

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
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

// Server names a SCIM server by the label that is on the Leases of its pods.
type Server struct{ Namespace, Label, Name string }

// ServersOf returns the servers that serve a tenant: those in its status or, without any, its own.
func ServersOf(t *scimv1alpha1.ScimTenant) []Server {
	if len(t.Status.Servers) == 0 {
		return []Server{ServerOf(t, contract.ServiceName(t.Name))}
	}
	servers := make([]Server, 0, len(t.Status.Servers))
	for _, s := range t.Status.Servers {
		servers = append(servers, ServerOf(t, s.Name))
	}
	return servers
}

// CouldServe returns what chooses the Leases of the pods of all servers that could serve a tenant,
// whether they do or not, one after the other.
func CouldServe(tenant string) []client.ListOption {
	return []client.ListOption{client.HasLabels{scimv1alpha1.LabelServer}, client.MatchingLabels{scimv1alpha1.LabelTenant: tenant}}
}

// Leases reads the Leases of the pods of servers in a namespace that any of the options chooses, in
// that order: such as those of CouldServe, or one by the Label of a Server.
func Leases(ctx context.Context, reader client.Reader, namespace string, choices ...client.ListOption) ([]coordinationv1.Lease, error) {
	var found []coordinationv1.Lease
	for _, choose := range choices {
		leases := &coordinationv1.LeaseList{}
		err := reader.List(ctx, leases, client.InNamespace(namespace), choose,
			client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica})
		if err != nil {
			return nil, fmt.Errorf("listing the Leases of server pods: %w", err)
		}
		found = append(found, leases.Items...)
	}
	return found, nil
}

// ServerOf returns the server of a name in a tenant's status.
func ServerOf(t *scimv1alpha1.ScimTenant, service string) Server {
	if name, shared := contract.SharedServerOf(service); shared {
		return Server{Namespace: t.Namespace, Label: scimv1alpha1.LabelServer, Name: name}
	}
	return Server{Namespace: t.Namespace, Label: scimv1alpha1.LabelTenant, Name: t.Name}
}

// Service returns the name of the server in the status of the tenants that it serves.
func (s Server) Service() string {
	if s.Label == scimv1alpha1.LabelServer {
		return contract.SharedServiceName(s.Name)
	}
	return contract.ServiceName(s.Name)
}

// ServerOfLease returns the server whose pod has a Lease.
func ServerOfLease(lease *coordinationv1.Lease) Server {
	for _, label := range []string{scimv1alpha1.LabelServer, scimv1alpha1.LabelTenant} {
		if name := lease.Labels[label]; name != "" {
			return Server{Namespace: lease.Namespace, Label: label, Name: name}
		}
	}
	return Server{}
}

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

// pod is what is known of one pod.
type pod struct {
	server  Server
	address netip.Addr
	asked   time.Time
	silent  bool                  // whether it gave no answer when it was last asked
	hung    time.Time             // when it last kept somebody waiting for nothing
	answer  *contract.ServerUsage // nil while it has given none
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

// update takes over which pods there are.
func (p *Poller) update(leases []coordinationv1.Lease) {
	p.mu.Lock()
	defer p.mu.Unlock()
	there := map[types.NamespacedName]bool{}
	for i := range leases {
		name := client.ObjectKeyFromObject(&leases[i])
		address, ok := AddressOf(&leases[i])
		if !ok {
			continue
		}
		there[name] = true
		if known := p.pods[name]; known == nil || known.address != address {
			p.pods[name] = &pod{server: ServerOfLease(&leases[i]), address: address}
		}
	}
	for name := range p.pods {
		if !there[name] {
			delete(p.pods, name)
		}
	}
}

// AddressOf returns the address of the pod that has a Lease. Whoever may write Leases says it:
// no address of the operator's own node or pod is taken from there.
func AddressOf(lease *coordinationv1.Lease) (address netip.Addr, ok bool) {
	peer, err := netip.ParseAddrPort(lease.Annotations[contract.AnnotationPeerAddress])
	if err != nil {
		return netip.Addr{}, false
	}
	address = peer.Addr().Unmap().WithZone("")
	return address, address.IsGlobalUnicast()
}

// due returns the pods whose turn it is, and notes that they are asked.
func (p *Poller) due(now time.Time) map[types.NamespacedName]netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := map[types.NamespacedName]netip.Addr{}
	for name, pod := range p.pods {
		wait := interval
		switch {
		case now.Before(p.urgent[pod.server]):
			wait = urgentInterval
		case pod.silent:
			wait = silentInterval
		}
		if now.Sub(pod.asked) >= wait {
			pod.asked, due[name] = now, pod.address
		}
	}
	for server, until := range p.urgent {
		if !now.Before(until) {
			delete(p.urgent, server)
		}
	}
	return due
}

// noteSilence remembers that a pod gave no answer.
func (p *Poller) noteSilence(name types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod := p.pods[name]; pod != nil {
		pod.silent = true
	}
}

// hangs reports whether a pod has kept somebody waiting for nothing lately.
func (p *Poller) hangs(name types.NamespacedName, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	pod := p.pods[name]
	return pod != nil && now.Sub(pod.hung) < hangInterval
}

// noteHang remembers that a pod gave no answer, if somebody has waited long for it.
func (p *Poller) noteHang(name types.NamespacedName, begun, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod := p.pods[name]; pod != nil && now.Sub(begun) > patience {
		pod.hung = now
	}
}

// record remembers an answer, and tells whom it concerns.
func (p *Poller) record(name types.NamespacedName, answer contract.ServerUsage) {
	var (
		concerned []types.NamespacedName
		before    *contract.ServerUsage
	)
	p.mu.Lock()
	if pod := p.pods[name]; pod != nil { // it may have gone meanwhile
		before = pod.answer
		for tenant := range differing(pod.answer, answer) {
			concerned = append(concerned, types.NamespacedName{Namespace: name.Namespace, Name: tenant})
		}
		pod.answer, pod.silent, pod.hung = &answer, false, time.Time{}
	}
	concern, heard := p.concern, p.heard
	p.mu.Unlock()
	for _, hear := range heard {
		hear(name, before, answer)
	}
	for _, tenant := range concerned {
		for _, notify := range concern {
			notify(tenant)
		}
	}
}

// differing returns the tenants of which an answer says something else than the one before.
func differing(before *contract.ServerUsage, after contract.ServerUsage) map[string]bool {
	differ := map[string]bool{}
	if before == nil {
		before = &contract.ServerUsage{}
	}
	for tenant, usage := range after.Tenants {
		if was, known := before.Tenants[tenant]; !known || !reflect.DeepEqual(was, usage) {
			differ[tenant] = true
		}
	}
	for tenant := range before.Tenants {
		if _, stays := after.Tenants[tenant]; !stays {
			differ[tenant] = true
		}
	}
	return differ
}
