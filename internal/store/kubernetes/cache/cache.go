package cache

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
)

// keepUpPeriod is how often the cache looks whether it is behind while nobody reads.
const keepUpPeriod = 5 * time.Second

// Cache is a tenant's users and groups in memory, brought there by a reflector for each
// kind. It is one replica's part in ReadIndex: it raises the replica's Marks to the revisions
// of what clients may be told, and waits until it is as new as what any other replica has told.
//
// A nil Cache holds nothing and is never synced.
type Cache struct {
	client client.WithWatch
	tenant client.ObjectKey
	log    *slog.Logger

	index    *index.Index
	progress progress
	asking   shared[readindex.Revisions] // for the latest revisions

	mu      sync.Mutex
	content content
}

// content is what a cache is to hold.
type content struct {
	registry *schema.Registry // nil until it is known
	era      uint64           // of progress
	replaced chan struct{}    // closed when another content takes its place
}

// New returns a cache that is empty until it Runs, and of no use before
// Follow has been called. The client must be allowed to watch the tenant's
// objects. The marks are those of the replica.
func New(live client.WithWatch, tenant client.ObjectKey, marks *readindex.Marks, log *slog.Logger) *Cache {
	return &Cache{
		client: live, tenant: tenant, log: log, index: index.New(),
		progress: progress{marks: marks, tenant: readindex.TenantOf(tenant.Name)},
		content:  content{replaced: make(chan struct{})},
	}
}

// Restart implements driver.Log.
func (c *Cache) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replace(c.content.registry)
}

// replace makes the cache begin anew with types. From here on nobody takes what is in
// the index for a state of them. The mutex is held.
func (c *Cache) replace(registry *schema.Registry) {
	former := c.content.replaced
	c.content = content{registry: registry, era: c.progress.startOver(), replaced: make(chan struct{})}
	close(former)
}

// Follow makes the cache hold resources of the registry's types. Another
// registry makes it begin anew.
func (c *Cache) Follow(registry *schema.Registry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.content.registry == registry {
		return
	}
	c.replace(registry)
}

// wanted is what the cache is to hold at the moment.
func (c *Cache) wanted() content {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.content
}

// Registry returns the registry whose types the cache holds, or is about to hold; nil
// while that is not known.
func (c *Cache) Registry() *schema.Registry {
	if c == nil {
		return nil
	}
	return c.wanted().registry
}

// Run keeps the cache until the context is done.
func (c *Cache) Run(ctx context.Context, members Members) {
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keeping.Go(func() { c.keepUp(ctx, members) })
	for ctx.Err() == nil {
		wanted := c.wanted()
		if wanted.registry == nil {
			select {
			case <-ctx.Done():
			case <-wanted.replaced:
			}
			continue
		}
		c.reflect(ctx, wanted)
	}
}

// keepUp begins a read from time to time, which makes the watches say how far they are
// if that is not enough. A replica that joins has read the latest resourceVersions,
// which the others have not reached while nothing happens: whoever read first then would
// have to do so at the API server.
func (c *Cache) keepUp(ctx context.Context, members Members) {
	ticker := time.NewTicker(keepUpPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if registry := c.Registry(); registry != nil && c.Synced() {
			_ = c.Current(ctx, registry.User(), members) // Nobody waits for it.
		}
	}
}

// reflect runs the reflectors until it is to hold something else.
func (c *Cache) reflect(ctx context.Context, wanted content) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	for _, r := range c.reflectors(wanted) {
		running.Go(func() { r.run(ctx) })
	}
	select {
	case <-ctx.Done():
	case <-wanted.replaced:
	}
	stop()
	running.Wait()
	for kind := range readindex.Kinds {
		c.progress.fallBehind(wanted.era, kind)
	}
	c.index.Reset()
}

// reflectors are the three that fill the index.
func (c *Cache) reflectors(wanted content) []*reflector {
	of := func(kind readindex.Kind, into target) *reflector {
		return &reflector{
			client: c.client, tenant: c.tenant, log: c.log, kind: kind, into: into, progress: &c.progress, era: wanted.era,
		}
	}
	return []*reflector{
		of(readindex.Users, users{tenant: c.tenant.Name, as: wanted.registry.User(), index: c.index}),
		of(readindex.Groups, groups{tenant: c.tenant.Name, as: wanted.registry.Group(), index: c.index}),
		of(readindex.GroupMembers, groupMembers{tenant: c.tenant.Name, index: c.index}),
	}
}
