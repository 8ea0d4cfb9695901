package kubernetes

import (
	"context"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

// Members are the replicas of a tenant, this one among them: a driver.Replica.
type Members interface {
	cache.Members
	// Member reports whether this replica may answer clients at this moment.
	Member() bool
	// Disclose waits until no other replica counts on that it knows all which the Marks cover
	// of the tenant, without knowing it. An error is that of the context.
	Disclose(ctx context.Context, tenant readindex.Tenant) error
	// Lead reports whether this replica is the one that does what one of them is to do.
	Lead() bool
}

// alone is a replica without others.
type alone struct{ cache *cache.Cache }

var _ Members = alone{}

// Member implements Members.
func (alone) Member() bool { return true }

// Lead implements Members.
func (alone) Lead() bool { return true }

// ReadIndex implements Members.
func (a alone) ReadIndex(context.Context, readindex.Tenant) (readindex.Revisions, error) {
	return a.cache.Revisions(), nil
}

// Disclose implements Members.
func (alone) Disclose(context.Context, readindex.Tenant) error { return nil }

// Rewound implements Members.
func (alone) Rewound() {}
