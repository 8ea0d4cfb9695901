package cache

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kubescim/kubescim/internal/readindex"
)

// watches returns a client whose watches are those that open returns.
func watches(open func(context.Context, *metav1.ListOptions) (watch.Interface, error)) client.WithWatch {
	return interceptor.NewClient(nil, interceptor.Funcs{
		Watch: func(ctx context.Context, _ client.WithWatch, _ client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			return open(ctx, (&client.ListOptions{}).ApplyOptions(opts).Raw)
		},
	})
}

// stream is a watch with the events, which ends after them.
func stream(events ...watch.Event) watch.Interface {
	ch := make(chan watch.Event, len(events))
	for _, event := range events {
		ch <- event
	}
	close(ch)
	return watch.NewProxyWatcher(ch)
}

func bookmark(revision string, annotations map[string]string) watch.Event {
	object := &metav1.PartialObjectMetadata{}
	object.SetResourceVersion(revision)
	object.SetAnnotations(annotations)
	return watch.Event{Type: watch.Bookmark, Object: object}
}

// reflectorOf is the stream of a kind that fills a cache.
func reflectorOf(memory *Cache, kind readindex.Kind) *reflector {
	all, _ := memory.streams.reflectors()
	return all[kind]
}

func TestWatchesThatEndAtOnceAreBegunAgainMoreAndMoreRarely(t *testing.T) {
	for name, open := range map[string]func() (watch.Interface, error){
		"without a word": func() (watch.Interface, error) { return stream(), nil },
		"after a bookmark": func() (watch.Interface, error) {
			return stream(bookmark("5", map[string]string{metav1.InitialEventsAnnotationKey: "true"})), nil
		},
		"with an error": func() (watch.Interface, error) {
			return nil, apierrors.NewInternalError(context.DeadlineExceeded)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := 0
				memory := New(watches(func(context.Context, *metav1.ListOptions) (watch.Interface, error) {
					begun++
					return open()
				}), client.ObjectKey{Namespace: "default", Name: "acme"}, readindex.NewMarks(), slog.New(slog.DiscardHandler))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				reflectorOf(memory, readindex.Users).run(ctx)
				NewWithT(t).Expect(begun).To(And(BeNumerically(">", 10), BeNumerically("<", 30)), "in a minute")
			})
		})
	}
}

func TestWatchesThatEndAreLoggedWithoutWhatTheAPIServerSays(t *testing.T) {
	refusal := apierrors.NewBadRequest("babs@example.com is not allowed").Status()
	for name, open := range map[string]func() (watch.Interface, error){
		"refused": func() (watch.Interface, error) { return nil, &apierrors.StatusError{ErrStatus: refusal} },
		"ended":   func() (watch.Interface, error) { return stream(watch.Event{Type: watch.Error, Object: &refusal}), nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := NewWithT(t)
				var log bytes.Buffer
				memory := New(watches(func(context.Context, *metav1.ListOptions) (watch.Interface, error) { return open() }),
					client.ObjectKey{Namespace: "default", Name: "acme"}, readindex.NewMarks(), slog.New(slog.NewTextHandler(&log, nil)))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				reflectorOf(memory, readindex.Users).run(ctx)
				g.Expect(log.String()).To(ContainSubstring("the API server answered 400 BadRequest"))
				g.Expect(log.String()).NotTo(ContainSubstring("babs"))
			})
		})
	}
}

func TestBookmarksThatAreWantedAreNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		var revision uint64 = 1
		memory := New(watches(func(ctx context.Context, options *metav1.ListOptions) (watch.Interface, error) {
			events := make(chan watch.Event)
			go func() {
				defer close(events)
				next, pause := bookmark("1", map[string]string{metav1.InitialEventsAnnotationKey: "true"}), time.Duration(0)
				if options.ResourceVersion != "" { // As the API server does: two seconds before the end.
					next, pause = bookmark("100", nil), time.Duration(*options.TimeoutSeconds-2)*time.Second
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
				select {
				case events <- next:
				case <-ctx.Done():
				}
				select {
				case <-time.After(2 * time.Second):
				case <-ctx.Done():
				}
			}()
			return watch.NewProxyWatcher(events), nil
		}), client.ObjectKey{Namespace: "default", Name: "acme"}, readindex.NewMarks(), slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		users := reflectorOf(memory, readindex.Users)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			users.run(ctx)
		}()
		defer func() {
			cancel()
			<-ended
		}()
		synctest.Wait() // The first list is read.
		for range 20 {
			revision++
			want := readindex.Revisions{readindex.Users: revision}
			memory.streams.progress.mu.Lock()
			memory.streams.progress.applied = readindex.Revisions{1, 1, 1}
			memory.streams.progress.mu.Unlock()
			g.Expect(memory.streams.progress.reachSoon(ctx, want, readindex.Revisions{}, bookmarkPatience)).To(Succeed())
			time.Sleep(keepUpPeriod)
		}
	})
}
