package kubernetes

import (
	"context"
	"sync/atomic"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

// consistency decides whether a read is answered from the cache: if that is as new as everything
// that any replica has acknowledged (current), or if it can catch up and there is more to read
// at the API server than it is worth to read there (caughtUp).
type consistency struct {
	cache   *cache.Cache
	members Members
	metrics *Metrics
	client  client.Reader
	// live is true while replicas of another server may acknowledge writes, too, of which those
	// of this one do not know.
	live atomic.Bool
	// many is how many objects are read at the API server rather than to wait for bookmarks.
	many int
}

// caughtUp makes sure that memory is as new as the API server, if reading so many objects
// there is more than it is worth.
func (c *consistency) caughtUp(ctx context.Context, t *schema.ResourceType, objects int) bool {
	return objects > c.many && c.cache.CatchUp(ctx, t, c.client, c.members) == nil
}

// liveReads is about how many objects a read of resources at the API server would LIST.
// single says that one resource is wanted, and groups that the groups of users are.
func (c *consistency) liveReads(t *schema.ResourceType, single, groups bool) (objects int) {
	counts := c.cache.Counts()
	if store.IsUser(t) && !single {
		objects += counts.Users
	}
	if store.IsUser(t) && groups || store.IsGroup(t) && !single {
		objects += counts.Groups + counts.Slices
	}
	return objects
}

// current reports whether memory is as new as all that any replica has acknowledged to a
// client before the call.
func (c *consistency) current(ctx context.Context, t *schema.ResourceType) bool {
	if c.cache == nil {
		return false
	}
	if c.live.Load() {
		c.metrics.read(false)
		return false
	}
	err := c.cache.Current(ctx, t, c.members)
	c.metrics.read(err == nil)
	return err == nil
}

// liveLookUps is about how many objects would be LISTed to look so many ids up.
func (c *consistency) liveLookUps(ids int) int {
	if ids <= objects.ByGet {
		return 0
	}
	counts := c.cache.Counts()
	return counts.Users + counts.Groups
}
