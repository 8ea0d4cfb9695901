package directory

import (
	"context"
	"fmt"
	"slices"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// stream reads a kind until the context is done: all objects that there are, and then every change. It begins anew when
// it breaks off, with pauses.
func (d *Directory) stream(ctx context.Context, kind kind) {
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			if options.ResourceVersion == "0" {
				options.ResourceVersion = "" // What is read is as new as what was read before.
			}
			return d.request(kind, &options).Do(ctx).Get()
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.Watch = true
			return d.request(kind, &options).Watch(ctx)
		},
	}
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(d.log.Handler()))
	cache.NewReflectorWithOptions(source, kind.empty(), sink{directory: d, kind: kind}, cache.ReflectorOptions{Name: "directory"}).RunWithContext(ctx)
}

// sink is where what is read of a kind goes. It implements cache.ReflectorStore and cache.ReflectorBookmarkStore.
type sink struct {
	directory *Directory
	kind      kind
}

// Add implements cache.ReflectorStore.
func (s sink) Add(one any) error { return s.event(one, s.directory.put) }

// Update implements cache.ReflectorStore.
func (s sink) Update(one any) error { return s.event(one, s.directory.put) }

// Delete implements cache.ReflectorStore.
func (s sink) Delete(one any) error {
	return s.event(one, func(kind kind, o object, revision uint64) { s.directory.remove(kind, o.GetName(), revision) })
}

// Resync implements cache.ReflectorStore.
func (s sink) Resync() error { return nil }

// Bookmark implements cache.ReflectorBookmarkStore.
func (s sink) Bookmark(resourceVersion string) error {
	revision, err := revisionOf(resourceVersion)
	if err != nil {
		return err
	}
	d := s.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reach(s.kind, revision)
	return nil
}

// event does with a changed object what is to be done.
func (s sink) event(one any, do func(kind, object, uint64)) error {
	o, is := one.(object)
	if !is {
		return fmt.Errorf("%T is no %s", one, s.kind.resource())
	}
	revision, err := revisionOf(o.GetResourceVersion())
	if err != nil {
		return err
	}
	o.SetManagedFields(nil)
	d := s.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	do(s.kind, o, revision)
	d.reach(s.kind, revision)
	return nil
}

// Replace implements cache.ReflectorStore: it compares a list with what was there. What is as old as what was seen before, in
// this run or the one before, is reported no more, unless it is another one than was seen: after a restore of etcd, revisions
// may be far higher than they were, and objects older.
func (s sink) Replace(all []any, resourceVersion string) error {
	reached, err := revisionOf(resourceVersion)
	if err != nil {
		return err
	}
	d := s.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	known := &d.seen[s.kind]
	if reached < known.revision {
		known.revision, d.lost = 0, "the API server shows an older state than before"
		d.queue.Add(key{})
	}
	gone := set{}
	for _, name := range d.content.namesOf(s.kind) {
		gone[name] = struct{}{}
	}
	d.content.markers[s.kind] = set{}
	sorted, err := byRevision(all)
	if err != nil {
		return err
	}
	for _, one := range sorted {
		delete(gone, one.GetName())
		one.SetManagedFields(nil)
		switch {
		case one.revision > known.revision, known.listed && d.content.differs(s.kind, one):
			d.put(s.kind, one.object, one.revision)
		case !known.listed && one.GetLabels()[scimv1alpha1.LabelSliced] != "":
			// ScimGroupMembers of it may have gone meanwhile, which leave nothing.
			d.put(s.kind, one.object, known.revision+1)
		default:
			d.content.put(s.kind, one.object)
		}
	}
	for name := range gone {
		d.remove(s.kind, name, reached)
	}
	known.listed = true
	known.revision, known.at = reached, d.now()
	d.sync()
	return nil
}

// read is an object with its revision.
type read struct {
	object
	revision uint64
}

// byRevision returns objects in the order in which they were written.
func byRevision(all []any) ([]read, error) {
	sorted := make([]read, 0, len(all))
	for _, one := range all {
		o, is := one.(object)
		if !is {
			return nil, fmt.Errorf("%T is no object", one)
		}
		revision, err := revisionOf(o.GetResourceVersion())
		if err != nil {
			return nil, err
		}
		sorted = append(sorted, read{o, revision})
	}
	slices.SortFunc(sorted, func(a, b read) int {
		switch {
		case a.revision < b.revision:
			return -1
		case a.revision > b.revision:
			return 1
		}
		return 0
	})
	return sorted, nil
}

// sync says so when all kinds were listed.
func (d *Directory) sync() {
	for _, kind := range d.seen {
		if !kind.listed {
			return
		}
	}
	select {
	case <-d.synced:
	default:
		close(d.synced)
	}
}

// reach takes note that all of a kind up to the revision was seen.
func (d *Directory) reach(kind kind, revision uint64) {
	d.seen[kind].revision, d.seen[kind].at = max(d.seen[kind].revision, revision), d.now()
}
