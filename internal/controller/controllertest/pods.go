package controllertest

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// followInterval is how often a Pod looks at the ScimTenants.
const followInterval = 50 * time.Millisecond

// Pod does as a server pod does: it keeps a Lease, follows the ScimTenants of its namespace, states
// in its Lease how far it goes by them, and answers how it serves them.
type Pod struct {
	env             *Environment
	namespace, name string
	// service is the name of its server in the status of tenants, and labels are on its Lease.
	service string
	labels  map[string]string
	stop    context.CancelFunc
	done    chan struct{}

	mu sync.Mutex
	// silent is true while it acknowledges nothing new, and outdated if it is of the release before.
	silent, outdated bool
	verifies         []string
	// caller is the id of the key with which somebody calls the pod all the time; empty while nobody does.
	caller  string
	renewed time.Time
	stated  string
}

// StartPod starts a pod of a tenant's own server.
func (e *Environment) StartPod(namespace, tenant, name string) *Pod {
	return e.startPod(namespace, name, contract.ServiceName(tenant), map[string]string{scimv1alpha1.LabelTenant: tenant})
}

// StartSharedPod starts a pod of a ScimServer.
func (e *Environment) StartSharedPod(namespace, server, name string) *Pod {
	return e.startPod(namespace, name, contract.SharedServiceName(server), map[string]string{scimv1alpha1.LabelServer: server})
}

func (e *Environment) startPod(namespace, name, service string, labels map[string]string) *Pod {
	ctx, stop := context.WithCancel(context.Background())
	labels[scimv1alpha1.LabelLease] = scimv1alpha1.LeaseReplica
	p := &Pod{env: e, namespace: namespace, name: name, service: service, labels: labels, stop: stop, done: make(chan struct{})}
	go p.run(ctx)
	return p
}

// Set changes how the pod is: silent, it goes on as it is and acknowledges nothing new; outdated, it
// states nothing about tenants. verifies are the keys of other servers that it knows.
func (p *Pod) Set(silent, outdated bool, verifies ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent, p.outdated, p.verifies = silent, outdated, verifies
	p.renewed = time.Time{}
}

// Call has somebody call the pod all the time with the key of an id; nobody with "".
func (p *Pod) Call(keyID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.caller = keyID
}

// Stop ends the pod, and its Lease.
func (p *Pod) Stop(ctx context.Context) error {
	p.stop()
	<-p.done
	return p.env.StopPod(ctx, p.namespace, p.name)
}

func (p *Pod) run(ctx context.Context) {
	defer close(p.done)
	ticker := time.NewTicker(followInterval)
	defer ticker.Stop()
	for {
		_ = p.follow(ctx) // It tries again.
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *Pod) follow(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := time.Since(p.renewed) >= contract.ReplicaLeaseRenewal
	if p.silent {
		if !due {
			return nil
		}
		return p.state(ctx, p.stated)
	}
	tenants := &scimv1alpha1.ScimTenantList{}
	if err := p.env.Client.List(ctx, tenants, client.InNamespace(p.namespace)); err != nil {
		return err
	}
	p.answer(tenants.Items)
	if p.stated == tenants.ResourceVersion && !due {
		return nil
	}
	return p.state(ctx, tenants.ResourceVersion)
}

// answer has the pod say from now on how it serves the tenants.
func (p *Pod) answer(tenants []scimv1alpha1.ScimTenant) {
	usage := contract.ServerUsage{Tenants: map[string]contract.TenantUsage{}, VerifyingKeys: p.verifies}
	for i := range tenants {
		how, hosts := contract.Hosting(&tenants[i], p.service)
		if !hosts || !tenants[i].DeletionTimestamp.IsZero() {
			continue
		}
		said := contract.TenantUsage{State: contract.ServingMemory, Usage: &contract.Usage{Users: 3, ActiveUsers: 3}}
		if how.Mode == scimv1alpha1.HostingModeLive {
			said.State = contract.ServingLive
		}
		if contract.Draining(&tenants[i], p.service) {
			idle := int64(idleBeforeOff / time.Second)
			if p.caller != "" {
				idle = 0
			}
			said.IdleSeconds, said.LastKeyID = &idle, p.caller
		}
		usage.Tenants[tenants[i].Name] = said
	}
	pods.mu.Lock()
	defer pods.mu.Unlock()
	pods.answers[addressOf(client.ObjectKey{Namespace: p.namespace, Name: p.name})] = usage
}

// state writes the Lease.
func (p *Pod) state(ctx context.Context, revision string) error {
	credentials, err := p.env.credentialsRevision(ctx, p.namespace)
	if err != nil {
		return err
	}
	pods.mu.Lock()
	address := addressOf(client.ObjectKey{Namespace: p.namespace, Name: p.name})
	pods.mu.Unlock()
	annotations := map[string]string{
		contract.AnnotationCredentialsRevision: credentials,
		contract.AnnotationPeerAddress:         netip.AddrPortFrom(address, uint16(contract.PortPeers)).String(),
	}
	if !p.outdated && revision != "" {
		annotations[contract.AnnotationTenantsRevision] = revision
	}
	if err := p.env.keepLeaseLabelled(ctx, p.namespace, p.name, p.labels, annotations, time.Now()); err != nil {
		return err
	}
	p.renewed, p.stated = time.Now(), revision
	return nil
}
