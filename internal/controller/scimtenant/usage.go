package scimtenant

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/activity"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// gatherUsage reads what the server pods have counted, and how they serve the tenant, and decides what
// the status is to say of that, and of the identity provider. When that is to get into the status later,
// it sets when. Pods of the release before say it in their Leases.
func (r *Reconciler) gatherUsage(ctx context.Context, s *scope) error {
	var answers []contract.ServerUsage
	var stated contract.Usage
	var isStated bool
	for _, one := range s.servers {
		said := r.Usage.Answers(s.usageOf(one))
		answers = append(answers, said...)
		inLeases, known, err := one.gatherUsage(ctx, said)
		if err != nil {
			return err
		}
		if known {
			stated, isStated = inLeases, true
		}
	}
	counted, known := contract.UsageOf(s.tenant.Name, answers)
	if !known {
		counted, known = stated, isStated
	}
	now := time.Now()
	found, again := newsOf(s.tenant, counted, known, now)
	s.silentAfter = again
	if found == nil {
		return nil
	}
	if !found.urgent {
		s.usageAfter = r.pace.Reserve(s.tenant.UID, now)
	}
	if s.usageAfter == 0 {
		s.news = found
	}
	return nil
}

// news is what is to be written into a tenant's status about how it is used.
type news struct {
	usage      *contract.Usage // nil while that is not known
	conditions []metav1.Condition
	// urgent is true of what goes with something else that is written: the first status, or that for
	// another spec.
	urgent bool
}

// newsOf returns what differs from a tenant's status in how the tenant is used; nil when nothing does.
// again is how soon it will without anything that happens; 0 when it will not.
func newsOf(tenant *scimv1alpha1.ScimTenant, usage contract.Usage, known bool, now time.Time) (found *news, again time.Duration) {
	found = &news{urgent: tenant.Status.ObservedGeneration != tenant.Generation}
	next := tenant.DeepCopy()
	// What a pod whose clock is ahead says would stand for as long: the provider could not go silent meanwhile.
	if usage.LastRequestTime.After(now) {
		usage.LastRequestTime = now.UTC().Truncate(contract.UsageResolution)
	}
	if known {
		found.usage = &usage
		setUsage(next, usage)
	}
	found.conditions, again = providerConditions(next, usage.MostlyFailing, now)
	found.conditions = append(found.conditions, usersSelectable(tenant, usage))
	if allowed, change := deactivationsAllowed(tenant, usage.Guarded, now); allowed != nil {
		found.conditions, again = append(found.conditions, *allowed), reconcile.Soonest(again, change)
		// Somebody is waited for. It stays for the window then, so that it is not written often.
		found.urgent = found.urgent || !meta.IsStatusConditionPresentAndEqual(tenant.Status.Conditions, allowed.Type, allowed.Status)
	}
	differs := !equality.Semantic.DeepEqual(next.Status, tenant.Status)
	for _, c := range found.conditions {
		said := meta.FindStatusCondition(tenant.Status.Conditions, c.Type)
		differs = differs || said == nil || said.ObservedGeneration != tenant.Generation ||
			said.Status != c.Status || said.Reason != c.Reason || said.Message != c.Message
	}
	if !differs {
		return nil, again
	}
	return found, again
}

// setUsage writes a usage into a tenant's status. The last request is never forgotten,
// although the pod that answered it may be, and neither is how often they came.
func setUsage(tenant *scimv1alpha1.ScimTenant, usage contract.Usage) {
	status := &tenant.Status
	status.Users = ptr.To(usage.Users)
	status.ActiveUsers = ptr.To(usage.ActiveUsers)
	status.Groups = ptr.To(usage.Groups)
	if last := lastRequest(usage, tenant.CreationTimestamp.Time); last.After(status.LastRequestTime.Time) {
		status.RequestGaps = activity.Observe(status.RequestGaps, status.LastRequestTime.Time, last)
		status.LastRequestTime = metav1.NewTime(last)
	}
}

// lastRequest is when the last request came that was for a tenant of this age; zero when
// there was none. The pods report it cut to the minute, which may have begun before the
// tenant was there. What came in an earlier minute was for a tenant that had the name before.
func lastRequest(usage contract.Usage, created time.Time) time.Time {
	if !usage.LastRequestTime.Before(created) {
		return usage.LastRequestTime
	}
	if usage.LastRequestTime.Add(contract.UsageResolution).After(created) {
		return created
	}
	return time.Time{}
}

// tenantItself is what an answer about a tenant concerns.
func tenantItself(_ context.Context, tenant types.NamespacedName) []ctrl.Request {
	return []ctrl.Request{{NamespacedName: tenant}}
}

// tenantOf returns the tenant of the server pod that a Lease belongs to; none if that is one of
// a ScimServer, whose Leases say nothing of tenants.
func tenantOf(_ context.Context, lease client.Object) []ctrl.Request {
	if lease.GetLabels()[scimv1alpha1.LabelTenant] == "" {
		return nil
	}
	return []ctrl.Request{{NamespacedName: types.NamespacedName{
		Namespace: lease.GetNamespace(),
		Name:      lease.GetLabels()[scimv1alpha1.LabelTenant],
	}}}
}

// reportChanged leaves out that a server pod is still alive, which it says all the
// time, and that it is not, which says nothing but that it complains no longer.
func reportChanged() predicate.Predicate {
	usageOf := func(lease client.Object) string { return lease.GetAnnotations()[contract.AnnotationUsage] }
	unreachableFor := func(lease client.Object) string { return lease.GetAnnotations()[contract.AnnotationUnreachablePeers] }
	return predicate.Funcs{
		CreateFunc: func(e event.CreateEvent) bool { return usageOf(e.Object) != "" || unreachableFor(e.Object) != "" },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return usageOf(e.ObjectOld) != usageOf(e.ObjectNew) || unreachableFor(e.ObjectOld) != unreachableFor(e.ObjectNew)
		},
		DeleteFunc: func(e event.DeleteEvent) bool { return unreachableFor(e.Object) != "" },
	}
}
