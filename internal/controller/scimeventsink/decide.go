package scimeventsink

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// patience is for how long a sink may be without a word of a server, and a server not run, before that is stated.
const patience = 10 * time.Second

// decision is what is to be stated of a sink: nothing while the summary is none, and perhaps something later.
type decision struct {
	summary conditions.Summary
	// after is how soon to look again; 0 when nothing is to come but by a change.
	after time.Duration
}

// decide says what to state of a sink of a tenant, which is nil when there is none.
//
// The server and the operator do not contradict each other for ever:
//
//   - Without a tenant, or with one that is being deleted, no server serves the sink, and the operator states that.
//   - With a tenant, a server overwrites what the operator has stated, and the operator leaves what a server has
//     stated as it is, but for one case: Ready has been True since before the server was lost. Then the operator
//     makes it False, by which it is no more since before that. So a server that runs all the same makes it True
//     once, and it stays.
func decide(sink *scimv1alpha1.ScimEventSink, tenant *scimv1alpha1.ScimTenant, now time.Time) decision {
	if tenant == nil || !tenant.DeletionTimestamp.IsZero() {
		return decision{summary: conditions.Summary{
			Outcome: conditions.Stalled, Reason: scimv1alpha1.ReasonTenantNotFound, Message: fmt.Sprintf(
				"there is no ScimTenant %q in namespace %q, or it is being deleted, so that nothing is sent: create it", sink.Spec.TenantRef.Name, sink.Namespace),
		}}
	}
	due, unserved := unservedSince(sink, tenant)
	if !unserved {
		return decision{}
	}
	if wait := due.Sub(now); wait > 0 {
		return decision{after: wait}
	}
	return decision{summary: conditions.Summary{
		Outcome: conditions.Reconciling, Reason: scimv1alpha1.ReasonNotServed, Message: fmt.Sprintf(
			"nothing is sent: the server of ScimTenant %[1]q does not run, or is of a release that knows no event sinks; see kubectl describe scimtenant %[1]s -n %[2]s",
			tenant.Name, tenant.Namespace),
	}}
}

// unservedSince reports whether no server serves a sink, as far as its status and that of its tenant
// say, and when that is to be stated.
func unservedSince(sink *scimv1alpha1.ScimEventSink, tenant *scimv1alpha1.ScimTenant) (due time.Time, unserved bool) {
	ready := meta.FindStatusCondition(sink.Status.Conditions, scimv1alpha1.ConditionReady)
	if ready == nil {
		return sink.CreationTimestamp.Add(patience), true
	}
	if ready.Reason == scimv1alpha1.ReasonTenantNotFound || ready.Reason == scimv1alpha1.ReasonNotServed {
		return time.Time{}, true // These are the operator's own words.
	}
	server := meta.FindStatusCondition(tenant.Status.Conditions, scimv1alpha1.ConditionServerAvailable)
	if ready.Status != metav1.ConditionTrue || server == nil || server.Status != metav1.ConditionFalse ||
		!ready.LastTransitionTime.Before(&server.LastTransitionTime) {
		return time.Time{}, false
	}
	return server.LastTransitionTime.Add(patience), true
}
