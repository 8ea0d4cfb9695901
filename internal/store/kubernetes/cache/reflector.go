package cache

import (
	"context"
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

// reflector brings the objects of one kind into the cache: all that there are at first,
// and then every change.
type reflector struct {
	client   client.WithWatch
	tenant   client.ObjectKey
	log      *slog.Logger
	kind     readindex.Kind
	into     target
	progress *progress
	era      uint64 // of progress, in which this reflector runs

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
			r.log.Warn("a watch ended and is begun again", slog.Any("error", err))
		}
		timer := time.NewTimer(pause())
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// once is one watch. asked reports whether it was ended here, for the next one to bring a
// bookmark, or because that has come.
func (r *reflector) once(ctx context.Context) (asked bool, err error) {
	hurried, options := r.hurry, r.options()
	r.hurry = false
	var listing *listing
	if r.revision == "" {
		listing = newListing()
		r.progress.fallBehind(r.era, r.kind)
	}
	stream, err := r.client.Watch(ctx, codec.NewList(r.kind), &client.ListOptions{Namespace: r.tenant.Namespace, Raw: options}, codec.OfTenant(r.tenant.Name))
	if err != nil {
		return false, fmt.Errorf("watching %T: %w", codec.NewList(r.kind), r.forget(err))
	}
	defer stream.Stop()
	wanted := r.progress.bookmarks(r.kind)
	brought := false // the bookmark that was asked for
	for {
		select {
		case event, more := <-stream.ResultChan():
			if !more {
				return brought, nil
			}
			if err := r.handle(event, listing); err != nil {
				return false, fmt.Errorf("watching %T: %w", codec.NewList(r.kind), err)
			}
			if r.revision != "" {
				listing = nil
			}
			brought = brought || hurried && event.Type == watch.Bookmark
			if brought && r.hurry {
				return true, nil
			}
		case <-wanted:
			if listing != nil {
				continue // It ends with how far it is.
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

// handle applies one event. listing is set while the first state comes.
func (r *reflector) handle(event watch.Event, listing *listing) error {
	if event.Type == watch.Error {
		return r.forget(apierrors.FromObject(event.Object))
	}
	if together, are := event.Object.(*several); are {
		for _, object := range together.objects {
			r.add(object)
			listing.saw(object.GetName())
		}
		return nil
	}
	object, isObject := event.Object.(client.Object)
	if !isObject {
		return fmt.Errorf("the event %s has no object", event.Type)
	}
	if listing == nil && event.Type != watch.Bookmark {
		// As soon as the index has it, a client may be told, and no later than that
		// other replicas must know. The index of a list is not read from.
		r.progress.acknowledgeIn(r.era, r.kind, codec.RevisionOf(object))
	}
	switch event.Type {
	case watch.Added, watch.Modified:
		r.add(object)
		listing.saw(object.GetName())
	case watch.Deleted:
		r.into.remove(object.GetName())
	case watch.Bookmark:
		if listing != nil && object.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
			r.complete(listing)
			r.reached(object, true)
			return nil
		}
	}
	if listing == nil {
		r.reached(object, event.Type != watch.Bookmark)
	}
	return nil
}

// add puts an object into the index, if it can be read.
func (r *reflector) add(object client.Object) {
	if err := r.change(object); err != nil {
		// One object that cannot be read must not hide all others.
		r.log.Error("an object cannot be read and is left out", slog.String("name", object.GetName()), slog.Any("error", err))
		r.into.remove(object.GetName())
	}
}

// change puts an object that was read into the index.
func (r *reflector) change(object client.Object) error {
	if unread, is := object.(*unreadable); is {
		return unread.reason
	}
	return r.into.put(object)
}

// reached notes the revision that an event brought the cache to.
func (r *reflector) reached(object client.Object, shows bool) {
	r.revision = object.GetResourceVersion()
	r.progress.advance(r.era, r.kind, codec.RevisionOf(object), shows)
}

// complete removes what was in the index and is not in the list.
func (r *reflector) complete(listing *listing) {
	var gone []string
	r.into.each(func(name string) {
		if _, seen := listing.names[name]; !seen {
			gone = append(gone, name)
		}
	})
	for _, name := range gone {
		r.into.remove(name)
	}
}

// listing is the names in a list that is being read.
type listing struct{ names map[string]struct{} }

func newListing() *listing { return &listing{names: map[string]struct{}{}} }

func (l *listing) saw(name string) {
	if l != nil {
		l.names[name] = struct{}{}
	}
}
