package operand

import (
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Owner returns the reference that makes a tenant the controller of an object,
// so that the object goes when the tenant goes.
func Owner(t *scimv1alpha1.ScimTenant) *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(scimv1alpha1.GroupVersion.String()).
		WithKind("ScimTenant").
		WithName(t.Name).
		WithUID(t.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}
