package usage

import (
	"net/netip"
	"reflect"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
)

// pod is what is known of one pod.
type pod struct {
	server  Server
	address netip.Addr
	asked   time.Time
	silent  bool                  // whether it gave no answer when it was last asked
	hung    time.Time             // when it last kept somebody waiting for nothing
	answer  *contract.ServerUsage // nil while it has given none
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
