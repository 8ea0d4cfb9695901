package store

import (
	"context"
	"sync/atomic"
)

type droppedKey struct{}

// WithDropped returns a context whose writes say in the counter how many members they
// left out of a group, because the tenant does not know them.
func WithDropped(ctx context.Context, counter *atomic.Int64) context.Context {
	return context.WithValue(ctx, droppedKey{}, counter)
}

// NoteDropped says that a write of the context leaves out so many members. A write that
// is tried again says so again; the most counts.
func NoteDropped(ctx context.Context, members int) {
	if counter, ok := ctx.Value(droppedKey{}).(*atomic.Int64); ok && int64(members) > counter.Load() {
		counter.Store(int64(members))
	}
}
