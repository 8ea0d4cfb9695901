package kubernetes

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
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// catchUp is how long a read waits for the mirror before it goes to the API
// server. A watch is some milliseconds behind, more on a busy machine.
const catchUp = 300 * time.Millisecond

// keepUpPeriod is how often the mirror looks whether it is behind while nobody reads.
const keepUpPeriod = 5 * time.Second

// bookmarkPatience is how long a read waits for bookmarks that it has asked for. One
// comes within a second, and those who ask meanwhile get the next.
const bookmarkPatience = 3 * time.Second

// latestPatience bounds the asking for the latest revisions for those who wait for it.
const latestPatience = 5 * time.Second

var (
	errBehind = errors.New("the mirror has not caught up in time")
	errNoID   = errors.New("ids are UUIDs in lower case")
)

// Mirror is a tenant's users and groups in memory, fed by one watch for each
// kind. It is one replica's part in the read barrier: it says how far it must
// have come for what the replica has told clients, and waits until it is as far
// as any other replica.
type Mirror struct {
	client client.WithWatch
	tenant client.ObjectKey
	log    *slog.Logger

	index    *index.Index
	progress progress
	round    Round
	rewound  func()
	asking   shared[readindex.Revisions] // for the latest revisions

	mu      sync.Mutex
	content content
}

// content is what a mirror is to hold.
type content struct {
	registry *scim.Registry // nil until it is known
	era      uint64         // of progress
	replaced chan struct{}  // closed when another content takes its place
}

// Round takes part in a round of the read barrier: driver.Replica.ReadIndex.
type Round func(context.Context) (readindex.Revisions, error)

// NewMirror returns a mirror that is empty until it Runs, and of no use before
// Follow has been called. The client must be allowed to watch the tenant's
// objects.
func NewMirror(live client.WithWatch, tenant client.ObjectKey, log *slog.Logger) *Mirror {
	m := &Mirror{client: live, tenant: tenant, log: log, index: index.New(), content: content{replaced: make(chan struct{})}}
	m.round = func(context.Context) (readindex.Revisions, error) { return m.Revisions(), nil }
	m.rewound = func() {}
	return m
}

// Join makes reads take part in the rounds of several replicas, and rewound hear when the
// API server shows that etcd was restored to an older state: driver.Replica.Rewound.
// Before, the mirror is that of a lone one.
func (m *Mirror) Join(round Round, rewound func()) { m.round, m.rewound = round, rewound }

// Restart implements driver.Log.
func (m *Mirror) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress.forget()
	m.replace(m.content.registry)
}

// replace makes the mirror begin anew with types. From here on nobody takes what is in
// the index for a state of them. The mutex is held.
func (m *Mirror) replace(registry *scim.Registry) {
	former := m.content.replaced
	m.content = content{registry: registry, era: m.progress.startOver(), replaced: make(chan struct{})}
	close(former)
}

// shown notes that the API server has answered, to a call that was made when the history
// was as old as known, by the latest resourceVersion of a kind.
func (m *Mirror) shown(known seen, kind readindex.Kind, revision uint64) {
	if m.progress.contradicts(known, kind, revision) {
		m.rewound()
	}
}

// Follow makes the mirror hold resources of the registry's types. Another
// registry makes it begin anew.
func (m *Mirror) Follow(registry *scim.Registry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.content.registry == registry {
		return
	}
	m.replace(registry)
}

// wanted is what the mirror is to hold at the moment.
func (m *Mirror) wanted() content {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.content
}

// following returns the registry whose types the mirror holds, or is about to hold; nil
// while that is not known.
func (m *Mirror) following() *scim.Registry { return m.wanted().registry }

// Run feeds the mirror until the context is done.
func (m *Mirror) Run(ctx context.Context) {
	var keeping sync.WaitGroup
	defer keeping.Wait()
	keeping.Go(func() { m.keepUp(ctx) })
	for ctx.Err() == nil {
		wanted := m.wanted()
		if wanted.registry == nil {
			select {
			case <-ctx.Done():
			case <-wanted.replaced:
			}
			continue
		}
		m.feed(ctx, wanted)
	}
}

// keepUp begins a read from time to time, which makes the watches say how far they are
// if that is not enough. A replica that joins has read the latest resourceVersions,
// which the others have not reached while nothing happens: whoever read first then would
// have to do so at the API server.
func (m *Mirror) keepUp(ctx context.Context) {
	ticker := time.NewTicker(keepUpPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if registry := m.following(); registry != nil && m.InStep() {
			_ = m.current(ctx, registry.User()) // Nobody waits for it.
		}
	}
}

// feed feeds the mirror until it is to hold something else.
func (m *Mirror) feed(ctx context.Context, wanted content) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	for _, f := range m.feeds(wanted) {
		running.Go(func() { f.run(ctx) })
	}
	select {
	case <-ctx.Done():
	case <-wanted.replaced:
	}
	stop()
	running.Wait()
	for kind := range readindex.Kinds {
		m.progress.fallBehind(wanted.era, kind)
	}
	m.index.Reset()
}

