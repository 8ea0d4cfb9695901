package cache

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

const (
	// keepUpPeriod is how often the streams look whether they are behind while nobody reads.
	keepUpPeriod = 5 * time.Second
	// attachSpacing is how long after one of many tenants was read it is read again: whoever
	// may change its schemas could otherwise keep the API server busy with reading it anew.
	attachSpacing = 5 * time.Second
	// attachedAtOnce is how many tenants are read at the API server at a time, beside the
	// streams.
	attachedAtOnce = 4
)

// Streams feed the caches of the tenants of a namespace, by one watch for each kind. They are
// one replica's part in ReadIndex: they know how far they are, and begin anew when etcd was
// restored. Make them with NewStreams.
type Streams struct {
	client    client.WithWatch
	namespace string
	selected  fields.Selector // of the only tenant; nil for all of the namespace
	log       *slog.Logger
	progress  progress
	asking    shared[readindex.Revisions] // for the latest revisions
	begin     func()
	begun     chan struct{} // closed when the tenants are known that there are at first
	// attaching has a place for each tenant that is being read.
	attaching chan struct{}
	// waited is called with how long a read has waited for the streams. Set by Measure.
	waited func(time.Duration)

	mu        sync.RWMutex
	era       uint64 // of progress
	restarted chan struct{}
	caches    map[string]*Cache // of the tenants that are hosted
	// queue has what is to be attached and is not yet begun.
	queue  []*attachment
	queued chan struct{} // has a token while the queue is to be looked at
}

// NewStreams returns streams of a namespace that carry nothing until they Run and were told to
// Begin. The client must be allowed to watch the objects of all tenants of the namespace. The
// marks are those of the replica.
func NewStreams(live client.WithWatch, namespace string, marks *readindex.Marks, log *slog.Logger) *Streams {
	begun := make(chan struct{})
	return &Streams{
		client: live, namespace: namespace, log: log, progress: progress{marks: marks},
		begin: sync.OnceFunc(func() { close(begun) }), begun: begun,
		attaching: make(chan struct{}, attachedAtOnce), restarted: make(chan struct{}),
		caches: map[string]*Cache{}, queued: make(chan struct{}, 1), waited: func(time.Duration) {},
	}
}

// NewStreamsOf returns streams that carry one tenant, and begin when its cache follows a registry.
func NewStreamsOf(live client.WithWatch, tenant client.ObjectKey, marks *readindex.Marks, log *slog.Logger) *Streams {
	s := NewStreams(live, tenant.Namespace, marks, log)
	s.selected = fields.SelectorFromSet(fields.Set(codec.OfTenant(tenant.Name)))
	return s
}

// Begin makes the streams begin, with one list of each kind for all tenants that follow a
// registry by now. Tenants that come later are read by themselves.
func (s *Streams) Begin() { s.begin() }

// Cache returns a cache for a tenant, which is hosted from when it follows a registry until it
// is closed.
func (s *Streams) Cache(tenant string) *Cache {
	return &Cache{streams: s, tenant: tenant, id: readindex.TenantOf(tenant), log: s.log}
}

// Restart implements driver.Log.
func (s *Streams) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.era = s.progress.startOver()
	for _, c := range s.caches {
		s.replace(c, c.attached.Load().registry)
	}
	close(s.restarted)
	s.restarted = make(chan struct{})
}

// Latest implements driver.Log with a consistent LIST of one object of each
// kind, whose resourceVersion is that of the whole collection.
func (s *Streams) Latest(ctx context.Context) (readindex.Revisions, error) {
	return latest(ctx, s.client, s.namespace)
}

// Synced reports whether every kind shows a state of the API server, if not the latest.
func (s *Streams) Synced() bool { return s.progress.synced() }

// Run carries what happens until the context is done.
func (s *Streams) Run(ctx context.Context, members Members) {
	select {
	case <-ctx.Done():
		return
	case <-s.begun:
	}
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { s.keepUp(ctx, members) })
	running.Go(func() { s.attachAll(ctx) })
	for ctx.Err() == nil {
		s.reflect(ctx)
	}
}

