package reconcile

import (
	"slices"
	"time"
)

// Soonest returns the shortest of the times after which to look again; 0 when there is none. One
// that is not above 0 is none.
func Soonest(waits ...time.Duration) time.Duration {
	waits = slices.DeleteFunc(slices.Clone(waits), func(wait time.Duration) bool { return wait <= 0 })
	if len(waits) == 0 {
		return 0
	}
	return slices.Min(waits)
}
