package cache

import (
	"context"
	"sync"
)

// shared lets all who come at the same time share one call. Whoever comes gets the answer
// to one that begins after that, and never of one that is under way.
type shared[T any] struct {
	mu      sync.Mutex
	calling bool
	next    *sharing[T] // nil when nobody waits for the next call
}

// sharing is one call and who waits for it.
type sharing[T any] struct {
	done   chan struct{} // closed when answer and err are set
	answer T
	err    error
}

// do returns the answer of the next call, or the context's error if that is done before.
func (s *shared[T]) do(ctx context.Context, call func() (T, error)) (answer T, err error) {
	mine := s.enter(call)
	select {
	case <-mine.done:
		return mine.answer, mine.err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

func (s *shared[T]) enter(call func() (T, error)) *sharing[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &sharing[T]{done: make(chan struct{})}
	}
	if !s.calling {
		s.calling = true
		go s.run(call)
	}
	return s.next
}

// run calls while somebody waits.
func (s *shared[T]) run(call func() (T, error)) {
	for {
		s.mu.Lock()
		mine := s.next
		s.next = nil
		s.calling = mine != nil
		s.mu.Unlock()
		if mine == nil {
			return
		}
		mine.answer, mine.err = call()
		close(mine.done)
	}
}
