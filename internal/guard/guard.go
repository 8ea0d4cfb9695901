// Package guard decides how many users may be deactivated, be deleted or lose their groups at once
// before somebody has to allow it. It counts nobody and keeps nothing: what it judges by is in the
// users that are stored.
package guard

import "time"

const (
	// LongestWindow is how long the window of a guard is at the most.
	LongestWindow = 24 * time.Hour
	// OpenAtMost is how long a guard may be open: it opens so long before its AllowUntil at the
	// earliest, so that nobody leaves it open for good.
	OpenAtMost = 24 * time.Hour
)

// Guard is what a tenant has asked for. A nil Guard stops nothing.
type Guard struct {
	// MaxPercent is the share of the active users, in per cent, of which more are stopped.
	MaxPercent int
	// MinUsers is how many may go, whatever their share.
	MinUsers int
	// Window is the time in which those count together who were deactivated or deleted.
	Window time.Duration
	// AllowUntil is until when the guard is open, and zero when nobody has opened it.
	AllowUntil time.Time
}

// Open reports whether nothing is stopped at the moment.
func (g *Guard) Open(now time.Time) bool {
	return g == nil || now.Before(g.AllowUntil) && !now.Before(g.OpensAt())
}

// OpensAt is when the guard opens, at the earliest, of one that has an AllowUntil.
func (g *Guard) OpensAt() time.Time { return g.AllowUntil.Add(-OpenAtMost) }

// Since is from when on those count who were deactivated or deleted. What went while the guard was open
// was allowed, and does not count against what comes after.
func (g *Guard) Since(now time.Time) time.Time {
	since := now.Add(-g.Window)
	if g.AllowUntil.After(since) && !g.AllowUntil.After(now) {
		return g.AllowUntil
	}
	return since
}

// Exceeded reports whether so many users, of so many that were active before, are more than may go.
func (g *Guard) Exceeded(going, active int) bool {
	return going > g.Allowed(active)
}

// Allowed is how many users may go of so many that were active before.
func (g *Guard) Allowed(active int) int {
	return max(g.MinUsers, int(int64(g.MaxPercent)*int64(active)/100))
}
