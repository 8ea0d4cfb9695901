package codec

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// Lacking selects the objects of a tenant that have no such label or, if a value is given,
// have not that one.
func Lacking(tenant, label string, value ...string) (client.ListOption, error) {
	operator := selection.DoesNotExist
	if len(value) > 0 {
		operator = selection.NotIn
	}
	other, err := labels.NewRequirement(label, operator, value)
	if err != nil {
		return nil, fmt.Errorf("selecting what has not the label %s: %w", label, err)
	}
	selected := &client.ListOptions{LabelSelector: labels.NewSelector().Add(*other)}
	OfTenant(tenant).ApplyToList(selected)
	return selected, nil
}
