package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// walk is a comparison of all claims with memory. It goes on in the next pass of the
// upkeep where it has looked at as much as it may at once.
type walk struct {
	began time.Time
	// token is where the LIST of the claims goes on; listed says that it has ended.
	token  string
	listed bool
	// agreed are the resources that hold the claim of the name that they have: all
	// claims would take more memory than all users.
	agreed map[uuid.UUID]struct{}
	// unclaimed are the resources that did not seem to hold one, which are left to be
	// looked at; nil before the LIST has ended.
	unclaimed []string
}

// repairClaims compares claims of the tenant with memory and mends them. more says that
// not all have been looked at yet.
func (u *Upkeep) repairClaims(ctx context.Context) (more bool, err error) {
	if u.walk == nil {
		u.walk = &walk{began: time.Now(), agreed: map[uuid.UUID]struct{}{}}
	}
	w, looked := u.walk, 0
	for !w.listed && looked < u.AtOnce {
		claims, err := u.nextClaims(ctx, w)
		if err != nil {
			return false, err
		}
		count, failed := u.compare(ctx, w, claims)
		looked, err = looked+count, errors.Join(err, failed)
		if err != nil {
			return false, err
		}
	}
	if w.listed && w.unclaimed == nil {
		w.unclaimed = u.unclaimed(w)
	}
	for w.listed && len(w.unclaimed) > 0 && looked < u.AtOnce {
		batch := w.unclaimed[:min(len(w.unclaimed), u.AtOnce-looked)]
		looked += len(batch)
		if err := u.compareUnclaimed(ctx, batch); err != nil {
			return false, err
		}
		w.unclaimed = w.unclaimed[len(batch):]
	}
	if !w.listed || len(w.unclaimed) > 0 {
		return true, nil
	}
	u.walk = nil
	u.holders.end()
	return false, nil
}

// nextClaims returns the next page of the claims, and goes on after it.
func (u *Upkeep) nextClaims(ctx context.Context, w *walk) ([]coordinationv1.Lease, error) {
	options := &client.ListOptions{Namespace: u.tenant.Namespace, Limit: u.PageSize, Continue: w.token}
	client.MatchingLabels{v1alpha1.LabelTenant: u.tenant.Name, v1alpha1.LabelLease: v1alpha1.LeaseClaim}.ApplyToList(options)
	list := &coordinationv1.LeaseList{}
	err := u.client.List(ctx, list, options)
	var expired apierrors.APIStatus
	if apierrors.IsResourceExpired(err) && errors.As(err, &expired) {
		// The page before is too long ago. The API server says how to go on with what
		// there is now, or else the LIST begins anew.
		w.token = expired.Status().Continue
	}
	if err != nil {
		return nil, failure.Wrap(err, "listing the claims")
	}
	w.token, w.listed = list.Continue, list.Continue == ""
	return list.Items, nil
}

// compare mends those of the claims that do not agree with memory. It returns how many
// it took calls to look at.
func (u *Upkeep) compare(ctx context.Context, w *walk, claims []coordinationv1.Lease) (looked int, err error) {
	disagree := func(claims []coordinationv1.Lease) (doubtful []coordinationv1.Lease) {
		for _, claim := range claims {
			if holder, agrees := u.agrees(&claim); agrees {
				w.agreed[holder] = struct{}{}
			} else {
				doubtful = append(doubtful, claim)
			}
		}
		return doubtful
	}
	doubtful := disagree(claims)
	// Claims come before resources, so memory of a moment after the LIST shows a
	// resource for every claim in it that is not under way.
	if len(doubtful) == 0 || !u.store.Current(ctx) {
		return 0, nil
	}
	doubtful = disagree(doubtful)
	wanted := map[string]bool{}
	for _, claim := range doubtful {
		wanted[claim.Name] = true
	}
	return u.mendAll(ctx, findings(u.expected(wanted), doubtful, time.Now(), u.OrphanAge))
}

// mendAll makes the repairs. One that fails does not keep the others from being made.
func (u *Upkeep) mendAll(ctx context.Context, all []finding) (looked int, err error) {
	for _, found := range all {
		calls, failed := u.mend(ctx, found)
		if calls {
			looked++
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("mending the claim %s (%s): %w", found.claim, found.repair, failed))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return looked, err
}

// unclaimed are the names of the claims of resources that did not seem to hold one. What
// was written during the LIST may have a claim that was not in it.
func (u *Upkeep) unclaimed(w *walk) []string {
	unclaimed := []string{}
	u.eachName(func(t *schema.ResourceType, n index.Named) {
		if _, agreed := w.agreed[n.ID]; !agreed && !n.Modified.After(w.began) {
			unclaimed = append(unclaimed, u.claims.Key(t, n.Name).Name)
		}
	})
	slices.Sort(unclaimed)
	return slices.Compact(unclaimed)
}

// compareUnclaimed looks at claims by their names, and mends them.
func (u *Upkeep) compareUnclaimed(ctx context.Context, names []string) error {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	expected := u.expected(wanted)
	var there []coordinationv1.Lease
	for key, holders := range expected {
		claim, err := u.claims.Get(ctx, holders[0].t, holders[0].name)
		if err != nil {
			return failure.Wrap(err, "reading the claim %s", key)
		}
		if claim != nil {
			there = append(there, *claim)
		}
	}
	_, err := u.mendAll(ctx, findings(expected, there, time.Now(), u.OrphanAge))
	return err
}

// agrees reports whether the holder of a claim has the name that it is for.
func (u *Upkeep) agrees(lease *coordinationv1.Lease) (holder uuid.UUID, agrees bool) {
	holder, err := codec.ParseID(claim.HolderOf(lease))
	if err != nil {
		return holder, false
	}
	group, name, has := u.cache.Index().Names().Of(holder)
	return holder, has && u.claims.Key(u.typeOf(group), name).Name == lease.Name
}

// expected returns the resources whose names the wanted claims are for, by claim.
func (u *Upkeep) expected(wanted map[string]bool) map[string][]named {
	expected := map[string][]named{}
	if len(wanted) == 0 {
		return expected
	}
	u.eachName(func(t *schema.ResourceType, n index.Named) {
		if key := u.claims.Key(t, n.Name).Name; wanted[key] {
			expected[key] = append(expected[key], named{t: t, id: n.ID.String(), name: n.Name})
		}
	})
	return expected
}

func (u *Upkeep) eachName(yield func(*schema.ResourceType, index.Named)) {
	registry := u.cache.Registry()
	for _, t := range registry.ResourceTypes() {
		u.cache.Index().Names().Each(t, func(n index.Named) { yield(t, n) })
	}
}
