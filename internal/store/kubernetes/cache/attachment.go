package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/sleep"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// syncPatience is for how long it is waited at a time that a stream is synced.
const syncPatience = time.Minute

// errOvertaken ends the reading of a tenant for which there is no use any more.
var errOvertaken = errors.New("the tenant is read in another way by now")

// attachment is what a cache has in memory while it follows one registry, in one era of the
// streams. Another one takes its place as a whole.
type attachment struct {
	cache    *Cache
	registry *schema.Registry
	era      uint64
	index    *index.Index

	mu    sync.Mutex
	parts [readindex.Kinds]part
	// labels are those that users are to have by their attributes. Guarded by mu.
	labels *labelling
}

// part is what an attachment has of one kind.
type part struct {
	into  target
	state partState
	// from is the revision whose state it began with. What the stream brings up to that is
	// in it.
	from uint64
	// gathering is what a list has brought that is not complete; round tells lists apart.
	gathering *gathering
	round     uint64
	// unselectable are the names of objects that selectors do not find by what these should have.
	unselectable map[string]struct{}
}

// remove takes an object out. The mutex is held.
func (p *part) remove(name string) {
	delete(p.unselectable, name)
	p.into.remove(name)
}

// partState is how a part gets what is in it.
type partState int

const (
	waiting   partState = iota // Nothing comes.
	inList                     // The stream lists what there is of all tenants.
	inRead                     // What there is of the tenant is read beside the stream.
	following                  // All is there, and the stream brings changes.
)

// gathering is a list that is coming, with what happens meanwhile, by the names of objects.
type gathering struct {
	listed  map[string]uint64 // the revisions of what it has brought
	changed map[string]uint64 // those of changes
}

func newAttachment(c *Cache, registry *schema.Registry, era uint64) *attachment {
	wanted := c.labels.Load()
	a := &attachment{cache: c, registry: registry, era: era, index: index.New(), labels: &labelling{by: wanted, compared: true}}
	a.parts[readindex.Users].into = users{tenant: c.tenant, as: registry.User(), index: a.index, labels: a.labels}
	a.parts[readindex.Groups].into = groups{tenant: c.tenant, as: registry.Group(), index: a.index}
	a.parts[readindex.GroupMembers].into = groupMembers{tenant: c.tenant, index: a.index}
	return a
}

// isCurrent reports whether no other attachment has taken its place.
func (a *attachment) isCurrent() bool { return a.cache.attached.Load() == a }

// follows reports whether it holds resources of the type as it is now.
func (a *attachment) follows(t *schema.ResourceType) bool {
	return a != nil && (t == a.registry.User() || t == a.registry.Group())
}

