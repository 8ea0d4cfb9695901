package usage

import (
	"context"
	"fmt"
	"net/netip"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
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
