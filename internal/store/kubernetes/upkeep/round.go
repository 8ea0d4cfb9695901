package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/sleep"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// pagePause is how long after a page of claims the next one is asked for, so that a walk through
// those of many tenants is no load that anybody notices.
const pagePause = 100 * time.Millisecond

// Run does the upkeep of all tenants of a namespace until the context is done, one after the other,
// where this replica leads. That of a tenant that has gone meanwhile is asked for no more.
func Run(ctx context.Context, lead func() bool, all func() []*Upkeep) {
	tick, soon := time.NewTicker(period), time.NewTicker(labelPeriod)
	defer tick.Stop()
	defer soon.Stop()
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-soon.C:
			LabelSome(ctx, lead(), all(), turn)
			continue
		case <-tick.C:
		}
		tenants := all()
		for _, one := range tenants {
			switch {
			case ctx.Err() != nil:
				return
			case !lead():
				one.StandBy()
			default:
				one.warn(ctx, one.Pass(ctx, len(tenants) == 1 && one.isDue()))
			}
		}
		if lead() && len(tenants) > 1 {
			CompareAll(ctx, tenants)
		}
	}
}

// isDue reports whether it is time to look through the claims.
func (u *Upkeep) isDue() bool { return !time.Now().Before(u.claimsDue) }

// warn tells that something failed.
func (u *Upkeep) warn(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		u.Log.Warn("the upkeep failed and is tried again", slog.Any("error", err))
	}
}

// CompareAll compares the claims of those of many tenants that are due with memory, by one walk
// through all claims of the namespace.
func CompareAll(ctx context.Context, tenants []*Upkeep) {
	due := map[string]*Upkeep{}
	for _, one := range tenants {
		if one.isDue() && one.begin() {
			due[one.Tenant.Name] = one
			one.walk = one.newWalk()
		}
	}
	if len(due) == 0 {
		return
	}
	by := tenants[0] // Any of them can list the namespace.
	looked := map[*Upkeep]int{}
	for token, more := "", true; more && ctx.Err() == nil; {
		claims, next, err := by.listClaims(ctx, client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim}, token)
		if err != nil {
			by.warn(ctx, err)
			return // All is due still.
		}
		for name, its := range byTenant(claims) {
			if one := due[name]; one != nil && looked[one] < one.AtOnce {
				count, err := one.walk.compare(ctx, its)
				looked[one] += count
				one.warn(ctx, err)
			}
		}
		token, more = next, next != ""
		sleep.For(ctx, pagePause)
	}
	for _, one := range due {
		one.endRound(ctx, looked[one] < one.AtOnce)
	}
}

// endRound looks at what holds no claim, after all claims have been looked at, and is done until
// the next time. Where not all were, there is more to do at once.
func (u *Upkeep) endRound(ctx context.Context, complete bool) {
	defer func() { u.walk = nil }()
	if !complete {
		return
	}
	u.walk.listed = true
	over, err := u.walk.goOn(ctx)
	u.warn(ctx, err)
	if over && err == nil {
		u.holders.end()
		u.claimsDue = time.Now().Add(claimsPeriod)
	}
}

// newWalk returns a walk through the claims that begins now.
func (u *Upkeep) newWalk() *walk {
	return &walk{upkeep: u, began: time.Now(), agreed: map[uuid.UUID]struct{}{}}
}

// byTenant divides claims by whose they are.
func byTenant(claims []coordinationv1.Lease) map[string][]coordinationv1.Lease {
	divided := map[string][]coordinationv1.Lease{}
	for _, claim := range claims {
		tenant := claim.Labels[scimv1alpha1.LabelTenant]
		divided[tenant] = append(divided[tenant], claim)
	}
	return divided
}

// listClaims returns a page of claims, and where to go on after it; empty after the last one. When
// the page before is too long ago, that says where to go on with what there is now, with an error.
func (u *Upkeep) listClaims(ctx context.Context, selected client.MatchingLabels, token string) (claims []coordinationv1.Lease, next string, err error) {
	options := &client.ListOptions{Namespace: u.Tenant.Namespace, Limit: u.PageSize, Continue: token}
	selected.ApplyToList(options)
	list := &coordinationv1.LeaseList{}
	err = u.Client.List(ctx, list, options)
	var expired apierrors.APIStatus
	if apierrors.IsResourceExpired(err) && errors.As(err, &expired) {
		return nil, expired.Status().Continue, failure.Wrap(err, "listing the claims")
	}
	if err != nil {
		return nil, token, failure.Wrap(err, "listing the claims")
	}
	return list.Items, list.Continue, nil
}
