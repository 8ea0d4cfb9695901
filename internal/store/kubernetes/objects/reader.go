// Package objects reads a tenant's users, groups and slices of members at the API server: one,
// or all that are selected. Whatever it has read is noted in the cache as acknowledged, since
// a client may be told of it. What cannot be read is left out. It decides nothing about
// when to read there.
package objects

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// Reader reads the objects of a tenant.
type Reader struct {
	// Client must read from the API server and not from a cache.
	Client client.Client
	// Tenant is the ScimTenant's name and namespace.
	Tenant client.ObjectKey
	// Cache, if not nil, is what must be as new as that which is read here.
	Cache *cache.Cache
	// Rewound is called when the API server shows that etcd was restored to an older state.
	Rewound func()
	// LeftOut is called for each object that is left out.
	LeftOut func()
	Log     *slog.Logger
}

// Read returns the record with the id, live; nil when the tenant has none, and ErrUnreadable
// for one that cannot be read.
// Whoever gets to know what was read here can rely on every replica to know it
// too, or a later state. That an object is gone is no exception: who deleted it
// has acknowledged before that it is marked as deleted.
func (r *Reader) Read(ctx context.Context, t *schema.ResourceType, id string) (*codec.Record, error) {
	if _, err := codec.ParseID(id); err != nil {
		return nil, nil //nolint:nilerr // What is no id is nobody's.
	}
	object := codec.NewObject(t)
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: r.Tenant.Namespace, Name: id}, object)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case failure.IsUnreadable(err):
		r.leaveOut(codec.KindOf(t), id)
		return nil, fmt.Errorf("reading the %s %s: %w (%w)", t.Name, id, store.Unavailable(), failure.ErrUnreadable)
	case err != nil:
		return nil, failure.Wrap(err, "reading the %s %s", t.Name, id)
	}
	r.Cache.Acknowledge(codec.KindOf(t), object)
	return codec.Decode(r.Tenant.Name, t, object)
}

// ReadShown returns the record with the id that clients are shown, or else that there is none.
func (r *Reader) ReadShown(ctx context.Context, t *schema.ResourceType, id string) (*codec.Record, error) {
	read, err := r.Read(ctx, t, id)
	if errors.Is(err, failure.ErrUnreadable) || err == nil && !read.Shown() {
		return nil, store.NotFound(t, id)
	}
	return read, err
}

// leaveOut notes that an object is left out. What is in it may be personal.
func (r *Reader) leaveOut(kind readindex.Kind, name string) {
	r.LeftOut()
	r.Log.Error("an object cannot be read and is left out",
		slog.String("kind", fmt.Sprintf("%T", codec.NewObjectOf(kind))), slog.String("name", name), slog.Any("error", failure.ErrUnreadable))
}
