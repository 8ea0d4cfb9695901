package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

// farFromLimit is how far below a limit what memory shows need not be known to be
// current: no replica is that many writes behind.
const farFromLimit = 1000

// farFromFull is the same of bytes.
const farFromFull = 4 << 20

// limits are those of the tenant, and how much of them is taken.
type limits struct {
	consistency *consistency
	objects     *objects.Reader
	tenant      client.ObjectKey
}

// admit refuses a write that would exceed a limit of the tenant. Writes at the
// same moment can exceed a limit by their number.
func (l *limits) admit(ctx context.Context, policy store.Policy, next, current *scim.Resource, adding bool) error {
	if l.consistency.cache != nil {
		if err := l.admitBytes(ctx, next.Type(), policy, store.Growth(next, current, adding)); err != nil {
			return err
		}
		policy.StorageLimit = 0
	}
	if policy.Admit(next, current, adding, store.Counts{Active: math.MaxInt, Objects: math.MaxInt, Bytes: math.MaxInt64}) == nil {
		return nil // No limit is in question.
	}
	far, known, _ := cache.Read(l.consistency.cache, l.consistency.cache.Synced, func(x *index.Index) (store.Counts, error) { return shown(x.Counts()), nil })
	far.Active += farFromLimit
	far.Objects += farFromLimit
	if known && policy.Admit(next, current, adding, far) == nil {
		return nil
	}
	counts, err := l.counts(ctx, next.Type())
	if err != nil {
		return fmt.Errorf("counting the users and groups of the tenant: %w", err)
	}
	return policy.Admit(next, current, adding, counts)
}

// counts counts in memory, or with a LIST of each kind.
func (l *limits) counts(ctx context.Context, t *schema.ResourceType) (counts store.Counts, err error) {
	current := func() bool { return l.consistency.current(ctx, t) }
	counts, known, err := cache.Read(l.consistency.cache, current, func(x *index.Index) (store.Counts, error) { return shown(x.Counts()), nil })
	if known {
		return counts, err
	}
	for _, kind := range []readindex.Kind{readindex.Users, readindex.Groups} {
		err := l.objects.Each(ctx, kind, codec.OfTenant(l.tenant.Name), func(object client.Object) error {
			encoded, err := json.Marshal(object)
			if err != nil {
				return fmt.Errorf("measuring %s: %w", object.GetName(), err)
			}
			counts.Bytes += int64(len(encoded))
			if codec.IsMarker(object) {
				return nil // It stands for nobody.
			}
			counts.Objects++
			user, isUser := object.(*scimv1alpha1.ScimUser)
			if isUser && user.Labels[scimv1alpha1.LabelDeleted] == "" && (user.Spec.Active == nil || *user.Spec.Active) {
				counts.Active++
			}
			return nil
		})
		if err != nil {
			return counts, err
		}
	}
	return counts, nil
}

// admitBytes refuses a write that adds so many bytes for which the tenant has no room, by
// what memory shows. While that is not there, the write passes: it is not worth a LIST of
// everything, and how much is written is bounded anyway.
func (l *limits) admitBytes(ctx context.Context, t *schema.ResourceType, policy store.Policy, growth int64) error {
	if !l.consistency.cache.Synced() {
		return nil
	}
	if policy.AdmitBytes(growth, charged(l.consistency.cache.Counts(), policy)+farFromFull) == nil {
		return nil
	}
	_ = l.consistency.current(ctx, t) // If it cannot be, what it shows has to do.
	return policy.AdmitBytes(growth, charged(l.consistency.cache.Counts(), policy))
}

// shown are the counts of what memory shows.
func shown(in index.Counts) store.Counts {
	return store.Counts{Active: in.ActiveUsers, Objects: in.Users + in.Kept + in.Groups, Bytes: in.Bytes}
}

// charged is how many bytes count against the storage limit: all but those of as many markers as are to
// stay, so that who deletes makes room. More of them than that, which are there for a while when very
// many are deleted, have the bound of everything else.
func charged(in index.Counts, policy store.Policy) int64 {
	free := in.MarkerBytes
	if in.Markers > policy.MostTombstones {
		free = free * int64(policy.MostTombstones) / int64(in.Markers)
	}
	return in.Bytes - free
}
