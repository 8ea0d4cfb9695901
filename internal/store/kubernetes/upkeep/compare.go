package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// walk is a comparison of all claims with memory. It goes on in the next pass of the
// upkeep where it has looked at as much as it may at once.
type walk struct {
	upkeep *Upkeep
	began  time.Time
	// token is where the LIST of the claims goes on; listed says that it has ended.
	token  string
	listed bool
	// agreed are the resources that hold the claim of the name that they have: all
	// claims would take more memory than all users.
	agreed map[uuid.UUID]struct{}
	// left are the claims of resources that did not seem to hold one, which are left to be
	// looked at; nil before the LIST has ended.
	left []string
}

// repairClaims compares claims of the tenant with memory and mends them. more says that
// not all have been looked at yet.
func (u *Upkeep) repairClaims(ctx context.Context) (more bool, err error) {
	if u.walk == nil {
		u.walk = u.newWalk()
	}
	over, err := u.walk.goOn(ctx)
	if err != nil {
		return false, err
	}
	if !over {
		return true, nil
	}
	u.walk = nil
	u.holders.end()
	return false, nil
}

// goOn looks at as many claims as may be looked at in a pass, and reports whether that were
// the last ones.
func (w *walk) goOn(ctx context.Context) (over bool, err error) {
	looked, atOnce := 0, w.upkeep.AtOnce
	for !w.listed && looked < atOnce {
		claims, err := w.nextClaims(ctx)
		if err != nil {
			return false, err
		}
		count, err := w.compare(ctx, claims)
		looked += count
		if err != nil {
			return false, err
		}
	}
	if w.listed && w.left == nil {
		w.left = w.unclaimed()
	}
	for w.listed && len(w.left) > 0 && looked < atOnce {
		batch := w.left[:min(len(w.left), atOnce-looked)]
		looked += len(batch)
		if err := w.compareUnclaimed(ctx, batch); err != nil {
			return false, err
		}
		w.left = w.left[len(batch):]
	}
	return w.listed && len(w.left) == 0, nil
}

// nextClaims returns the next page of the claims, and goes on after it.
func (w *walk) nextClaims(ctx context.Context) (claims []coordinationv1.Lease, err error) {
	claims, w.token, err = w.upkeep.listClaims(ctx, client.MatchingLabels{
		scimv1alpha1.LabelTenant: w.upkeep.Tenant.Name, scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim,
	}, w.token)
	w.listed = err == nil && w.token == ""
	return claims, err
}

// compare mends those of the claims that do not agree with memory. It returns how many
// it took calls to look at.
func (w *walk) compare(ctx context.Context, claims []coordinationv1.Lease) (looked int, err error) {
	disagree := func(claims []coordinationv1.Lease) (doubtful []coordinationv1.Lease) {
		for _, claim := range claims {
			if holder, agrees := w.agrees(&claim); agrees {
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
	if len(doubtful) == 0 || !w.upkeep.Store.Current(ctx) {
		return 0, nil
	}
	doubtful = disagree(doubtful)
	wanted := map[string]bool{}
	for _, claim := range doubtful {
		wanted[claim.Name] = true
	}
	return w.mendAll(ctx, findings(w.expected(wanted), doubtful, time.Now(), w.upkeep.OrphanAge))
}

// mendAll makes the repairs. One that fails does not keep the others from being made.
func (w *walk) mendAll(ctx context.Context, all []finding) (looked int, err error) {
	for _, found := range all {
		calls, failed := w.upkeep.mend(ctx, found)
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
func (w *walk) unclaimed() []string {
	unclaimed := []string{}
	w.eachName(func(t *schema.ResourceType, n index.Named) {
		if _, agreed := w.agreed[n.ID]; !agreed && !n.Modified.After(w.began) {
			unclaimed = append(unclaimed, w.upkeep.Claims.Key(t, n.Name).Name)
		}
	})
	slices.Sort(unclaimed)
	return slices.Compact(unclaimed)
}

// compareUnclaimed looks at claims by their names, and mends them.
func (w *walk) compareUnclaimed(ctx context.Context, names []string) error {
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	expected := w.expected(wanted)
	var there []coordinationv1.Lease
	for key, holders := range expected {
		claim, err := w.upkeep.Claims.Get(ctx, holders[0].t, holders[0].name)
		if err != nil {
			return failure.Wrap(err, "reading the claim %s", key)
		}
		if claim != nil {
			there = append(there, *claim)
		}
	}
	_, err := w.mendAll(ctx, findings(expected, there, time.Now(), w.upkeep.OrphanAge))
	return err
}

// agrees reports whether the holder of a claim has the name that it is for.
func (w *walk) agrees(lease *coordinationv1.Lease) (holder uuid.UUID, agrees bool) {
	holder, err := codec.ParseID(claim.HolderOf(lease))
	if err != nil {
		return holder, false
	}
	group, name, has := w.upkeep.Cache.Index().Names().Of(holder)
	return holder, has && w.upkeep.Claims.Key(w.upkeep.typeOf(group), name).Name == lease.Name
}

// expected returns the resources whose names the wanted claims are for, by claim.
func (w *walk) expected(wanted map[string]bool) map[string][]named {
	expected := map[string][]named{}
	if len(wanted) == 0 {
		return expected
	}
	w.eachName(func(t *schema.ResourceType, n index.Named) {
		if key := w.upkeep.Claims.Key(t, n.Name).Name; wanted[key] {
			expected[key] = append(expected[key], named{t: t, id: n.ID.String(), name: n.Name})
		}
	})
	return expected
}

func (w *walk) eachName(yield func(*schema.ResourceType, index.Named)) {
	for _, t := range w.upkeep.registry.ResourceTypes() {
		w.upkeep.Cache.Index().Names().Each(t, func(n index.Named) { yield(t, n) })
	}
}
