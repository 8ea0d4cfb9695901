package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Change is what has become of a user or group.
type Change[T any] struct {
	ID string
	// Before is the state that was reported last; nil when there was none, or when this process does not know it.
	Before *T
	// After is the state now; nil for one who was deleted.
	After *T
}

// IDs are those of all users and groups that there are.
type IDs struct {
	Users, Groups []string
}

// Options say what a Directory reads, and what is done about it. The objects that callbacks get are not to be changed.
type Options struct {
	// Config is how the API server is reached; as kubectl or a pod reaches it when it is nil. Whoever that is must be
	// allowed to get the ScimTenant, and to list and watch scimusers, scimgroups and scimgroupmembers in the namespace.
	Config *rest.Config
	// Namespace and Tenant are those of the ScimTenant.
	Namespace, Tenant string
	// Cursor keeps how far the program is, from one run of it to the next.
	Cursor CursorStore
	// OnUser is called with each user whose state has changed.
	OnUser func(context.Context, Change[scimv1alpha1.ScimUser]) error
	// OnGroup is called with each group whose state has changed, if the program asks for groups.
	OnGroup func(context.Context, Change[Group]) error
	// Resync is called when deletions may have been missed: whoever the program has beyond the ids was deleted. All
	// that it was not told of yet is reported afterwards.
	Resync func(context.Context, IDs) error
	// Log is where failures are told; slog.Default when it is nil. It gets ids, and nothing else of people.
	Log *slog.Logger
}

// check says what is missing.
func (o *Options) check() error {
	switch {
	case o.Namespace == "" || o.Tenant == "":
		return errors.New("Options.Namespace and Options.Tenant must say which ScimTenant is read")
	case o.Cursor == nil:
		return errors.New("Options.Cursor is missing: without it, deletions are missed while the program is away")
	case o.OnUser == nil:
		return errors.New("Options.OnUser is missing")
	case o.Resync == nil:
		return errors.New("Options.Resync is missing: without it, deletions are missed when the program was away for long")
	}
	return nil
}

// Directory is the users and groups of a tenant. Make it with New. It is safe for concurrent use.
type Directory struct {
	options Options
	client  rest.Interface
	log     *slog.Logger
	queue   workqueue.TypedRateLimitingInterface[key]
	synced  chan struct{} // closed when all kinds are there
	now     func() time.Time

	mu      sync.RWMutex
	content content
	seen    [kinds]seen
	pending pending
	// lost says why deletions may have been missed; empty when none are.
	lost string
	// tenant is the ScimTenant as it was at the start; nil when there was none.
	tenant *scimv1alpha1.ScimTenant
}

// seen is how far a kind is.
type seen struct {
	revision uint64
	at       time.Time // when there was no more
	listed   bool
}

const (
	// firstPause and longestPause bound how long what failed waits until it is repeated.
	firstPause   = time.Second
	longestPause = 5 * time.Minute
)

// Run makes a directory and runs it, for a program that looks nothing up.
func Run(ctx context.Context, o Options) error {
	d, err := New(o)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

// New returns the directory of a tenant, in which nobody is before Run has read who there is.
func New(o Options) (*Directory, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	client, err := newClient(o.Config)
	if err != nil {
		return nil, err
	}
	return newDirectory(o, client), nil
}

// newDirectory returns the directory that a client reads.
func newDirectory(o Options, client rest.Interface) *Directory {
	log := o.Log
	if log == nil {
		log = slog.Default()
	}
	return &Directory{
		options: o, client: client, log: log.With(slog.String("tenant", o.Namespace+"/"+o.Tenant)), synced: make(chan struct{}), now: time.Now,
		queue:   workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[key](firstPause, longestPause)),
		content: newContent(), pending: pending{waiting: map[key]*entry{}},
	}
}

// Run reports changes until the context is done, and then returns nil once the last callback has returned. It
// returns an error when the cursor cannot be read, when the tenant may not be, or when there is neither of them. It is called once.
func (d *Directory) Run(ctx context.Context) error {
	defer d.queue.ShutDown()
	text, err := d.options.Cursor.Load(ctx)
	if err != nil {
		return fmt.Errorf("loading the cursor of %s/%s: %w", d.options.Namespace, d.options.Tenant, err)
	}
	before, err := parseCursor(text)
	if err != nil {
		return err
	}
	if d.tenant, err = d.begin(ctx); ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if d.tenant == nil && before.Time.IsZero() {
		return fmt.Errorf("there is no ScimTenant %q in the namespace %q, and no cursor of a time when there was: correct the name, or create the tenant first",
			d.options.Tenant, d.options.Namespace)
	}
	for kind, revision := range before.since(d.tenant) {
		d.seen[kind].revision = revision
	}
	var others sync.WaitGroup
	defer others.Wait()
	for kind := range kind(kinds) {
		others.Go(func() { d.stream(ctx, kind) })
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.synced:
	}
	// It may have been deleted, and its users with it, while these were read.
	if d.tenant, err = d.begin(ctx); ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if reason := before.missed(start{tenant: d.tenant, markers: d.markers(), now: d.now()}); reason != "" {
		d.lose(reason)
	}
	others.Go(func() { d.keepSaving(ctx, before) })
	stop := context.AfterFunc(ctx, d.queue.ShutDown)
	defer stop()
	d.report(ctx)
	return nil
}

// Synced is closed once the directory has all users and groups.
func (d *Directory) Synced() <-chan struct{} { return d.synced }

// markers is how many markers there are.
func (d *Directory) markers() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.content.markers[users]) + len(d.content.markers[groups])
}

// lose has a Resync come before all that is still to be reported.
func (d *Directory) lose(reason string) {
	d.mu.Lock()
	d.lost = reason
	d.mu.Unlock()
	d.queue.Add(key{}) // So that it is noticed although nothing changes.
}
