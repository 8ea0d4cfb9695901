package scimtenant

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// The status of a tenant is written only because its usage has changed once in
// usageInterval, but usageBurst times in a row after a quiet time, so that the
// first users of a tenant show soon.
const (
	usageInterval = time.Minute
	usageBurst    = 3
)

// gatherUsage reads what the server pods have counted, and whom they cannot reach. When that is to get into
// the status later, it sets when.
func (r *Reconciler) gatherUsage(ctx context.Context, s *scope) error {
	leases := &coordinationv1.LeaseList{}
	err := r.Client.List(ctx, leases, client.InNamespace(s.tenant.Namespace), replicaLabels(s.tenant))
	if err != nil {
		return fmt.Errorf("listing the Leases of the server's pods: %w", err)
	}
	s.unreachable = contract.UnreachablePeers(r.replicas.Live(leases.Items, time.Now()))
	usage, known := contract.LatestUsage(leases.Items)
	if !known || !isNews(usage, s.tenant) {
		return nil
	}
	s.usageAfter = r.usage.reserve(s.tenant.UID, time.Now())
	if s.usageAfter == 0 {
		s.usage = &usage
	}
	return nil
}

// isNews reports whether a usage differs from what a tenant's status says.
func isNews(usage contract.Usage, tenant *scimv1alpha1.ScimTenant) bool {
	next := *tenant
	setUsage(&next, usage)
	return !equality.Semantic.DeepEqual(next.Status, tenant.Status)
}

// setUsage writes a usage into a tenant's status. The last request is never forgotten,
// although the pod that answered it may be.
func setUsage(tenant *scimv1alpha1.ScimTenant, usage contract.Usage) {
	status := &tenant.Status
	status.Users = ptr.To(usage.Users)
	status.ActiveUsers = ptr.To(usage.ActiveUsers)
	status.Groups = ptr.To(usage.Groups)
	if last := lastRequest(usage, tenant.CreationTimestamp.Time); last.After(status.LastRequestTime.Time) {
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

// usageLimits bounds, for each tenant, how often its usage is written.
type usageLimits struct {
	mu       sync.Mutex
	limiters map[types.UID]*rate.Limiter
}

// reserve lets the caller write the usage of a tenant now when it returns 0, and
// else returns how long to wait before asking again.
func (u *usageLimits) reserve(tenant types.UID, now time.Time) (wait time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	limiter, ok := u.limiters[tenant]
	if !ok {
		limiter = rate.NewLimiter(rate.Every(usageInterval), usageBurst)
		if u.limiters == nil {
			u.limiters = map[types.UID]*rate.Limiter{}
		}
		u.limiters[tenant] = limiter
	}
	reservation := limiter.ReserveN(now, 1)
	wait = reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

func (u *usageLimits) forget(tenant types.UID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.limiters, tenant)
}

// tenantOf returns the tenant of the server pod that a Lease belongs to.
func tenantOf(_ context.Context, lease client.Object) []ctrl.Request {
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
