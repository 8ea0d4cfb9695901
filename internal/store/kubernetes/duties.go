package kubernetes

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

// NewUpkeep returns the upkeep of a store, which must have a cache, and registers its
// metrics.
func NewUpkeep(s *Store, registry prometheus.Registerer) *upkeep.Upkeep {
	return upkeep.New(upkeep.Options{
		Store: duties{s}, Client: s.client, Tenant: s.tenant, Objects: s.objects, Claims: s.claims, Cache: s.cache, Lead: s.members.Lead,
	}, registry)
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

// RemoveSlices implements upkeep.Store.
func (d duties) RemoveSlices(ctx context.Context, group string, may func(objects.Presence) bool) (members int, err error) {
	return d.store.removeSlices(ctx, group, may)
}
