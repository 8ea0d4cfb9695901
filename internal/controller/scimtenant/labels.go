package scimtenant

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

// labelsAccepted reports whether all labels can be made that a tenant wants of the attributes of its users;
// nil for one that wants none, or whose schemas are wrong, of which another condition tells.
func labelsAccepted(tenant *scimv1alpha1.ScimTenant) *metav1.Condition {
	const conditionType = scimv1alpha1.ConditionLabelsAccepted
	if len(tenant.Spec.Users.Labels) == 0 {
		return nil
	}
	registry, err := contract.Registry(tenant)
	if err != nil {
		return nil
	}
	condition := conditions.True(conditionType, scimv1alpha1.ReasonSucceeded,
		fmt.Sprintf("%d labels are made of attributes of users", len(tenant.Spec.Users.Labels)))
	if _, err := contract.Labels(tenant, registry); err != nil {
		condition = conditions.False(conditionType, scimv1alpha1.ReasonInvalidLabel,
			err.Error()+": correct it; until then users do not have that label")
	}
	return &condition
}

// usersSelectable reports whether label and field selectors find all users, by what the pod said to which the
// last request came. It has no numbers when they do: these would change with every user.
func usersSelectable(tenant *scimv1alpha1.ScimTenant, usage contract.Usage) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionUsersSelectable
	said := meta.FindStatusCondition(tenant.Status.Conditions, conditionType)
	switch {
	case usage.Selectors == nil && said != nil && said.ObservedGeneration == tenant.Generation:
		return *said // Pods have started anew.
	case usage.Selectors == nil:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonProgressing,
			"no pod of the server has said whether all users have their labels and spec.lookup")
	case usage.Selectors.Labels != labelsDigest(tenant):
		return conditions.False(conditionType, scimv1alpha1.ReasonProgressing, "the server has not come to spec.users.labels as they are now")
	case usage.Selectors.Left > 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonProgressing, fmt.Sprintf(
			"%d of %d users have their labels and spec.lookup so far; the server goes on with the others", max(0, usage.Users-usage.Selectors.Left), usage.Users))
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "all users have the labels of spec.users.labels, and spec.lookup")
	}
}

// labelsDigest is the digest of the labels that pods go by once they know the tenant as it is. Where its
// schemas are wrong, they go by others.
func labelsDigest(tenant *scimv1alpha1.ScimTenant) string {
	if len(tenant.Spec.Users.Labels) == 0 {
		return ""
	}
	registry, err := contract.Registry(tenant)
	if err != nil {
		return ""
	}
	labels, _ := contract.Labels(tenant, registry) // Of the labels that are right.
	return labels.Digest()
}
