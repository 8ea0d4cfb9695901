package upkeep

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// retained reports whether a user who was deleted then is kept still.
func (u *Upkeep) retained(deleted time.Time) bool {
	retention := u.Policy().Retention
	// Who has marked it by hand has not said when.
	return deleted.IsZero() || retention == nil || time.Since(deleted) <= *retention
}

// removeKept removes a page of the kept users whose retention is over. Whoever was away when one was
// deleted, and is back, learns of it by a marker that is left for as long as others.
func (u *Upkeep) removeKept(ctx context.Context) error {
	for _, kept := range u.Cache.Index().KeptBefore(batch, func(k index.Kept) bool { return !k.Marker && !u.retained(k.Deleted) }) {
		err := u.remove(ctx, kept.ID, kept.Group, func(read *codec.Record) bool {
			return !codec.IsMarker(read.Object) && !u.retained(codec.MetaOf(read.Object).DeletedTime.Time)
		})
		if err != nil {
			return fmt.Errorf("removing what is kept of %s: %w", kept.ID, err)
		}
	}
	return nil
}

// removeMarkers removes a page of the markers that have stayed for long enough, or that are too many.
func (u *Upkeep) removeMarkers(ctx context.Context) error {
	for _, marker := range u.expired(u.Cache.Index().Markers()) {
		err := u.remove(ctx, marker.ID, marker.Group, func(read *codec.Record) bool {
			return codec.IsMarker(read.Object) && codec.RevisionOf(read.Object) == marker.Revision
		})
		if err != nil {
			return fmt.Errorf("removing the marker %s: %w", marker.ID, err)
		}
	}
	return nil
}

// expired returns a page of the markers that are to go, the oldest first: those that have stayed for as
// long as the tenant wants, and the oldest of more than it wants. None goes before it
// is MarkerAge old, and none before the guard that counts by it has done so for its window.
func (u *Upkeep) expired(all []index.Kept) []index.Kept {
	all = slices.DeleteFunc(all, func(m index.Kept) bool { return m.Deleted.IsZero() })
	slices.SortFunc(all, func(a, b index.Kept) int { return a.Deleted.Compare(b.Deleted) })
	policy := u.Policy()
	stay := max(u.MarkerAge, policy.Tombstones)
	var gone []index.Kept
	for i, marker := range all {
		age, younger := time.Since(marker.Deleted), len(all)-i-1
		if len(gone) == batch || age <= stay && younger < policy.MostTombstones {
			break
		}
		if age > stay || age > u.leastAge(marker, policy) {
			gone = append(gone, marker)
		}
	}
	return gone
}

// leastAge is how old a marker gets, however many there are.
func (u *Upkeep) leastAge(marker index.Kept, policy store.Policy) time.Duration {
	if policy.Guard == nil || marker.Left == 0 {
		return u.MarkerAge
	}
	return max(u.MarkerAge, policy.Guard.Window)
}

// typeOf is the resource type of a group or a user.
func (u *Upkeep) typeOf(group bool) *schema.ResourceType {
	if group {
		return u.registry.Group()
	}
	return u.registry.User()
}

// remove deletes what is left of a user or group that was deleted, and then its claim, if it is to go
// still by what the API server has. It is the evidence on which its memberships and slices are removed,
// so that these go first.
func (u *Upkeep) remove(ctx context.Context, id uuid.UUID, group bool, still func(*codec.Record) bool) error {
	t := u.typeOf(group)
	read, err := u.Objects.Read(ctx, t, id.String())
	if err != nil || !read.Kept() || !still(read) {
		return err
	}
	leaves := u.leavesMarker(read)
	if !leaves && u.Forgetting != nil {
		may, err := u.Forgetting(ctx, group, codec.RevisionOf(read.Object), codec.MetaOf(read.Object).DeletedTime.Time)
		if err != nil || !may {
			return err
		}
	}
	if err := u.removeDeleted(ctx, id, group); err != nil {
		return err
	}
	claim, err := u.Claims.Held(ctx, t, store.NameOf(read.Resource), id.String())
	if err != nil {
		return failure.Wrap(err, "reading its claim")
	}
	var auditID atomic.Pointer[string]
	logged := store.WithActor(ctx, store.Actor{RequestID: uuid.NewString(), AuditID: &auditID})
	if err := u.erase(logged, t, read, leaves); err != nil {
		return failure.IgnoreRaces(failure.Wrap(err, "deleting it"))
	}
	if !codec.IsMarker(read.Object) {
		u.Metrics.Removed.Inc()
		if u.Expired != nil {
			u.Expired(t, id.String(), ptr.Deref(auditID.Load(), ""))
		}
	}
	return u.Claims.Release(ctx, claim)
}

// leavesMarker reports whether a marker comes in the place of what is kept: where one would be there still if it had
// been deleted for good at once.
func (u *Upkeep) leavesMarker(read *codec.Record) bool {
	return !codec.IsMarker(read.Object) && time.Since(codec.MetaOf(read.Object).DeletedTime.Time) < u.Policy().Tombstones
}

// erase deletes an object as it was read, or leaves a marker in its place.
func (u *Upkeep) erase(ctx context.Context, t *schema.ResourceType, read *codec.Record, leaves bool) error {
	meta, by := codec.MetaOf(read.Object), codec.WriterOf(ctx)
	if !leaves {
		return u.Client.Delete(ctx, read.Object, client.Preconditions{
			UID:             ptr.To(read.Object.GetUID()),
			ResourceVersion: ptr.To(read.Object.GetResourceVersion()),
		})
	}
	marker, err := codec.Marker(u.Tenant, read.Object, t, read.Object.GetName(), meta, by)
	if err != nil {
		return err
	}
	return u.Client.Update(ctx, marker, by.Owner)
}