// InStep reports whether the mirror can answer reads.
func (m *Mirror) InStep() bool { return m.progress.inStep() }

// Counts returns how many users and groups the mirror shows.
func (m *Mirror) Counts() index.Counts { return m.index.Counts() }

// Revisions implements driver.Log.
func (m *Mirror) Revisions() readindex.Revisions { return m.progress.revisions() }

// Raise implements driver.Log.
func (m *Mirror) Raise(revisions readindex.Revisions) { m.progress.raise(revisions) }

// Latest implements driver.Log with a consistent LIST of one object of each
// kind, whose resourceVersion is that of the whole collection.
func (m *Mirror) Latest(ctx context.Context) (readindex.Revisions, error) {
	return m.latest(ctx, m.client)
}

// latestOf is the same with another client. What contradicts that etcd was not restored
// is noted.
func (m *Mirror) latestOf(ctx context.Context, from client.Reader) (readindex.Revisions, error) {
	known := m.progress.seen()
	latest, err := m.latest(ctx, from)
	if err != nil {
		return readindex.Revisions{}, err
	}
	for kind, revision := range latest {
		m.shown(known, readindex.Kind(kind), revision)
	}
	return latest, nil
}

func (m *Mirror) latest(ctx context.Context, from client.Reader) (readindex.Revisions, error) {
	var revisions readindex.Revisions
	for kind, name := range map[readindex.Kind]string{
		readindex.Users: "ScimUserList", readindex.Groups: "ScimGroupList", readindex.GroupMembers: "ScimGroupMembersList",
	} {
		list := &metav1.PartialObjectMetadataList{} // which can be read, whatever the one object is like
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(name))
		if err := from.List(ctx, list, client.InNamespace(m.tenant.Namespace), client.Limit(1)); err != nil {
			return readindex.Revisions{}, fmt.Errorf("reading the latest resourceVersion of a %s: %w", name, failure.Redact(err))
		}
		revisions[kind] = revisionOfList(list)
	}
	return revisions, nil
}

// current waits until the mirror is at least as new as everything that any
// replica has told a client before the call. An error means that the mirror
// cannot know, and that the API server is to be asked instead.
func (m *Mirror) current(ctx context.Context, t *scim.ResourceType) error {
	if !m.follows(t) {
		return fmt.Errorf("the schema of %ss has changed: %w", t.Name, errBehind)
	}
	revisions, err := m.round(ctx)
	if err != nil {
		return err
	}
	return m.progress.reach(ctx, revisions, catchUp)
}

// caughtUp waits until the mirror is as new as the API server is now, which the
// watches are asked to say. It is for when the other replicas cannot be asked. What
// it asks with is what requests use, who do not wait for an API server that is away.
func (m *Mirror) caughtUp(ctx context.Context, t *scim.ResourceType, with client.Reader) error {
	if !m.follows(t) {
		return fmt.Errorf("the schema of %ss has changed: %w", t.Name, errBehind)
	}
	latest, err := m.asking.do(ctx, func() (readindex.Revisions, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), latestPatience)
		defer cancel()
		return m.latestOf(ctx, with)
	})
	if err != nil {
		return err
	}
	return m.progress.reachSoon(ctx, latest, bookmarkPatience)
}

// follows reports whether the mirror holds resources of the type as it is now.
func (m *Mirror) follows(t *scim.ResourceType) bool {
	registry := m.following()
	return registry != nil && (t == registry.User() || t == registry.Group())
}

// feeds are the three watches.
func (m *Mirror) feeds(wanted content) []*feed {
	registry := wanted.registry
	base := feed{client: m.client, tenant: m.tenant, log: m.log, progress: &m.progress, era: wanted.era}
	users, groups, slices := base, base, base
	users.kind, users.newList = readindex.Users, func() client.ObjectList { return &v1alpha1.ScimUserList{} }
	users.put = func(object client.Object) error { return m.putUser(registry.User(), object) }
	users.remove = m.byID(m.index.RemoveUser)
	users.each = func(yield func(string)) { m.index.EachUser(func(id uuid.UUID) { yield(id.String()) }) }

	groups.kind, groups.newList = readindex.Groups, func() client.ObjectList { return &v1alpha1.ScimGroupList{} }
	groups.put = func(object client.Object) error { return m.putGroup(registry.Group(), object) }
	groups.remove = m.byID(m.index.RemoveGroup)
	groups.each = func(yield func(string)) { m.index.EachGroup(func(id uuid.UUID) { yield(id.String()) }) }

	slices.kind, slices.newList = readindex.GroupMembers, func() client.ObjectList { return &v1alpha1.ScimGroupMembersList{} }
	slices.put = m.putSlice
	slices.remove = m.index.RemoveSlice
	slices.each = m.index.EachSlice
	return []*feed{&users, &groups, &slices}
}
