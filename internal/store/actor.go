package store

import (
	"context"
	"sync/atomic"
)

// Actor is who asked for a write; it is kept with the resource.
type Actor struct {
	// KeyID is the id of the API key.
	KeyID string
	// RequestID is the id of the HTTP request.
	RequestID string
	// AuditID, if set, gets the id under which the audit log of the backend, if that has one, has the
	// last write.
	AuditID *atomic.Pointer[string]
}

type actorKey struct{}

// WithActor returns a context whose writes are the actor's.
func WithActor(ctx context.Context, actor Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// ActorFrom returns the context's actor; the zero Actor when it has none.
func ActorFrom(ctx context.Context) Actor {
	actor, _ := ctx.Value(actorKey{}).(Actor)
	return actor
}
