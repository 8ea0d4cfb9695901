package codec

import (
	"context"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/store"
)

// Writer is who writes, for spec.meta and for the managed fields.
type Writer struct {
	store.Actor
	Owner client.FieldOwner
}

// WriterOf returns the writer for a request. Its RequestID is never empty, since
// a write whose answer got lost is recognised by it.
func WriterOf(ctx context.Context) Writer {
	actor := store.ActorFrom(ctx)
	if actor.RequestID == "" {
		actor.RequestID = uuid.NewString()
	}
	owner := client.FieldOwner("scim")
	if actor.KeyID != "" {
		owner = client.FieldOwner("scim/" + actor.KeyID)
	}
	return Writer{Actor: actor, Owner: owner}
}
