package kubernetes

import (
	"context"
	"sync"
)

// locks let the requests of one process for one resource write it one after the
// other, in the order in which they came, instead of failing each other's
// compare-and-swap. Correctness does not need them.
type locks struct {
	mu   sync.Mutex
	held map[string]*turn
}

// turn is a place to wait in for one id.
type turn struct {
	token chan struct{} // has the turn of whoever may go next
	users int           // who hold it or wait for it
}

// lock waits for the caller's turn, and returns what ends it.
func (l *locks) lock(ctx context.Context, id string) (unlock func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*turn{}
	}
	t := l.held[id]
	if t == nil {
		t = &turn{token: make(chan struct{}, 1)}
		t.token <- struct{}{}
		l.held[id] = t
	}
	t.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(l.held, id)
		}
	}
	select {
	case <-t.token:
		return func() {
			t.token <- struct{}{}
			leave()
		}, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
