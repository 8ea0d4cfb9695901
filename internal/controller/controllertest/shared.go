package controllertest

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// pods are the server pods that the managers of tests can ask how much their tenants are used,
// by their addresses.
var pods = struct {
	mu        sync.Mutex
	addresses map[client.ObjectKey]netip.Addr
	answers   map[netip.Addr]contract.ServerUsage
}{addresses: map[client.ObjectKey]netip.Addr{}, answers: map[netip.Addr]contract.ServerUsage{}}

// askPods asks a pod of HostTenants.
func askPods(_ context.Context, address netip.Addr, _ int) (contract.ServerUsage, error) {
	pods.mu.Lock()
	defer pods.mu.Unlock()
	answer, ok := pods.answers[address]
	if !ok {
		return answer, errors.New("there is no pod at " + address.String())
	}
	return answer, nil
}

// addressOf returns the address of a pod, which is the same each time.
func addressOf(pod client.ObjectKey) netip.Addr {
	address, ok := pods.addresses[pod]
	if !ok {
		bytes := netip.MustParseAddr("2001:db8::").As16()
		number := len(pods.addresses) + 1
		bytes[14], bytes[15] = byte(number>>8), byte(number)
		address = netip.AddrFrom16(bytes)
		pods.addresses[pod] = address
	}
	return address
}

// HostTenants does as if a pod of a ScimServer were alive, went by the ScimCredentials of its
// namespace as they are now, and hosted tenants, with the usage of each.
func (e *Environment) HostTenants(ctx context.Context, namespace, server, pod string, tenants map[string]contract.TenantUsage) error {
	revision, err := e.credentialsRevision(ctx, namespace)
	if err != nil {
		return err
	}
	pods.mu.Lock()
	address := addressOf(client.ObjectKey{Namespace: namespace, Name: pod})
	pods.answers[address] = contract.ServerUsage{Tenants: tenants}
	pods.mu.Unlock()
	return e.keepLeaseLabelled(ctx, namespace, pod, map[string]string{
		scimv1alpha1.LabelServer: server, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
	}, map[string]string{
		contract.AnnotationCredentialsRevision: revision,
		contract.AnnotationPeerAddress:         netip.AddrPortFrom(address, uint16(contract.PortPeers)).String(),
	}, time.Now())
}

// Hosted is how a pod answers that serves a tenant.
func Hosted(users int32) contract.TenantUsage {
	return contract.TenantUsage{State: contract.ServingMemory, Usage: &contract.Usage{Users: users, ActiveUsers: users}}
}

// RollOutServer does as if all replicas of a ScimServer's Deployment had become ready.
func (e *Environment) RollOutServer(ctx context.Context, namespace, server string) error {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: namespace, Name: contract.SharedServiceName(server)}
	if err := e.Client.Get(ctx, key, deployment); err != nil {
		return err
	}
	return e.setReady(ctx, deployment, -1)
}