// from returns the revisions that it began with; complete is false while not all kinds are there.
func (a *attachment) from() (from readindex.Revisions, complete bool) {
	if a == nil {
		return from, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	complete = true
	for kind := range a.parts {
		from[kind] = a.parts[kind].from
		complete = complete && a.parts[kind].state == following
	}
	return from, complete
}

// beginList notes that the stream of a kind begins to list all that there is, which ends every
// other way of getting there.
func (a *attachment) beginList(kind readindex.Kind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts[kind].gather(inList)
}

// gather begins a list. The mutex is held.
func (p *part) gather(state partState) (round uint64) {
	p.round++
	p.state, p.from = state, 0
	p.gathering = &gathering{listed: map[string]uint64{}, changed: map[string]uint64{}}
	return p.round
}

// endList notes that the stream has listed all. It is none of the business of a tenant that has
// come meanwhile.
func (a *attachment) endList(kind readindex.Kind, revision uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := &a.parts[kind]; p.state == inList {
		p.complete(revision)
	}
}

// complete removes what is not in the list, and has not come since. The mutex is held.
func (p *part) complete(revision uint64) {
	var gone []string
	p.into.each(func(name string) {
		if _, is := p.gathering.listed[name]; !is && p.gathering.changed[name] <= revision {
			gone = append(gone, name)
		}
	})
	for _, name := range gone {
		p.remove(name)
	}
	p.state, p.from, p.gathering = following, revision, nil
}

// list takes what comes of an object in a list of the stream.
func (a *attachment) list(kind readindex.Kind, event watch.EventType, object client.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := &a.parts[kind]; p.state == inList {
		a.observe(p, event, object)
	}
}

// observe takes what comes of an object in a list, unless something newer is known of it. The
// mutex is held.
func (a *attachment) observe(p *part, event watch.EventType, object client.Object) {
	name, revision := object.GetName(), codec.RevisionOf(object)
	if event == watch.Deleted {
		delete(p.gathering.listed, name)
		p.remove(name)
		return
	}
	p.gathering.listed[name] = revision
	if p.gathering.changed[name] <= revision {
		a.put(p, object)
	}
}

// change takes a change that the stream brings.
func (a *attachment) change(kind readindex.Kind, event watch.EventType, object client.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, name, revision := &a.parts[kind], object.GetName(), codec.RevisionOf(object)
	switch p.state {
	case waiting, inList:
		return
	case inRead:
		if revision <= p.gathering.listed[name] {
			return
		}
		p.gathering.changed[name] = revision
	case following:
		if revision <= p.from {
			return
		}
	}
	if event == watch.Deleted {
		p.remove(name)
		return
	}
	a.put(p, object)
}

// put puts an object into the index, if it can be read. The mutex is held.
func (a *attachment) put(p *part, object client.Object) {
	var (
		selectable bool
		err        error
	)
	if unread, is := object.(*unreadable); is {
		err = unread.reason
	} else {
		selectable, err = p.into.put(object)
		p.note(object.GetName(), selectable)
	}
	if err != nil {
		// One object that cannot be read must not hide all others.
		a.cache.log.Error("an object cannot be read and is left out", slog.String("tenant", a.cache.tenant),
			slog.String("name", object.GetName()), slog.Any("error", err))
		p.remove(object.GetName())
	}
}

// note notes whether selectors find an object by what it should have. The mutex is held.
func (p *part) note(name string, selectable bool) {
	switch {
	case selectable:
		delete(p.unselectable, name)
	case p.unselectable == nil:
		p.unselectable = map[string]struct{}{name: {}}
	default:
		p.unselectable[name] = struct{}{}
	}
}

// forget removes what has a name, of whatever kind it is.
func (a *attachment) forget(kind readindex.Kind, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.parts[kind].remove(name)
}

// run reads the tenant, each kind by itself, unless the streams list it. It ends when all is
// there, another attachment has taken its place, or the context is done.
func (a *attachment) run(ctx context.Context) {
	var running sync.WaitGroup
	for kind := range readindex.Kinds {
		running.Go(func() { a.runKind(ctx, kind) })
	}
	running.Wait()
}

func (a *attachment) runKind(ctx context.Context, kind readindex.Kind) {
	pause := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 10, Cap: 5 * time.Second}
	for ctx.Err() == nil && a.isCurrent() && !a.isFollowing(kind) {
		// Of a tenant that the stream lists, all is there when the stream is in step.
		if a.cache.streams.progress.awaitSynced(ctx, kind, syncPatience) != nil || a.isFollowing(kind) {
			continue
		}
		err := a.read(ctx, kind)
		if err == nil || errors.Is(err, errOvertaken) || ctx.Err() != nil {
			continue
		}
		a.cache.log.Warn("reading a tenant failed and is tried again", slog.String("tenant", a.cache.tenant), slog.Any("error", err))
		sleep.For(ctx, pause.Step())
	}
}

func (a *attachment) isFollowing(kind readindex.Kind) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.parts[kind].state == following
}

// read reads what there is of a kind, while the stream goes on. What the stream has brought and
// was not taken is older than what is read: that is asked for afterwards.
func (a *attachment) read(ctx context.Context, kind readindex.Kind) error {
	a.mu.Lock()
	if a.parts[kind].state == inList {
		a.mu.Unlock()
		return errOvertaken
	}
	round := a.parts[kind].gather(inRead)
	a.mu.Unlock()
	list, options := a.cache.streams.options(kind)
	codec.OfTenant(a.cache.tenant).ApplyToList(options)
	options.Raw = &metav1.ListOptions{
		AllowWatchBookmarks: true, SendInitialEvents: ptr.To(true), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		TimeoutSeconds: ptr.To(int64(watchTimeout.Seconds())),
	}
	stream, err := a.cache.streams.client.Watch(ctx, list, options)
	if err != nil {
		return fmt.Errorf("listing %T: %w", list, failure.Redact(err))
	}
	defer stream.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event, more := <-stream.ResultChan():
			if !more {
				return fmt.Errorf("listing %T: %w", list, errBroken)
			}
			if complete, err := a.readEvent(kind, round, event); complete || err != nil {
				return err
			}
		}
	}
}

// readEvent takes what comes of a list, and reports whether that is complete.
func (a *attachment) readEvent(kind readindex.Kind, round uint64, event watch.Event) (complete bool, err error) {
	objects, end, err := listedBy(event)
	if err != nil {
		return false, err
	}
	if end != nil {
		// As soon as it is there, clients may be told of it, and of what is not.
		a.cache.streams.progress.acknowledgeIn(a.era, a.cache.id, kind, codec.RevisionOf(end))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &a.parts[kind]
	if !a.isCurrent() || p.round != round {
		return false, errOvertaken
	}
	for _, object := range objects {
		a.observe(p, event.Type, object)
	}
	if end != nil {
		p.complete(codec.RevisionOf(end))
	}
	return end != nil, nil
}
