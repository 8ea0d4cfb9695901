package controller

import (
	"context"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// newInformer makes an informer of the cache for some namespaces only. The cache
// has one for each kind and namespace, and its controllers start when all of them
// are filled. A namespace that is deleted takes the operator's rights in it along,
// so that its informers cannot be filled: without patience, no other namespace
// would be worked in either. ScimTenants, ScimApiKeys and ScimRoleBindings can be read in any
// namespace, and decide about others: they are waited for.
func newInformer(
	lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers,
) toolscache.SharedIndexInformer {
	switch example.(type) {
	case *scimv1alpha1.ScimTenant, *scimv1alpha1.ScimApiKey, *scimv1alpha1.ScimRoleBinding, *networkingv1.IngressClass:
		return toolscache.NewSharedIndexInformer(lw, example, resync, indexers)
	default:
		return newPatientInformer(lw, example, resync, indexers)
	}
}

// patientInformer counts as synced, with nothing in it, once the API server has
// refused to let it read. It goes on trying, and tells its handlers about
// everything as soon as it may read. Whoever finds nothing in it has to ask the API
// server before it concludes anything from that.
type patientInformer struct {
	toolscache.SharedIndexInformer

	once    sync.Once
	refused chan struct{}
}

func newPatientInformer(
	lw toolscache.ListerWatcher, example runtime.Object, resync time.Duration, indexers toolscache.Indexers,
) *patientInformer {
	p := &patientInformer{refused: make(chan struct{})}
	inner := toolscache.ToListerWatcherWithContext(lw)
	p.SharedIndexInformer = toolscache.NewSharedIndexInformer(&toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := inner.ListWithContext(ctx, options)
			p.note(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			w, err := inner.WatchWithContext(ctx, options)
			p.note(err)
			return w, err
		},
	}, example, resync, indexers)
	// It fails only on an informer that runs already.
	_ = p.SetWatchErrorHandlerWithContext(handleWatchError)
	return p
}

func (p *patientInformer) note(err error) {
	if apierrors.IsForbidden(err) {
		p.once.Do(func() { close(p.refused) })
	}
}

// handleWatchError keeps the log readable: availability tells that a namespace is
// missing, once, and not for each kind again and again.
func handleWatchError(ctx context.Context, r *toolscache.Reflector, err error) {
	if apierrors.IsForbidden(err) {
		log.FromContext(ctx).V(1).Info("May not watch", "kind", r.TypeDescription(), "error", err.Error())
		return
	}
	toolscache.DefaultWatchErrorHandler(ctx, r, err)
}

// HasSynced reports whether the informer has all objects, or was refused them.
func (p *patientInformer) HasSynced() bool {
	return p.SharedIndexInformer.HasSynced() || isClosed(p.refused)
}

// HasSyncedChecker is like HasSynced.
func (p *patientInformer) HasSyncedChecker() toolscache.DoneChecker {
	return firstOf(p.SharedIndexInformer.HasSyncedChecker(), p.refused)
}

// AddEventHandler adds a handler, whose registration counts as synced like the informer.
func (p *patientInformer) AddEventHandler(h toolscache.ResourceEventHandler) (toolscache.ResourceEventHandlerRegistration, error) {
	return p.registered(p.SharedIndexInformer.AddEventHandler(h))
}

// AddEventHandlerWithResyncPeriod is like AddEventHandler.
func (p *patientInformer) AddEventHandlerWithResyncPeriod(
	h toolscache.ResourceEventHandler, period time.Duration,
) (toolscache.ResourceEventHandlerRegistration, error) {
	return p.registered(p.SharedIndexInformer.AddEventHandlerWithResyncPeriod(h, period))
}

// AddEventHandlerWithOptions is like AddEventHandler.
func (p *patientInformer) AddEventHandlerWithOptions(
	h toolscache.ResourceEventHandler, options toolscache.HandlerOptions,
) (toolscache.ResourceEventHandlerRegistration, error) {
	return p.registered(p.SharedIndexInformer.AddEventHandlerWithOptions(h, options))
}

// RemoveEventHandler removes a handler by the registration that it got here.
func (p *patientInformer) RemoveEventHandler(handle toolscache.ResourceEventHandlerRegistration) error {
	if patient, ok := handle.(*patientRegistration); ok {
		handle = patient.ResourceEventHandlerRegistration
	}
	return p.SharedIndexInformer.RemoveEventHandler(handle)
}

func (p *patientInformer) registered(
	inner toolscache.ResourceEventHandlerRegistration, err error,
) (toolscache.ResourceEventHandlerRegistration, error) {
	if err != nil {
		return nil, err
	}
	return &patientRegistration{ResourceEventHandlerRegistration: inner, refused: p.refused}, nil
}

// patientRegistration is the registration of a handler at a patientInformer.
type patientRegistration struct {
	toolscache.ResourceEventHandlerRegistration

	refused <-chan struct{}
}

// HasSynced reports whether the handler has been told everything, or there is
// nothing that the informer may read.
func (r *patientRegistration) HasSynced() bool {
	return r.ResourceEventHandlerRegistration.HasSynced() || isClosed(r.refused)
}

// HasSyncedChecker is like HasSynced.
func (r *patientRegistration) HasSyncedChecker() toolscache.DoneChecker {
	return firstOf(r.ResourceEventHandlerRegistration.HasSyncedChecker(), r.refused)
}

// either is done when its checker is, or when a channel is closed.
type either struct {
	toolscache.DoneChecker

	done chan struct{}
}

func firstOf(checker toolscache.DoneChecker, closed <-chan struct{}) toolscache.DoneChecker {
	e := &either{DoneChecker: checker, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		select {
		case <-checker.Done():
		case <-closed:
		}
	}()
	return e
}

// Done is closed when either of the two is.
func (e *either) Done() <-chan struct{} { return e.done }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