// keepUp looks from time to time how new the streams must be, which makes the
// watches say how far they are if that is not enough. A replica that joins has read the latest
// resourceVersions, which the others have not reached while nothing happens: whoever read
// first then would have to do so at the API server.
func (s *Streams) keepUp(ctx context.Context, members Members) {
	ticker := time.NewTicker(keepUpPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !s.Synced() {
			continue
		}
		if revisions, err := members.ReadIndex(ctx, s.someTenant()); err == nil {
			_ = s.progress.reach(ctx, revisions, readindex.Revisions{}, catchUp, func(time.Duration) {}) // Nobody waits for it.
		}
	}
}

// someTenant is one of the tenants, and another one each time if there are many: all of them
// began with the same lists, so that what is new enough for one nearly always is for all.
func (s *Streams) someTenant() readindex.Tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.caches {
		return c.id
	}
	return readindex.TenantOf("")
}

// reflect runs the reflectors until all is to begin anew.
func (s *Streams) reflect(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reflectors, restarted := s.reflectors()
	var running sync.WaitGroup
	for _, r := range reflectors {
		running.Go(func() { r.run(ctx) })
	}
	select {
	case <-ctx.Done():
	case <-restarted:
	}
	stop()
	running.Wait()
	for kind := range readindex.Kinds {
		s.progress.fallBehind(reflectors[kind].era, kind)
	}
}

// reflectors are those of each kind, and what is closed when there are to be others.
func (s *Streams) reflectors() (all []*reflector, restarted <-chan struct{}) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for kind := range readindex.Kinds {
		all = append(all, &reflector{streams: s, kind: kind, era: s.era})
	}
	return all, s.restarted
}

// options select what the streams carry.
func (s *Streams) options(kind readindex.Kind) (client.ObjectList, *client.ListOptions) {
	return codec.NewList(kind), &client.ListOptions{Namespace: s.namespace, FieldSelector: s.selected}
}

// replace makes a cache begin anew, empty. From here on nobody takes what it has shown for a
// state of the tenant. The mutex is held.
func (s *Streams) replace(c *Cache, registry *schema.Registry) {
	next := newAttachment(c, registry, s.era)
	c.attached.Store(next)
	now := time.Now()
	if s.selected == nil && c.due.Add(attachSpacing).After(now) {
		if !c.due.After(now) {
			c.due = c.due.Add(attachSpacing)
		}
		time.AfterFunc(c.due.Sub(now), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.enqueue(next)
		})
		return
	}
	c.due = now
	s.enqueue(next)
}

// enqueue has something attached when there is room. The mutex is held.
func (s *Streams) enqueue(next *attachment) {
	s.queue = append(s.queue, next)
	select {
	case s.queued <- struct{}{}:
	default:
	}
}

// follow hosts a cache that is to hold the types of a registry.
func (s *Streams) follow(c *Cache, registry *schema.Registry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if former := c.attached.Load(); former != nil && former.registry == registry && s.caches[c.tenant] == c {
		return
	}
	s.caches[c.tenant] = c
	s.replace(c, registry)
}

// readAnew makes a cache begin anew with the same registry.
func (s *Streams) readAnew(c *Cache) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caches[c.tenant] == c {
		s.replace(c, c.attached.Load().registry)
	}
}

// leave gives up a cache, and all that is in it.
func (s *Streams) leave(c *Cache) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.caches[c.tenant] == c {
		delete(s.caches, c.tenant)
	}
	c.attached.Store(nil)
}

// hosted returns what a tenant has in memory, for the streams of an era; nil when there is no
// such tenant.
func (s *Streams) hosted(era uint64, tenant string) *attachment {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := s.caches[tenant]
	if c == nil || era != s.era {
		return nil
	}
	return c.attached.Load()
}

// all returns what all tenants have in memory, for the streams of an era.
func (s *Streams) all(era uint64) (attached []*attachment) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if era != s.era {
		return nil
	}
	for _, c := range s.caches {
		attached = append(attached, c.attached.Load())
	}
	return attached
}

// attachAll attaches what is in the queue, some at a time, until the context is done.
func (s *Streams) attachAll(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.queued:
		}
		for next := s.next(); next != nil; next = s.next() {
			select {
			case <-ctx.Done():
				return
			case s.attaching <- struct{}{}:
			}
			running.Go(func() {
				defer func() { <-s.attaching }()
				next.run(ctx)
			})
		}
	}
}

// next takes the first out of the queue that is still to be attached; nil when there is none.
func (s *Streams) next() *attachment {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 {
		first := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		if first.isCurrent() {
			return first
		}
	}
	s.queue = nil
	return nil
}
