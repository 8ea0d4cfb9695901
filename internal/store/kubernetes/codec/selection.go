package codec

import (
	"maps"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Whose a user, a group or a slice of its members is, its spec says, which the API server
// lets nobody change. Its labels are for people, and people lose them: so everything here
// is selected by fields of the spec, which the CRDs declare to be selectable (KEP-4358),
// and the upkeep puts labels back that were lost.
const (
	fieldTenant = "spec.tenantRef.name"
	fieldGroup  = "spec.groupRef.name"
)

// OfTenant selects the objects of a tenant.
func OfTenant(tenant string) client.MatchingFields { return client.MatchingFields{fieldTenant: tenant} }

// OfGroup selects the slices of a group.
func OfGroup(tenant, group string) client.MatchingFields {
	return client.MatchingFields{fieldTenant: tenant, fieldGroup: group}
}

// LabelsOf returns the labels that an object of a tenant should have, whatever else is in it.
func LabelsOf(tenant string, object client.Object) map[string]string {
	wanted := map[string]string{scimv1alpha1.LabelTenant: tenant}
	if slice, isSlice := object.(*scimv1alpha1.ScimGroupMembers); isSlice {
		wanted[scimv1alpha1.LabelGroup] = slice.Spec.GroupRef.Name
	}
	return wanted
}

// PutLabels puts labels on an object. A map that others may have is not written.
func PutLabels(object client.Object, wanted map[string]string) {
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, wanted)
	object.SetLabels(labels)
}

// Mislabelled returns the labels that an object of a tenant should have and has not, in order.
func Mislabelled(tenant string, object client.Object) (labels []string) {
	for label, value := range LabelsOf(tenant, object) {
		if object.GetLabels()[label] != value {
			labels = append(labels, label)
		}
	}
	slices.Sort(labels)
	return labels
}
