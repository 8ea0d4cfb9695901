package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// catchUp is how long a read waits for the cache before it goes to the API
// server. A watch is some milliseconds behind, more on a busy machine.
const catchUp = 300 * time.Millisecond

// keepUpPeriod is how often the cache looks whether it is behind while nobody reads.
const keepUpPeriod = 5 * time.Second

// bookmarkPatience is how long a read waits for bookmarks that it has asked for. One
// comes within a second, and those who ask meanwhile get the next.
const bookmarkPatience = 3 * time.Second

// latestPatience bounds the asking for the latest revisions for those who wait for it.
const latestPatience = 5 * time.Second

var errBehind = errors.New("memory has not caught up in time")

// Cache is a tenant's users and groups in memory, brought there by a reflector for each
// kind. It is one replica's part in ReadIndex: it knows the revisions of what the replica
// has acknowledged to clients, and waits until it is as new as what any other replica has.
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
	registry *scim.Registry // nil until it is known
	era      uint64         // of progress
	replaced chan struct{}  // closed when another content takes its place
}

// New returns a cache that is empty until it Runs, and of no use before
// Follow has been called. The client must be allowed to watch the tenant's
// objects.
func New(live client.WithWatch, tenant client.ObjectKey, log *slog.Logger) *Cache {
	return &Cache{client: live, tenant: tenant, log: log, index: index.New(), content: content{replaced: make(chan struct{})}}
}

// Restart implements driver.Log.
func (c *Cache) Restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.forget()
	c.replace(c.content.registry)
}

// replace makes the cache begin anew with types. From here on nobody takes what is in
// the index for a state of them. The mutex is held.
func (c *Cache) replace(registry *scim.Registry) {
	former := c.content.replaced
	c.content = content{registry: registry, era: c.progress.startOver(), replaced: make(chan struct{})}
	close(former)
}

// Acknowledge notes that an answer to a client rests on the object as it was read or written.
func (c *Cache) Acknowledge(kind readindex.Kind, object client.Object) {
	if c != nil {
		c.progress.acknowledge(kind, codec.RevisionOf(object))
	}
}

// AcknowledgeAll notes that an answer to a client rests on the revisions.
func (c *Cache) AcknowledgeAll(revisions readindex.Revisions) {
	if c == nil {
		return
	}
	for kind, revision := range revisions {
		c.progress.acknowledge(readindex.Kind(kind), revision)
	}
}

// Seen returns what the API server has shown up to now, for Contradicts.
func (c *Cache) Seen() Seen {
	if c == nil {
		return Seen{}
	}
	return c.progress.seen()
}

// Contradicts reports whether the latest revision of a kind, as the API server has answered
// it to a call that was made when it had shown what is known, is one of another history.
func (c *Cache) Contradicts(known Seen, kind readindex.Kind, revision uint64) bool {
	return c != nil && c.progress.contradicts(known, kind, revision)
}

