package kubernetes

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Requests keep claims and resources in agreement by themselves. What a process
// that died leaves, the next request for the name mends; this mends what no
// request asks for, and what people have done to claims. It is the case table of
// Kubernetes' own repair of IPAddresses:
//
//	claim             resource                    repair
//	held by H         H has the name              none
//	missing           H has the name              Missing: create it for H
//	held by H         another one, X, has it      WrongHolder: transfer it to X
//	held by H         nobody has the name         Orphan: delete it, once it is old
//	held by X         X and H have the name       Duplicate: tell, a person must rename H
//
// Memory, which is what is compared, may be behind; so before anything is
// written, the resource is read live, and the claim is written at the revision
// that was compared. A repair that a request has made unnecessary fails.
const (
	repairMissing     = "Missing"
	repairWrongHolder = "WrongHolder"
	repairOrphan      = "Orphan"
	repairDuplicate   = "Duplicate"
)

// orphanAge is how old a claim whose holder has not the name must be to be no
// part of a write under way: requests end after seconds, and the API server gives
// up on a write after a minute.
const orphanAge = 10 * time.Minute

// named is a resource that memory shows under a name.
type named struct {
	t    *scim.ResourceType
	id   string
	name string // canonical
}

// finding is a claim and a resource that do not agree.
type finding struct {
	repair string
	// claim is what the claim is named; lease is it, nil when it is missing.
	claim string
	lease *coordinationv1.Lease
	// holder is who has the name; zero when nobody has.
	holder named
}

// findings compares claims with the resources that have names. It is a pure
// function: expected has the resources by the name of their claim, none without one.
func findings(expected map[string][]named, leases []coordinationv1.Lease, now time.Time, orphanAge time.Duration) []finding {
	var found []finding
	claimed := make(map[string]bool, len(leases))
	for i := range leases {
		lease := &leases[i]
		claimed[lease.Name] = true
		holders := expected[lease.Name]
		if len(holders) == 0 {
			if now.Sub(acquiredAt(lease)) > orphanAge {
				found = append(found, finding{repair: repairOrphan, claim: lease.Name, lease: lease})
			}
			continue
		}
		right := false
		for _, holder := range holders {
			right = right || holder.id == holderOf(lease)
		}
		if !right {
			found = append(found, finding{repair: repairWrongHolder, claim: lease.Name, lease: lease, holder: holders[0]})
		}
		for _, holder := range holders {
			if len(holders) > 1 && holder.id != holderOf(lease) {
				found = append(found, finding{repair: repairDuplicate, claim: lease.Name, lease: lease, holder: holder})
			}
		}
	}
	for claim, holders := range expected {
		if !claimed[claim] {
			found = append(found, finding{repair: repairMissing, claim: claim, holder: holders[0]})
		}
	}
	return found
}

func acquiredAt(lease *coordinationv1.Lease) time.Time {
	if lease.Spec.AcquireTime != nil {
		return lease.Spec.AcquireTime.Time
	}
	return lease.CreationTimestamp.Time
}

// repairClaims compares all claims of the tenant with memory and mends them. more says
// that not all could be looked at.
func (u *Upkeep) repairClaims(ctx context.Context) (more bool, err error) {
	c, err := u.compareClaims(ctx)
	if err != nil {
		return false, err
	}
	// Claims come before resources, so memory of a moment after the LIST shows a
	// resource for every claim in it that is not under way.
	if !u.store.current(ctx, u.store.groupType()) {
		return c.more, nil
	}
	expected := u.expected(u.wanted(c))
	if err := u.lookUp(ctx, c, expected); err != nil {
		return c.more, err
	}
	for _, found := range findings(expected, c.doubtful, time.Now(), u.OrphanAge) {
		if err := u.mend(ctx, found); err != nil {
			return c.more, fmt.Errorf("mending the claim %s (%s): %w", found.claim, found.repair, err)
		}
	}
	return c.more, nil
}

// mend makes one repair, if it is still one. That somebody was faster is fine.
func (u *Upkeep) mend(ctx context.Context, found finding) error {
	s := u.store
	var holder *record
	if found.holder.id != "" {
		var err error
		if holder, err = s.read(ctx, found.holder.t, found.holder.id); err != nil {
			return err
		}
		if !holder.has(found.holder.t, found.holder.name) {
			return nil
		}
	}
	var err error
	switch found.repair {
	case repairMissing:
		_, err = s.claims.create(ctx, found.holder.t, found.holder.name, found.holder.id)
	case repairWrongHolder:
		_, err = s.claims.transfer(ctx, found.lease, found.holder.id)
	case repairOrphan:
		err = s.claims.release(ctx, found.lease)
	}
	if apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	u.repairs.WithLabelValues(found.repair).Inc()
	if holder != nil {
		u.tell(holder, found.repair)
	}
	return nil
}

// tell records an event on a resource whose claim was repaired. No name is in it:
// events are read by more people than users are.
func (u *Upkeep) tell(holder *record, repair string) {
	attribute := store.Name(holder.resource.Type())
	switch repair {
	case repairMissing:
		u.Recorder.Eventf(holder.object, nil, "Normal", "ClaimRepaired", "Repair", "the claim of the %s was missing and has been made again", attribute)
	case repairWrongHolder:
		u.Recorder.Eventf(holder.object, nil, "Normal", "ClaimRepaired", "Repair", "the claim of the %s was held by another resource and has been given back", attribute)
	case repairDuplicate:
		u.Recorder.Eventf(holder.object, nil, "Warning", "DuplicateName", "Repair",
			"another resource of the tenant has the same %s and holds the claim of it; rename one of the two in the identity provider", attribute)
	}
}
