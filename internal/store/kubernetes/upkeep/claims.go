package upkeep

import (
	"context"
	"log/slog"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
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
// Memory, which is what is compared, may be behind, and may leave out what it cannot
// read or has lost sight of; and clocks may be wrong. So a repair does what everybody
// who takes a claim does: it reads the holder live, writes it so that a late write of it
// fails, and then writes the claim at the revision that was compared. What a request
// has made unnecessary fails. An orphan whose holder does not exist at all waits until
// it has been absent for long: it may come yet, from a backup, and a request that wants
// the name does not wait for the repair.
const (
	RepairMissing     = "Missing"
	RepairWrongHolder = "WrongHolder"
	RepairOrphan      = "Orphan"
	RepairDuplicate   = "Duplicate"
)

// orphanAge is how old a claim whose holder has not the name must be to be no
// part of a write under way: requests end after seconds, and the API server gives
// up on a write after a minute.
const orphanAge = 10 * time.Minute

// named is a resource that memory shows under a name.
type named struct {
	t    *schema.ResourceType
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
				found = append(found, finding{repair: RepairOrphan, claim: lease.Name, lease: lease})
			}
			continue
		}
		right := false
		for _, holder := range holders {
			right = right || holder.id == claim.HolderOf(lease)
		}
		if !right {
			found = append(found, finding{repair: RepairWrongHolder, claim: lease.Name, lease: lease, holder: holders[0]})
		}
		for _, holder := range holders {
			if len(holders) > 1 && holder.id != claim.HolderOf(lease) {
				found = append(found, finding{repair: RepairDuplicate, claim: lease.Name, lease: lease, holder: holder})
			}
		}
	}
	for claim, holders := range expected {
		if !claimed[claim] {
			found = append(found, finding{repair: RepairMissing, claim: claim, holder: holders[0]})
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

// mend makes one repair, if it is still one, and reports whether it took calls to find
// out. That somebody was faster is fine.
func (u *Upkeep) mend(ctx context.Context, found finding) (looked bool, err error) {
	if found.repair == RepairOrphan {
		return u.mendOrphan(ctx, found.lease)
	}
	name := found.holder.name
	holder, err := u.Objects.Read(ctx, found.holder.t, found.holder.id)
	if err != nil || !holder.Has(found.holder.t, name) {
		return true, err
	}
	repair := found.repair
	switch repair {
	case RepairMissing:
		_, err = u.Claims.Create(ctx, found.holder.t, name, found.holder.id)
	case RepairWrongHolder:
		repair, err = u.restoreHolder(ctx, found)
	}
	if err != nil {
		return true, failure.IgnoreRaces(failure.Wrap(err, "writing it"))
	}
	u.Metrics.Repairs.WithLabelValues(repair).Inc()
	u.report(holder, repair)
	return true, nil
}

// restoreHolder transfers a claim to the resource that has the name, unless its holder has
// the name too. It returns what was wrong.
func (u *Upkeep) restoreHolder(ctx context.Context, found finding) (repair string, err error) {
	t, name := found.holder.t, found.holder.name
	former, err := u.Objects.Read(ctx, t, claim.HolderOf(found.lease))
	if err != nil {
		return "", err
	}
	if former.Has(t, name) {
		return RepairDuplicate, nil
	}
	if err := u.Claims.Fence(ctx, t, name, claim.HolderOf(found.lease), former); err != nil {
		return "", err
	}
	_, err = u.Claims.Transfer(ctx, found.lease, found.holder.id)
	return RepairWrongHolder, err
}

// mendOrphan deletes a claim that nobody seems to have, if that is so.
func (u *Upkeep) mendOrphan(ctx context.Context, lease *coordinationv1.Lease) (looked bool, err error) {
	t := u.typeOf(lease.Labels[claim.LabelAttribute] == store.Name(u.typeOf(true)))
	id, err := codec.ParseID(claim.HolderOf(lease))
	if err != nil {
		return true, u.releaseOrphan(ctx, lease) // It was made by hand, and nobody is to come.
	}
	absence := time.Duration(0)
	if !u.Cache.Index().Knows(id) {
		if absence = u.holders.missing(id.String(), u.Now()); absence < u.AbsenceAge {
			return false, nil
		}
	}
	holder, err := u.Objects.Read(ctx, t, id.String())
	switch {
	case err != nil:
		return true, err
	case holder == nil && absence < u.AbsenceAge:
		return true, nil // Memory is behind, and will show that it is gone.
	case holder != nil && holder.Has(t, store.NameOf(holder.Resource)) && u.Claims.Key(t, store.NameOf(holder.Resource)).Name == lease.Name:
		u.Log.Error("a resource is not in memory, although it has a name and holds the claim of it; look in this log for why it cannot be read",
			slog.String("name", id.String()))
		return true, nil
	}
	if err := u.Claims.Fence(ctx, t, "", id.String(), holder); err != nil {
		return true, failure.IgnoreRaces(err)
	}
	return true, u.releaseOrphan(ctx, lease)
}

func (u *Upkeep) releaseOrphan(ctx context.Context, lease *coordinationv1.Lease) error {
	if err := u.Claims.Release(ctx, lease); err != nil {
		return err
	}
	u.Metrics.Repairs.WithLabelValues(RepairOrphan).Inc()
	return nil
}

// report records an event on a resource whose claim was repaired. No name is in it:
// events are read by more people than users are.
func (u *Upkeep) report(holder *codec.Record, repair string) {
	attribute := store.Name(holder.Resource.Type())
	switch repair {
	case RepairMissing:
		u.Recorder.Eventf(holder.Object, nil, "Normal", "ClaimRepaired", "Repair", "the claim of the %s was missing and has been made again", attribute)
	case RepairWrongHolder:
		u.Recorder.Eventf(holder.Object, nil, "Normal", "ClaimRepaired", "Repair", "the claim of the %s was held by another resource and has been given back", attribute)
	case RepairDuplicate:
		u.Recorder.Eventf(holder.Object, nil, "Warning", "DuplicateName", "Repair",
			"another resource of the tenant has the same %s and holds the claim of it; rename one of the two in the identity provider", attribute)
	}
}
