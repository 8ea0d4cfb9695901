package kubernetes

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

// weather is what a cache's watches have to bear.
type weather struct {
	mu     sync.Mutex
	cond   *sync.Cond
	held   bool
	broken chan struct{} // closed to end the watches that there are with 410
	begun  atomic.Int64  // watches that asked for the first state
}

func newWeather() *weather {
	w := &weather{broken: make(chan struct{})}
	w.cond = sync.NewCond(&w.mu)
	return w
}

// hold keeps events back from now on.
func (w *weather) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
}

// clear lets all events through.
func (w *weather) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	w.cond.Broadcast()
}

// expire ends the watches as the API server does when it has no history any more.
func (w *weather) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.broken)
	w.broken = make(chan struct{})
}

// client returns a client whose watches have the weather.
func (w *weather) client() client.WithWatch {
	return interceptor.NewClient(watching, interceptor.Funcs{
		Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
			options := &client.ListOptions{}
			options.ApplyOptions(opts)
			if options.Raw != nil && options.Raw.SendInitialEvents != nil {
				w.begun.Add(1)
			}
			stream, err := c.Watch(ctx, list, opts...)
			if err != nil {
				return nil, err
			}
			w.mu.Lock()
			broken := w.broken
			w.mu.Unlock()
			events := make(chan watch.Event)
			go func() {
				defer close(events)
				for {
					var event watch.Event
					select {
					case <-broken:
						status := apierrors.NewResourceExpired("too old resource version").Status()
						event = watch.Event{Type: watch.Error, Object: &status}
					case next, more := <-stream.ResultChan():
						if !more {
							return
						}
						w.mu.Lock()
						for w.held {
							w.cond.Wait()
						}
						w.mu.Unlock()
						event = next
					}
					select {
					case events <- event:
					case <-ctx.Done():
						return
					}
				}
			}()
			return watch.NewProxyWatcher(events), nil
		},
	})
}

// scene is a replica whose watches have weather, and another one that writes.
type scene struct {
	namespace string
	reader    *Store
	storm     *weather // of the reader
	writer    store.Store
	all       *replicas
}

func newScene(ctx context.Context) *scene {
	GinkgoHelper()
	s := &scene{namespace: newNamespace(ctx), storm: newWeather()}
	s.all = &replicas{backend: backend{namespace: s.namespace}}
	s.writer = s.all.Replica()
	s.reader = s.start(s.storm)
	return s
}

// start makes a replica with the weather, known to the others.
func (s *scene) start(w *weather) *Store {
	GinkgoHelper()
	tenant := client.ObjectKey{Namespace: s.namespace, Name: "acme"}
	memory := cache.New(w.client(), tenant, readindex.NewMarks(), slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
	members := s.all.start(memory, w.clear)
	return New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Cache: memory, Members: members})
}

// create has the writer create a user.
func (s *scene) create(ctx context.Context, userName string) string {
	GinkgoHelper()
	created, err := s.writer.Create(ctx, newUser(userName), store.Policy{})
	Expect(err).NotTo(HaveOccurred())
	return created.ID()
}

// get has the reader read a user.
func (s *scene) get(ctx context.Context, id string) (*scim.Resource, error) {
	return s.reader.Get(ctx, registry.User(), id, store.View{})
}

// loseLabel takes a label off an object, as somebody does by hand, and waits until the
// reader's memory has it so.
func (s *scene) loseLabel(ctx context.Context, object client.Object, name, label string) {
	GinkgoHelper()
	Expect(live.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: name}, object)).To(Succeed())
	labels := object.GetLabels()
	delete(labels, label)
	object.SetLabels(labels)
	Expect(live.Update(ctx, object)).To(Succeed())
	latest, err := s.reader.cache.Latest(ctx)
	Expect(err).NotTo(HaveOccurred())
	Eventually(func() error { return s.reader.cache.Reach(ctx, latest) }).Should(Succeed())
}

// synced fails while the reader cannot answer from memory.
func (s *scene) synced(ctx context.Context) func() error {
	return func() error { return s.reader.cache.Current(ctx, registry.User(), s.reader.members) }
}

// start runs the cache as one of the replicas, until the case ends, and waits until
// it is in step. release lets go of what might keep it from ending.
func (r *replicas) start(memory *cache.Cache, release func()) Members {
	GinkgoHelper()
	members := r.add(memory)
	memory.Follow(registry)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		memory.Run(ctx, members)
	}()
	DeferCleanup(func() {
		stop()
		release()
		Eventually(ended).Should(BeClosed())
	})
	Eventually(memory.Synced).Should(BeTrue())
	return members
}

// add makes the cache one that the others know.
func (r *replicas) add(memory *cache.Cache) Members {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caches = append(r.caches, memory)
	return together{alone: alone{memory}, replicas: r}
}

// together is a replica that asks all others.
type together struct {
	alone
	replicas *replicas
}

// ReadIndex implements Members.
func (t together) ReadIndex(context.Context, readindex.Tenant) (readindex.Revisions, error) {
	t.replicas.mu.Lock()
	defer t.replicas.mu.Unlock()
	var revisions readindex.Revisions
	for _, one := range t.replicas.caches {
		revisions = revisions.Max(one.Revisions())
	}
	return revisions, nil
}

// lost is a replica that the others do not answer.
type lost struct{ Members }

// ReadIndex implements Members.
func (lost) ReadIndex(context.Context, readindex.Tenant) (readindex.Revisions, error) {
	return readindex.Revisions{}, errLost
}
