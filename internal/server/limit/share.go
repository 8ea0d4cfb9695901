package limit

import (
	"context"
	"errors"
	"fmt"

	"github.com/kubescim/kubescim/internal/scim"
)

// Share is the memory of one request.
type Share struct {
	memory   *Memory
	needs    int64 // bytes that the request needs
	acquired int64 // of them, those that were acquired: none up to SmallRequest
}

// Share returns the share of a request that has nothing yet.
func (m *Memory) Share() Share { return Share{memory: m} }

// Acquire acquires memory for what the request is about to need besides what it has
// needed already, until it ends; at once or not at all. It returns NoRoom when it cannot be
// had, even by waiting, and an error that With waits for when it may be had later.
func (s *Share) Acquire(bytes int64) error {
	needs := s.needs + bytes
	if missing := needs - s.acquired; needs > SmallRequest && missing > 0 {
		if err := s.memory.acquire(s.acquired, missing); err != nil {
			return err
		}
		s.acquired = needs
	}
	s.needs = needs
	return nil
}

// With does something that acquires memory. Where others have it, what was begun is
// given up and done again once the memory is there. What the request really holds, such
// as a large body, cannot be released meanwhile, so that it is answered 503 then.
func (s *Share) With(ctx context.Context, do func() error) error {
	needed := s.needs
	for {
		err := do()
		busy, answered := noRoomYet{}, (*scim.Error)(nil)
		if !errors.As(err, &busy) || errors.As(err, &answered) {
			return err
		}
		if needed > SmallRequest {
			return fmt.Errorf("%w: %w", tooManyLarge(), err)
		}
		s.memory.release(s.acquired)
		s.needs, s.acquired = needed, 0
		if err := s.memory.wait(ctx, busy.needs); err != nil {
			return err
		}
		s.acquired = busy.needs
	}
}

// Release releases what the request has acquired.
func (s *Share) Release() {
	s.memory.release(s.acquired)
	s.needs, s.acquired = 0, 0
}
