package publishing

import (
	"context"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kubescim/kubescim/internal/apply"
)

// Routes are the operator's HTTPRoutes, for as long as the cluster has any.
type Routes struct {
	// Client reads through a cache that has the index of package hosts.
	Client client.Client

	// patient is true when informers go on without the namespaces that they must not read.
	patient bool
	applier *apply.Applier
	filled  atomic.Bool
	failed  atomic.Pointer[error]
	once    sync.Once
	ended   chan struct{}
}

// handle takes note of the error of a watch. When the definition of HTTPRoutes has gone, so have all of them. What
// is not allowed at first is so for longer than all who ask for hosts are to wait for it.
func (r *Routes) handle(ctx context.Context, reflector *toolscache.Reflector, err error, otherwise toolscache.WatchErrorHandlerWithContext) {
	r.failed.Store(&err)
	switch {
	case apierrors.IsNotFound(err):
		r.end()
	case r.filled.Load(): // Before, whoever waits for it reports it.
		otherwise(ctx, reflector, err)
	case apierrors.IsUnauthorized(err), apierrors.IsForbidden(err) && !r.patient:
		r.end()
	}
}

// failure is the error that a watch had last; nil when there was none.
func (r *Routes) failure() error {
	if failed := r.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// run keeps HTTPRoutes in memory until they end, after which it does something more.
func (r *Routes) run(ctx context.Context, cached cache.Cache, after func()) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		defer cancel()
		select {
		case <-r.ended:
			if r.filled.Load() {
				after()
			}
		case <-ctx.Done():
		}
	}()
	if err := cached.Start(ctx); err != nil && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "Keeping HTTPRoutes in memory")
	}
	r.end()
}

func (r *Routes) end() { r.once.Do(func() { close(r.ended) }) }

func (r *Routes) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}
