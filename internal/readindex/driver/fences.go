package driver

import (
	"context"
	"fmt"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// AllFence reports whether every server pod of the namespace that may be alive is of a release
// that fences members (contract.AnnotationFencesMembers).
func (r *Replica) AllFence(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, r.node.timing.Call)
	defer cancel()
	leases := &coordinationv1.LeaseList{}
	err := r.options.Client.List(ctx, leases, client.InNamespace(r.options.Pod.Namespace),
		client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica})
	if err != nil {
		return false, fmt.Errorf("listing the Leases of the namespace's server pods: %w", err)
	}
	return contract.AllFenceMembers(leases.Items), nil
}
