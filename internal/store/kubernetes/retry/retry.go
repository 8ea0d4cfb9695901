// Package retry is what a write does that has lost a race: it is made again, from what there
// is now. There is one error that says so, ErrLost, and one driver, Do.
package retry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubescim/kubescim/internal/sleep"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// ErrLost says that somebody else was faster, so that another try is due.
var ErrLost = errors.New("somebody else was faster")

// after is an error after which another try is due.
type after struct{ error }

// Unwrap returns the error itself.
func (a after) Unwrap() error { return a.error }

// Is makes it ErrLost for Do.
func (a after) Is(target error) bool { return target == ErrLost }

// After makes Do try again after an error, and return that error if there is no time left.
func After(err error) error { return after{err} }

// Lost returns ErrLost for an error which says that somebody else was faster, and any other
// error, or nil, as it is.
func Lost(err error) error {
	if err != nil && failure.IgnoreRaces(err) == nil {
		return ErrLost
	}
	return err
}

// Do calls try again and again, with a growing pause between, until it returns something else
// than ErrLost, which Do returns. When the context is done before that, Do says what was being
// attempted, and that others are changing the same: store.Busy.
func Do(ctx context.Context, what string, try func() error) error {
	backoff := wait.Backoff{Duration: 5 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 1000, Cap: 250 * time.Millisecond}
	for {
		err := try()
		if !errors.Is(err, ErrLost) {
			return err
		}
		if sleep.For(ctx, backoff.Step()) {
			continue
		}
		var last after
		if errors.As(err, &last) {
			return last.error
		}
		return fmt.Errorf("%s: %w", what, store.Busy())
	}
}
