package kubernetes

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// NewUpkeep returns the upkeep of a store, which must have a cache, and registers its
// metrics. What of the options is the store's, it sets.
func NewUpkeep(s *Store, o upkeep.Options, registry prometheus.Registerer) *upkeep.Upkeep {
	o.Store, o.Client, o.Unmetered, o.Tenant, o.Lead = duties{s}, s.client, s.unmetered, s.tenant, s.members.Lead
	o.Objects, o.Claims, o.Cache = s.objects, s.claims, s.cache
	return upkeep.New(o, registry)
}

// duties are what the upkeep has the store do.
type duties struct{ store *Store }

var _ upkeep.Store = duties{}

// Current implements upkeep.Store.
func (d duties) Current(ctx context.Context) bool {
	return d.store.consistency.current(ctx, d.store.groupType())
}

// GroupType implements upkeep.Store.
func (d duties) GroupType() *schema.ResourceType { return d.store.groupType() }

// Strip implements upkeep.Store.
func (d duties) Strip(ctx context.Context, id string, may func(objects.Presence) bool) (from []string, err error) {
	return d.store.strip(ctx, id, may)
}

// Gathers implements upkeep.Store.
func (d duties) Gathers(ctx context.Context) (bool, error) {
	gathers, err := d.store.members.AllFence(ctx)
	if err != nil {
		return false, fmt.Errorf("asking which replicas are of an older release: %w", err)
	}
	return gathers, nil
}

// Few implements upkeep.Store.
func (d duties) Few() int { return d.store.sizes.inline }

// GatherStrays implements upkeep.Store.
func (d duties) GatherStrays(ctx context.Context, from *index.Slice) error {
	return d.store.gatherStrays(ctx, from)
}

// CopyInline implements upkeep.Store.
func (d duties) CopyInline(ctx context.Context, group uuid.UUID) error {
	return d.store.copyInline(ctx, group)
}

// EmptyInline implements upkeep.Store.
func (d duties) EmptyInline(ctx context.Context, group uuid.UUID) error {
	return d.store.emptyInline(ctx, group)
}

// RemoveSlices implements upkeep.Store.
func (d duties) RemoveSlices(ctx context.Context, group string, may func(objects.Presence) bool) (members int, err error) {
	return d.store.removeSlices(ctx, group, may)
}
