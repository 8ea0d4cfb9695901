package command

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// waitInterval is how often what a command waits for is looked at.
const waitInterval = 500 * time.Millisecond

// ErrTimeout is what Wait fails with when the time is over.
var ErrTimeout = errors.New("the time to wait is over")

// Wait calls done until it is true or fails, for a time at the most.
func Wait(ctx context.Context, limit time.Duration, done func(context.Context) (bool, error)) error {
	end := time.Now().Add(limit)
	waiting, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	err := wait.PollUntilContextCancel(waiting, waitInterval, true, done)
	// A call that the end of the time cut short, or that was not begun any more, fails in ways of its
	// own, and possibly before the context does.
	if err != nil && ctx.Err() == nil && !time.Now().Before(end) {
		return ErrTimeout
	}
	return err
}
