package scimrolebinding

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/roster"
)

// gathering is how long a change waits for others that come with it, so that one write does for all of them.
const gathering = 100 * time.Millisecond

// rosters are those of the tenants whose groups are bound: one is read from when the first binding of the tenant is there
// until the last one is gone. They are safe for concurrent use.
type rosters struct {
	live client.WithWatch

	mu sync.Mutex
	// run runs something until it is stopped, or the controller ends. Set by Start.
	run func(func(context.Context)) (stop func())
	// queue is that of the controller. Set by Start.
	queue workqueue.TypedRateLimitingInterface[ctrl.Request]
	// kept are the rosters by their tenants, and tenantOf the tenants of the bindings.
	kept     map[client.ObjectKey]*keptRoster
	tenantOf map[client.ObjectKey]client.ObjectKey
}

// keptRoster is the roster of one tenant.
type keptRoster struct {
	roster *roster.Roster
	stop   func()
	// unread is how many kinds of objects have not been read in whole yet.
	unread int
	// troubles are those with which kinds of objects are read.
	troubles map[roster.Kind]trouble
	// bindings are those of the tenant.
	bindings map[client.ObjectKey]struct{}
}

func newRosters(live client.WithWatch) *rosters {
	return &rosters{live: live, kept: map[client.ObjectKey]*keptRoster{}, tenantOf: map[client.ObjectKey]client.ObjectKey{}}
}

// Start makes the rosters a source of the controller: what changes in one starts a reconciliation of the bindings of
// the tenant.
func (r *rosters) Start(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ctrl.Request]) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = queue
	r.run = func(do func(context.Context)) (stop func()) {
		running, cancel := context.WithCancel(ctx)
		go do(running)
		return cancel
	}
	return nil
}

// acquire returns the roster of a tenant for a binding of its namespace; nil while it has not been read in whole, the end of which
// starts a reconciliation.
func (r *rosters) acquire(binding client.ObjectKey, tenant string) *roster.Roster {
	r.mu.Lock()
	defer r.mu.Unlock()
	of := client.ObjectKey{Namespace: binding.Namespace, Name: tenant}
	if r.tenantOf[binding] != of {
		r.drop(binding)
	}
	kept := r.kept[of]
	if kept == nil {
		kept = &keptRoster{roster: roster.New(), unread: len(kinds), troubles: map[roster.Kind]trouble{}, bindings: map[client.ObjectKey]struct{}{}}
		r.kept[of] = kept
		kept.stop = r.run(func(ctx context.Context) { r.read(ctx, of, kept) })
	}
	kept.bindings[binding], r.tenantOf[binding] = struct{}{}, of
	if kept.unread > 0 {
		return nil
	}
	return kept.roster
}

// release says that a binding needs no roster any more.
func (r *rosters) release(binding client.ObjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(binding)
}

func (r *rosters) drop(binding client.ObjectKey) {
	tenant, has := r.tenantOf[binding]
	if !has {
		return
	}
	delete(r.tenantOf, binding)
	kept := r.kept[tenant]
	delete(kept.bindings, binding)
	if len(kept.bindings) == 0 {
		kept.stop()
		delete(r.kept, tenant)
	}
}

// changed starts a reconciliation of the bindings of a roster. One whose last kind has been read is ready.
func (r *rosters) changed(kept *keptRoster, hasRead bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hasRead {
		kept.unread--
	}
	if kept.unread > 0 {
		return
	}
	r.startAll(kept, gathering)
}

// startAll starts a reconciliation of the bindings of a roster after a while.
func (r *rosters) startAll(kept *keptRoster, after time.Duration) {
	for binding := range kept.bindings {
		r.queue.AddAfter(ctrl.Request{NamespacedName: binding}, after)
	}
}
