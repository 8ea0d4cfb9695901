package kubernetes

import (
	"context"

	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// witness is a client that notices, before anybody is told of a write, that etcd has been
// restored to an older state: the write has a lower resourceVersion than what the API
// server has shown before.
type witness struct {
	client.Client
	cache *Cache
}

// Create implements client.Client.
func (w witness) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	known := w.cache.Seen()
	err := w.Client.Create(ctx, object, opts...)
	if kind, is := codec.KindOfObject(object); is && err == nil {
		w.cache.Shown(known, kind, codec.RevisionOf(object))
	}
	return err
}

// Update implements client.Client. One that changes nothing has the resourceVersion that
// there was.
func (w witness) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	known, before := w.cache.Seen(), codec.RevisionOf(object)
	err := w.Client.Update(ctx, object, opts...)
	if kind, is := codec.KindOfObject(object); is && err == nil && codec.RevisionOf(object) != before {
		w.cache.Shown(known, kind, codec.RevisionOf(object))
	}
	return err
}
