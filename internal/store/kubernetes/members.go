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
	// AllFence reports whether every replica of the namespace, as far as it may be alive, writes
	// the slice that a member is for when it removes the member: no member may be moved to
	// another slice else.
	AllFence(ctx context.Context) (bool, error)
}

// alone is a replica without others.
type alone struct{ cache *cache.Cache }

var _ Members = alone{}

// Member implements Members.
func (alone) Member() bool { return true }

// Lead implements Members.
func (alone) Lead() bool { return true }

// AllFence implements Members.
func (alone) AllFence(context.Context) (bool, error) { return true, nil }

// ReadIndex implements Members.
func (a alone) ReadIndex(context.Context, readindex.Tenant) (readindex.Revisions, error) {
	return a.cache.Revisions(), nil
}

// Disclose implements Members.
func (alone) Disclose(context.Context, readindex.Tenant) error { return nil }

// Rewound implements Members.
func (alone) Rewound() {}
