package operand

import (
	"fmt"
	"strconv"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// PortClaim returns the Lease by which a tenant has a port of a server's pods for itself. There is one
// of that name only, so that of two tenants that are to get the port at the same time one does. It goes
// with the tenant.
func PortClaim(tenant Owner, server Server, port int32) *coordinationv1.Lease {
	labels := PortClaimLabels()
	labels[tenant.Label], labels[server.Owner.Label] = tenant.Name, server.Owner.Name
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: tenant.Namespace, Name: portClaimPrefix(server.Name) + strconv.Itoa(int(port)),
			Labels: labels, OwnerReferences: tenant.references(),
		},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &tenant.Name},
	}
}

// PortClaimLabels returns labels that all claims of ports have.
func PortClaimLabels() map[string]string {
	return map[string]string{LabelManagedBy: ManagedBy, LabelPartOf: ManagedBy, scimv1alpha1.LabelLease: scimv1alpha1.LeasePort}
}

// ClaimedPort returns the port that a Lease claims at the pods of a server, by the server's name in the
// status of tenants; 0 if it claims none there.
func ClaimedPort(claim *coordinationv1.Lease, server string) (port int32) {
	number, is := strings.CutPrefix(claim.Name, portClaimPrefix(server))
	parsed, err := strconv.ParseInt(number, 10, 32)
	port = int32(parsed)
	if !is || err != nil || port < contract.FirstTenantPort || port > contract.LastTenantPort {
		return 0
	}
	return port
}

func portClaimPrefix(server string) string { return server + "-port-" }

// FreePort returns the first of the ports for one tenant alone that is not in use. It fails when there
// is none.
func FreePort(used map[int32]bool) (int32, error) {
	for port := contract.FirstTenantPort; port <= contract.LastTenantPort; port++ {
		if !used[port] {
			return port, nil
		}
	}
	return 0, fmt.Errorf("all %d ports are in use that are for one tenant alone", contract.LastTenantPort-contract.FirstTenantPort+1)
}
