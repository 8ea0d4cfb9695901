package cache

import (
	"context"

	"github.com/kubescim/kubescim/internal/readindex"
)

// Members are the replicas of a tenant, this one among them, as a Cache needs them: a
// driver.Replica.
type Members interface {
	// ReadIndex returns the revisions that a read of the tenant must have reached which came
	// before, for it to miss nothing that any replica has acknowledged.
	ReadIndex(ctx context.Context, tenant readindex.Tenant) (readindex.Revisions, error)
	// Rewound is called when the API server shows that etcd was restored to an older state.
	Rewound()
}
