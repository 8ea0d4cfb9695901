package requests

import (
	"context"
	"sync"
)

// mostTurns is how many logs are put together and sent at the same time, each of which takes memory.
const mostTurns = 4

// turns let one after the other read the logs of a namespace, and few those of all: whoever reads slowly, or
// has much to read, keeps out those of their own namespace.
type turns struct {
	all chan struct{}

	mu sync.Mutex
	// busy are the namespaces that somebody reads in, each with what is closed when that ends.
	busy map[string]chan struct{}
}

func newTurns() *turns {
	return &turns{all: make(chan struct{}, mostTurns), busy: map[string]chan struct{}{}}
}

// begin waits for a turn, and returns what ends it.
func (t *turns) begin(ctx context.Context, namespace string) (end func(), err error) {
	for {
		before := t.enter(namespace)
		if before == nil {
			break
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	select {
	case t.all <- struct{}{}:
	case <-ctx.Done():
		t.leave(namespace)
		return nil, ctx.Err()
	}
	return func() {
		<-t.all
		t.leave(namespace)
	}, nil
}

// enter takes a namespace, or returns what is closed when it is free.
func (t *turns) enter(namespace string) (busy <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, is := t.busy[namespace]; is {
		return before
	}
	t.busy[namespace] = make(chan struct{})
	return nil
}

func (t *turns) leave(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.busy[namespace])
	delete(t.busy, namespace)
}
