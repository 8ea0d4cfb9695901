package kubernetes

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store/index"
)

// comparison is what comparing all claims with memory leaves to be looked at.
type comparison struct {
	began time.Time
	// agreed are the resources that hold the claim of the name that they have.
	agreed map[uuid.UUID]struct{}
	// doubtful are the other claims.
	doubtful []coordinationv1.Lease
	// more says that there are too many to look at all at once.
	more bool
}

// compareClaims LISTs the claims in pages. Of those that agree with memory it keeps no
// more than whose they are: all claims would take more memory than all users.
func (u *Upkeep) compareClaims(ctx context.Context) (*comparison, error) {
	s := u.store
	c := &comparison{began: time.Now(), agreed: map[uuid.UUID]struct{}{}}
	options := &client.ListOptions{Namespace: s.tenant.Namespace, Limit: pageSize}
	client.MatchingLabels{v1alpha1.LabelTenant: s.tenant.Name, v1alpha1.LabelLease: v1alpha1.LeaseClaim}.ApplyToList(options)
	for {
		list := &coordinationv1.LeaseList{}
		if err := s.client.List(ctx, list, options); err != nil {
			return nil, fmt.Errorf("listing the claims: %w", err)
		}
		for _, lease := range list.Items {
			if holder, agrees := u.agrees(&lease); agrees {
				c.agreed[holder] = struct{}{}
			} else if c.more = c.more || len(c.doubtful) == u.atOnce; !c.more {
				lease.ManagedFields = nil
				c.doubtful = append(c.doubtful, lease)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return c, nil
		}
	}
}

// agrees reports whether the holder of a claim has the name that it is for.
func (u *Upkeep) agrees(claim *coordinationv1.Lease) (holder uuid.UUID, agrees bool) {
	holder, err := idOf(holderOf(claim))
	if err != nil {
		return holder, false
	}
	group, name, has := u.store.mirror.index.NameOf(holder)
	return holder, has && u.store.claims.key(u.typeOf(group), name).Name == claim.Name
}

// wanted are the names of the claims to be looked at: the doubtful ones, and those of
// resources that do not hold the claim of their name.
func (u *Upkeep) wanted(c *comparison) map[string]bool {
	wanted := map[string]bool{}
	for _, claim := range c.doubtful {
		wanted[claim.Name] = true
	}
	unclaimed := 0
	u.eachName(func(t *scim.ResourceType, n index.Named) {
		// What was written during the LIST may have a claim that is not in it.
		if _, agreed := c.agreed[n.ID]; agreed || n.Modified.After(c.began) {
			return
		}
		if unclaimed++; unclaimed > u.atOnce {
			c.more = true
			return
		}
		wanted[u.store.claims.key(t, n.Name).Name] = true
	})
	return wanted
}

// expected returns the resources whose names the wanted claims are for, by claim.
func (u *Upkeep) expected(wanted map[string]bool) map[string][]named {
	expected := map[string][]named{}
	if len(wanted) == 0 {
		return expected
	}
	u.eachName(func(t *scim.ResourceType, n index.Named) {
		if key := u.store.claims.key(t, n.Name).Name; wanted[key] {
			expected[key] = append(expected[key], named{t: t, id: n.ID.String(), name: n.Name})
		}
	})
	return expected
}

func (u *Upkeep) eachName(yield func(*scim.ResourceType, index.Named)) {
	registry := u.store.mirror.following()
	for _, t := range registry.ResourceTypes() {
		u.store.mirror.index.EachName(t, func(n index.Named) { yield(t, n) })
	}
}

// lookUp adds to the doubtful claims those of resources that did not seem to hold one.
func (u *Upkeep) lookUp(ctx context.Context, c *comparison, expected map[string][]named) error {
	known := map[string]bool{}
	for _, claim := range c.doubtful {
		known[claim.Name] = true
	}
	for key, holders := range expected {
		if known[key] {
			continue
		}
		claim, err := u.store.claims.get(ctx, holders[0].t, holders[0].name)
		if err != nil {
			return fmt.Errorf("reading the claim %s: %w", key, err)
		}
		if claim != nil {
			c.doubtful = append(c.doubtful, *claim)
		}
	}
	return nil
}
