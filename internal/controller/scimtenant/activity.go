package scimtenant

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/activity"
	"github.com/kubescim/kubescim/internal/conditions"
)

// providerConditions returns what is to be said of a tenant's identity provider, by its status as it
// is to be and by whether most requests fail, as far as that is known. again is how soon that
// changes when nothing happens; 0 when it does not.
func providerConditions(tenant *scimv1alpha1.ScimTenant, failing *bool, now time.Time) (said []metav1.Condition, again time.Duration) {
	if tenant.State() == scimv1alpha1.TenantStatePaused {
		const message = "the tenant is paused, and its identity provider is told to try again later"
		return []metav1.Condition{
			conditions.Unknown(scimv1alpha1.ConditionProviderActive, scimv1alpha1.ReasonPaused, message),
			conditions.Unknown(scimv1alpha1.ConditionRequestsSucceeding, scimv1alpha1.ReasonPaused, message),
		}, 0
	}
	active, again := providerActive(&tenant.Status, now)
	return []metav1.Condition{active, requestsSucceeding(tenant.Status.Conditions, failing)}, again
}

// providerActive reports whether requests come about as often as they usually do.
func providerActive(status *scimv1alpha1.ScimTenantStatus, now time.Time) (c metav1.Condition, again time.Duration) {
	const conditionType = scimv1alpha1.ConditionProviderActive
	silence, known := activity.SilentAfter(status.RequestGaps)
	if !known {
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonFewRequests,
			"too few requests have come with a good token to know how often they come"), 0
	}
	if left := status.LastRequestTime.Add(silence).Sub(now); left > 0 {
		return conditions.True(conditionType, scimv1alpha1.ReasonRequestsArrive,
			fmt.Sprintf("requests come as usual: the identity provider is silent if none comes for %s", silence)), left
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonProviderSilent, fmt.Sprintf("no request has come with a good token since %s, which is "+
		"longer than the %s that are still usual: see that provisioning is on at the identity provider, that its token is good, and that it reaches the URL",
		status.LastRequestTime.UTC().Format(time.RFC3339), silence)), 0
}

// requestsSucceeding reports whether most requests succeed. While nothing is known, because pods have
// started anew, what was said before goes on to be.
func requestsSucceeding(before []metav1.Condition, failing *bool) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionRequestsSucceeding
	switch said := meta.FindStatusCondition(before, conditionType); {
	case failing == nil && said != nil && said.Reason != scimv1alpha1.ReasonPaused:
		return *said
	case failing == nil:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonFewRequests, "too few requests have come with a good token")
	case *failing:
		return conditions.False(conditionType, scimv1alpha1.ReasonMostlyFailing, "most of the last requests with a good token were refused or failed: "+
			"the log of the server has the scimType and the detail of each, and docs/troubleshooting.md what to do")
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "most of the last requests were answered as the identity provider has asked")
	}
}