// Follow makes the cache hold resources of the registry's types. Another
// registry makes it begin anew.
func (c *Cache) Follow(registry *scim.Registry) {
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
func (c *Cache) Registry() *scim.Registry {
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
	for _, f := range c.reflectors(wanted) {
		running.Go(func() { f.run(ctx) })
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

// Synced reports whether the cache can answer reads.
func (c *Cache) Synced() bool { return c != nil && c.progress.synced() }

// Counts returns how many users and groups the cache shows.
func (c *Cache) Counts() index.Counts { return c.Index().Counts() }

// Index is what the cache shows at the moment, be it current or not.
func (c *Cache) Index() *index.Index {
	if c == nil {
		return index.New()
	}
	return c.index
}

// Revisions implements driver.Log.
func (c *Cache) Revisions() readindex.Revisions { return c.progress.revisions() }

// Raise implements driver.Log.
func (c *Cache) Raise(revisions readindex.Revisions) { c.progress.raise(revisions) }

// Latest implements driver.Log with a consistent LIST of one object of each
// kind, whose resourceVersion is that of the whole collection.
func (c *Cache) Latest(ctx context.Context) (readindex.Revisions, error) {
	return c.latest(ctx, c.client)
}

// latestOf is the same with another client. The members are told of what contradicts that
// etcd was not restored.
func (c *Cache) latestOf(ctx context.Context, from client.Reader, members Members) (readindex.Revisions, error) {
	known := c.progress.seen()
	latest, err := c.latest(ctx, from)
	if err != nil {
		return readindex.Revisions{}, err
	}
	for kind, revision := range latest {
		if c.Contradicts(known, readindex.Kind(kind), revision) {
			members.Rewound()
		}
	}
	return latest, nil
}

func (c *Cache) latest(ctx context.Context, from client.Reader) (readindex.Revisions, error) {
	var revisions readindex.Revisions
	for kind, name := range map[readindex.Kind]string{
		readindex.Users: "ScimUserList", readindex.Groups: "ScimGroupList", readindex.GroupMembers: "ScimGroupMembersList",
	} {
		list := &metav1.PartialObjectMetadataList{} // which can be read, whatever the one object is like
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(name))
		if err := from.List(ctx, list, client.InNamespace(c.tenant.Namespace), client.Limit(1)); err != nil {
			return readindex.Revisions{}, fmt.Errorf("reading the latest resourceVersion of a %s: %w", name, failure.Redact(err))
		}
		revisions[kind] = codec.RevisionOf(list)
	}
	return revisions, nil
}

// Current waits until the cache is at least as new as everything that any
// replica has told a client before the call. An error means that the cache
// cannot know, and that the API server is to be asked instead.
func (c *Cache) Current(ctx context.Context, t *scim.ResourceType, members Members) error {
	if !c.follows(t) {
		return fmt.Errorf("the schema of %ss has changed: %w", t.Name, errBehind)
	}
	revisions, err := members.ReadIndex(ctx)
	if err != nil {
		return err
	}
	return c.Reach(ctx, revisions)
}

// CatchUp waits until the cache is as new as the API server is now, which the
// watches are asked to say. It is for when the other replicas cannot be asked. What
// it asks with is what requests use, who do not wait for an API server that is away.
func (c *Cache) CatchUp(ctx context.Context, t *scim.ResourceType, with client.Reader, members Members) error {
	if !c.follows(t) {
		return fmt.Errorf("the schema of %ss has changed: %w", t.Name, errBehind)
	}
	latest, err := c.asking.do(ctx, func() (readindex.Revisions, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), latestPatience)
		defer cancel()
		return c.latestOf(ctx, with, members)
	})
	if err != nil {
		return err
	}
	return c.progress.reachSoon(ctx, latest, bookmarkPatience)
}

// Read answers a read from the cache. ready waits until memory is new enough, and
// reports whether it is. What read returns counts only if memory went on without a break
// from before ready until after it: it may begin anew at any moment, as it does for other
// schemas, and then is empty, or holds a part. known is false when there is no such
// answer, and the API server is to be asked instead.
func Read[T any](c *Cache, ready func() bool, read func(*index.Index) (T, error)) (answer T, known bool, err error) {
	var none T
	if c == nil {
		return none, false, nil
	}
	for range 2 {
		incarnation := c.progress.current()
		if !ready() {
			return none, false, nil
		}
		answer, err = read(c.index)
		if c.progress.current() == incarnation {
			return answer, true, err
		}
	}
	return none, false, nil
}

// Reach waits until the cache has reached the revisions, or fails.
func (c *Cache) Reach(ctx context.Context, revisions readindex.Revisions) error {
	return c.progress.reach(ctx, revisions, catchUp)
}

// follows reports whether the cache holds resources of the type as it is now.
func (c *Cache) follows(t *scim.ResourceType) bool {
	registry := c.Registry()
	return registry != nil && (t == registry.User() || t == registry.Group())
}

// reflectors are the three watches.
func (c *Cache) reflectors(wanted content) []*reflector {
	registry := wanted.registry
	base := reflector{client: c.client, tenant: c.tenant, log: c.log, progress: &c.progress, era: wanted.era}
	users, groups, slices := base, base, base
	users.kind, users.newList = readindex.Users, func() client.ObjectList { return &v1alpha1.ScimUserList{} }
	users.put = func(object client.Object) error { return c.putUser(registry.User(), object) }
	users.remove = c.byID(c.index.RemoveUser)
	users.each = func(yield func(string)) { c.index.EachUser(func(id uuid.UUID) { yield(id.String()) }) }

	groups.kind, groups.newList = readindex.Groups, func() client.ObjectList { return &v1alpha1.ScimGroupList{} }
	groups.put = func(object client.Object) error { return c.putGroup(registry.Group(), object) }
	groups.remove = c.byID(c.index.RemoveGroup)
	groups.each = func(yield func(string)) { c.index.EachGroup(func(id uuid.UUID) { yield(id.String()) }) }

	slices.kind, slices.newList = readindex.GroupMembers, func() client.ObjectList { return &v1alpha1.ScimGroupMembersList{} }
	slices.put = c.putSlice
	slices.remove = c.index.RemoveSlice
	slices.each = c.index.EachSlice
	return []*reflector{&users, &groups, &slices}
}
