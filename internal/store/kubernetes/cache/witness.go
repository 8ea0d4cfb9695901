package cache

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// Witness returns a client that tells the members, before anybody is told of a write, that
// etcd has been restored to an older state, when what is written shows that.
func Witness(c client.Client, cache *Cache, members Members) client.Client {
	return witness{Client: c, cache: cache, members: members}
}

// witness is a client that notices, before anybody is told of a write, that etcd has been
// restored to an older state: the write has a lower resourceVersion than what the API
// server has shown before.
type witness struct {
	client.Client
	cache   *Cache
	members Members
}

// Create implements client.Client.
func (w witness) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	known := w.cache.Seen()
	err := w.Client.Create(ctx, object, opts...)
	if err == nil {
		w.compare(known, object)
	}
	return err
}

// Update implements client.Client. One that changes nothing has the resourceVersion that
// there was.
func (w witness) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	known, before := w.cache.Seen(), codec.RevisionOf(object)
	err := w.Client.Update(ctx, object, opts...)
	if err == nil && codec.RevisionOf(object) != before {
		w.compare(known, object)
	}
	return err
}

// compare compares the revision that an object was written at with what was known before.
func (w witness) compare(known Seen, object client.Object) {
	if kind, is := codec.KindOfObject(object); is && w.cache.Contradicts(known, kind, codec.RevisionOf(object)) {
		w.members.Rewound()
	}
}
