package cache

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/userlabels"
)

// Cache is a tenant's users and groups in memory, brought there by Streams. It raises the
// replica's Marks to the revisions of what clients may be told, and waits until it is as new as
// what any other replica has told.
//
// A nil Cache holds nothing and is never synced.
type Cache struct {
	streams *Streams
	tenant  string
	id      readindex.Tenant
	log     *slog.Logger

	attached atomic.Pointer[attachment] // nil while the tenant is not hosted
	labels   atomic.Pointer[userlabels.Set]
	due      time.Time // when it was, or is to be, read last; guarded by the mutex of streams
}

// New returns the cache of the only tenant of a process, with streams of its own that begin when
// Follow is called.
func New(live client.WithWatch, tenant client.ObjectKey, marks *readindex.Marks, log *slog.Logger) *Cache {
	return NewStreamsOf(live, tenant, marks, log).Cache(tenant.Name)
}

// Streams are those that fill the cache.
func (c *Cache) Streams() *Streams { return c.streams }

// Run runs the streams until the context is done.
func (c *Cache) Run(ctx context.Context, members Members) { c.streams.Run(ctx, members) }

// Restart implements driver.Log.
func (c *Cache) Restart() { c.streams.Restart() }

// Latest implements driver.Log.
func (c *Cache) Latest(ctx context.Context) (readindex.Revisions, error) {
	return c.streams.Latest(ctx)
}

// Follow makes the cache hold resources of the registry's types, and be hosted. Another
// registry makes it begin anew, beside the other tenants of the process, and be of no use
// until it has read all.
func (c *Cache) Follow(registry *schema.Registry) {
	c.streams.follow(c, registry)
	if c.streams.selected != nil {
		c.streams.Begin()
	}
}

// ReadAnew makes the cache begin anew, if it is hosted, and be of no use until it has read all.
func (c *Cache) ReadAnew() { c.streams.readAnew(c) }

// Close gives up all that is in the cache, which is not hosted any more.
func (c *Cache) Close() { c.streams.leave(c) }

// now is what the cache has at this moment; nil while it is not hosted.
func (c *Cache) now() *attachment {
	if c == nil {
		return nil
	}
	return c.attached.Load()
}

// Registry returns the registry whose types the cache holds, or is about to hold; nil
// while that is not known.
func (c *Cache) Registry() *schema.Registry {
	if a := c.now(); a != nil {
		return a.registry
	}
	return nil
}

// Index is what the cache shows at the moment, be it current or not.
func (c *Cache) Index() *index.Index {
	if a := c.now(); a != nil {
		return a.index
	}
	return index.New()
}
