package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/sleep"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// watchTimeout bounds one watch, so that one which has died without a word is
// replaced. The watch is asked for up to twice as long.
const watchTimeout = 4 * time.Minute

// lastingWatch is how long a watch must have lasted for the next one to be begun at once.
const lastingWatch = 30 * time.Second

// hurriedWatch is how long a watch is asked for that is to bring a bookmark soon.
const hurriedWatch = 3 * time.Second

// errBroken is the error for a list that ended before it was complete.
var errBroken = errors.New("it ended before it was complete")

// reflector is the stream of one kind: it brings all objects that there are at first, and then
// every change, to the tenants that they are of.
type reflector struct {
	streams *Streams
	kind    readindex.Kind
	era     uint64 // of progress, in which this reflector runs

	revision string // that the watch goes on from; empty to begin anew
	hurry    bool   // the next watch is to say soon how far it is
}

// run fills the cache until the context is done. While the API server does not answer, the
// cache stays as it is, and who needs it newer learns that it is not.
func (r *reflector) run(ctx context.Context) {
	// A watch that ends at once ends as soon when it is begun again, whether with an error
	// or without, so that each waits longer until one has lasted.
	pause := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 10, Cap: 5 * time.Second}.
		DelayWithReset(clock.RealClock{}, lastingWatch)
	for ctx.Err() == nil {
		asked, err := r.once(ctx)
		if asked || ctx.Err() != nil {
			continue
		}
		if err != nil {
			r.streams.log.Warn("a watch ended and is begun again", slog.Any("error", err))
		}
		sleep.For(ctx, pause())
	}
}

// once is one watch. asked reports whether it was ended here, for the next one to bring a
// bookmark, or because that has come.
func (r *reflector) once(ctx context.Context) (asked bool, err error) {
	hurried, listing := r.hurry, r.revision == ""
	list, options := r.streams.options(r.kind)
	options.Raw = r.options()
	r.hurry = false
	if listing {
		r.streams.progress.fallBehind(r.era, r.kind)
		for _, tenant := range r.streams.all(r.era) {
			tenant.beginList(r.kind)
		}
	}
	stream, err := r.streams.client.Watch(ctx, list, options)
	if err != nil {
		return false, fmt.Errorf("watching %T: %w", list, r.forget(err))
	}
	defer stream.Stop()
	wanted := r.streams.progress.bookmarks(r.kind)
	brought := false // the bookmark that was asked for
	for {
		select {
		case event, more := <-stream.ResultChan():
			if !more {
				return brought, nil
			}
			if err := r.handle(event); err != nil {
				return false, fmt.Errorf("watching %T: %w", list, err)
			}
			brought = brought || hurried && event.Type == watch.Bookmark
			if brought && r.hurry {
				return true, nil
			}
		case <-wanted:
			if r.revision == "" {
				continue // The list ends with how far it is.
			}
			r.hurry = true
			if !hurried { // The bookmark that is about to come is for those who asked before.
				return true, nil
			}
		}
	}
}

// options are those of the next watch.
func (r *reflector) options() *metav1.ListOptions {
	options := &metav1.ListOptions{
		AllowWatchBookmarks: true,
		ResourceVersion:     r.revision,
		TimeoutSeconds:      ptr.To(int64(watchTimeout.Seconds() * (1 + rand.Float64()))), //nolint:gosec // It spreads load.
	}
	if r.hurry {
		// The API server sends a bookmark two seconds before a watch ends.
		options.TimeoutSeconds = ptr.To(int64(hurriedWatch.Seconds()))
	}
	if r.revision == "" {
		options.SendInitialEvents = ptr.To(true)
		options.ResourceVersionMatch = metav1.ResourceVersionMatchNotOlderThan
	}
	return options
}

// forget makes the next watch begin anew if the API server has no record any
// more of what came after the revision. The error that it returns is logged.
func (r *reflector) forget(err error) error {
	if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) || apierrors.IsInvalid(err) {
		r.revision = ""
	}
	return failure.Redact(err)
}

// handle applies one event: of the list of what there is, until there is a revision.
func (r *reflector) handle(event watch.Event) error {
	if event.Type == watch.Error {
		return r.forget(apierrors.FromObject(event.Object))
	}
	if r.revision == "" {
		return r.list(event)
	}
	object, isObject := event.Object.(client.Object)
	if !isObject {
		return fmt.Errorf("the event %s has no object", event.Type)
	}
	if event.Type != watch.Bookmark {
		r.change(event.Type, object)
	}
	r.reached(object)
	return nil
}

// list takes what comes of the list.
func (r *reflector) list(event watch.Event) error {
	objects, end, err := listedBy(event)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if tenant := r.streams.hosted(r.era, tenantOf(object)); tenant != nil {
			tenant.list(r.kind, event.Type, object)
		}
	}
	if end == nil {
		return nil
	}
	revision := codec.RevisionOf(end)
	for _, tenant := range r.streams.all(r.era) {
		r.streams.progress.acknowledgeIn(r.era, tenant.cache.id, r.kind, revision)
		tenant.endList(r.kind, revision)
	}
	r.reached(end)
	return nil
}

// listedBy returns what an event brings of a list: objects, or the bookmark that ends it. A list
// that comes as events has changes in it, too.
func listedBy(event watch.Event) (objects []client.Object, end client.Object, err error) {
	if event.Type == watch.Error {
		return nil, nil, failure.Redact(apierrors.FromObject(event.Object))
	}
	if together, are := event.Object.(*several); are {
		return together.objects, nil, nil
	}
	object, isObject := event.Object.(client.Object)
	switch {
	case !isObject:
		return nil, nil, fmt.Errorf("the event %s has no object", event.Type)
	case event.Type != watch.Bookmark:
		return []client.Object{object}, nil, nil
	case object.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true":
		return nil, object, nil
	default:
		return nil, nil, nil
	}
}

// change brings a change to the tenant that the object is of.
func (r *reflector) change(event watch.EventType, object client.Object) {
	name := tenantOf(object)
	if name == "" { // It cannot be read, and it is not known whose it is.
		for _, tenant := range r.streams.all(r.era) {
			tenant.forget(r.kind, object.GetName())
		}
		return
	}
	tenant := r.streams.hosted(r.era, name)
	if tenant == nil {
		return
	}
	// As soon as the index has it, a client may be told, and no later than that other
	// replicas must know.
	r.streams.progress.acknowledgeIn(r.era, tenant.cache.id, r.kind, codec.RevisionOf(object))
	tenant.change(r.kind, event, object)
}

// reached notes the revision that an event brought the stream to.
func (r *reflector) reached(object client.Object) {
	r.revision = object.GetResourceVersion()
	r.streams.progress.advance(r.era, r.kind, codec.RevisionOf(object))
}
