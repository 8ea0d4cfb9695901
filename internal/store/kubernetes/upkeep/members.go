package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

// missing is what memory shows to be missing.
type missing struct {
	// deleted are ids of which memory shows that somebody has deleted them.
	deleted []uuid.UUID
	// absent are ids that have been absent for long enough.
	absent []uuid.UUID
}

// look times what is missing, and returns the members and the groups of slices for
// which there seems to be evidence. It says nothing while memory is not complete.
func (u *Upkeep) look() (members, groups missing) {
	type shown struct{ members, groups []index.Missing }
	all, known, _ := cache.Read(u.Cache, u.Cache.Synced, func(x *index.Index) (shown, error) {
		return shown{members: x.Members().Missing(), groups: x.Members().MissingGroups()}, nil
	})
	if !known {
		return missing{}, missing{}
	}
	members, absent := u.sort(&u.members, all.members)
	groups, _ = u.sort(&u.groups, all.groups)
	u.Metrics.Absent.Set(float64(absent))
	return members, groups
}

// sort sorts what is missing, and returns how much of it is absent.
func (u *Upkeep) sort(times *absences, all []index.Missing) (found missing, absent int) {
	now := u.Now()
	for _, one := range all {
		switch {
		case one.Deleted:
			found.deleted = append(found.deleted, one.ID)
		case times.missing(one.ID.String(), now) >= u.AbsenceAge:
			found.absent = append(found.absent, one.ID)
		}
	}
	return found, times.end()
}

// removeMissing takes members that are gone out of the groups that list them, and
// deletes the slices of groups that are gone.
func (u *Upkeep) removeMissing(ctx context.Context) error {
	if !u.Store.Current(ctx) {
		return nil
	}
	members, groups := u.look()
	left := leavers{upkeep: u, from: map[string][]string{}}
	err := errors.Join(
		left.each(ctx, members.deleted, batch, objects.IsDeleted, evidenceDeleted),
		left.each(ctx, members.absent, absentAtOnce, objects.IsGone, EvidenceAbsent),
	)
	left.report(ctx)
	for _, group := range first(groups.deleted, batch) {
		err = errors.Join(err, u.removeOrphans(ctx, group, objects.IsDeleted, evidenceDeleted))
	}
	for _, group := range first(groups.absent, absentAtOnce) {
		err = errors.Join(err, u.removeOrphans(ctx, group, objects.IsGone, EvidenceAbsent))
	}
	return err
}

// The evidence on which memberships are removed, as it is counted.
const (
	evidenceDeleted = "Deleted"
	EvidenceAbsent  = "Absent"
)

// leavers are members that were taken out of groups.
type leavers struct {
	upkeep *Upkeep
	from   map[string][]string // by group
}

// each takes as many of the members out of their groups as the limit, on evidence.
func (l *leavers) each(ctx context.Context, members []uuid.UUID, limit int, may func(objects.Presence) bool, evidence string) error {
	for _, member := range first(members, limit) {
		groups, err := l.upkeep.Store.Strip(ctx, member.String(), may)
		for _, group := range groups {
			l.from[group] = append(l.from[group], member.String())
			l.upkeep.Metrics.Left.WithLabelValues(evidence).Inc()
		}
		if err != nil && !errors.Is(err, objects.ErrPresent) {
			return fmt.Errorf("taking a member that is gone out of its groups: %w", err)
		}
	}
	return nil
}

// report logs who left which group, and records an event on the group.
func (l *leavers) report(ctx context.Context) {
	u := l.upkeep
	for _, group := range slices.Sorted(maps.Keys(l.from)) {
		members := l.from[group]
		u.Log.Warn("members that do not exist were taken out of a group", slog.String("group", group), slog.Any("members", members))
		object, err := u.Objects.Read(ctx, u.Store.GroupType(), group)
		if err != nil || object == nil {
			continue // The log has it.
		}
		u.Recorder.Eventf(object.Object, nil, "Warning", "MembersRemoved", "Upkeep",
			"%d members that were deleted, or absent for %s, were taken out of the group: %s", len(members), u.AbsenceAge, some(members))
	}
}

// some is a list of a few of the ids.
func some(ids []string) string {
	const few = 5
	if len(ids) <= few {
		return fmt.Sprint(ids)
	}
	return fmt.Sprint(ids[:few]) + " and others; the log of the server has all"
}

// removeDeleted removes the memberships and the slices of what somebody has deleted.
func (u *Upkeep) removeDeleted(ctx context.Context, id uuid.UUID, group bool) error {
	left := leavers{upkeep: u, from: map[string][]string{}}
	err := left.each(ctx, []uuid.UUID{id}, 1, objects.IsDeleted, evidenceDeleted)
	left.report(ctx)
	if err != nil || !group {
		return err
	}
	return u.removeOrphans(ctx, id, objects.IsDeleted, evidenceDeleted)
}

// removeOrphans deletes the slices of a group that is gone, on evidence. There is no group
// for an event.
func (u *Upkeep) removeOrphans(ctx context.Context, group uuid.UUID, may func(objects.Presence) bool, evidence string) error {
	members, err := u.Store.RemoveSlices(ctx, group.String(), may)
	if members > 0 {
		u.Metrics.Left.WithLabelValues(evidence).Add(float64(members))
		u.Log.Warn("the members of a group that is gone were removed", slog.String("group", group.String()), slog.Int("members", members))
	}
	return err
}

// disown takes the owner references off slices, which they had once: a restored
// group has another uid, and Kubernetes would delete all of its slices.
func (u *Upkeep) disown(ctx context.Context) error {
	return u.Objects.EachMetadata(ctx, "ScimGroupMembers", func(slice *metav1.PartialObjectMetadata) error {
		if len(slice.OwnerReferences) == 0 {
			return nil
		}
		slice.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimGroupMembers"))
		patch := client.MergeFromWithOptions(slice.DeepCopy(), client.MergeFromWithOptimisticLock{})
		slice.OwnerReferences = nil
		return failure.IgnoreRaces(failure.Wrap(u.Client.Patch(ctx, slice, patch), "taking the owner off the members %s", slice.Name))
	})
}

// first returns the first of the ids, up to the limit.
func first(ids []uuid.UUID, limit int) []uuid.UUID { return ids[:min(limit, len(ids))] }
