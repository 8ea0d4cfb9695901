package reconcile

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Written remembers, for the objects of one kind, which version a reconciler wrote
// last, so that it never goes by an older one. Its zero value is ready for use. An
// object is remembered until Get does not find it.
type Written struct {
	mu       sync.Mutex
	versions map[client.ObjectKey]string
}

// Note remembers an object as it was written.
func (w *Written) Note(obj client.Object) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.versions == nil {
		w.versions = map[client.ObjectKey]string{}
	}
	w.versions[client.ObjectKeyFromObject(obj)] = obj.GetResourceVersion()
}

// Get reads an object from a cache or, while the cache has not caught up with what
// was written last, from the API server. It fails as the readers do.
func Get[T any, P interface {
	*T
	client.Object
}](ctx context.Context, w *Written, cached, live client.Reader, key client.ObjectKey) (P, error) {
	obj := P(new(T))
	if err := cached.Get(ctx, key, obj); err != nil {
		w.forgetIfGone(key, err)
		return nil, err
	}
	if !w.isBehind(key, obj) {
		return obj, nil
	}
	obj = P(new(T))
	if err := live.Get(ctx, key, obj); err != nil {
		w.forgetIfGone(key, err)
		return nil, err
	}
	// An API server that was restored from a backup may count from further below.
	w.Note(obj)
	return obj, nil
}

// isBehind reports whether an object is older than what was written last.
func (w *Written) isBehind(key client.ObjectKey, obj client.Object) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	written, ok := w.versions[key]
	if !ok {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(obj.GetResourceVersion(), written)
	return err != nil || order < 0
}

func (w *Written) forgetIfGone(key client.ObjectKey, err error) {
	if !apierrors.IsNotFound(err) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.versions, key)
}
