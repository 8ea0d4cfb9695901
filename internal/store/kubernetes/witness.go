package kubernetes

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
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
	if kind, is := kindOfObject(object); is && err == nil {
		w.cache.Shown(known, kind, revisionOf(object))
	}
	return err
}

// Update implements client.Client. One that changes nothing has the resourceVersion that
// there was.
func (w witness) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	known, before := w.cache.Seen(), revisionOf(object)
	err := w.Client.Update(ctx, object, opts...)
	if kind, is := kindOfObject(object); is && err == nil && revisionOf(object) != before {
		w.cache.Shown(known, kind, revisionOf(object))
	}
	return err
}

// kindOfObject is the kind of an object, if a cache holds such.
func kindOfObject(object client.Object) (kind readindex.Kind, is bool) {
	switch object.(type) {
	case *v1alpha1.ScimUser:
		return readindex.Users, true
	case *v1alpha1.ScimGroup:
		return readindex.Groups, true
	case *v1alpha1.ScimGroupMembers:
		return readindex.GroupMembers, true
	default:
		return 0, false
	}
}
