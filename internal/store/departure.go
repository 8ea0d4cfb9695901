package store

import (
	"time"

	"github.com/kubescim/kubescim/internal/scim"
)

// Departures are what a guard of a Policy judges by.
type Departures struct {
	// Left is how many users were deactivated or deleted lately, and Active how many are active.
	Left, Active int
}

// Departs reports whether a write makes an active user inactive, or deletes one: next is nil then.
func Departs(next, current *scim.Resource) bool { return TakesSeat(current) && !TakesSeat(next) }

// AdmitDeparture returns 503 for one more user who would be deactivated or deleted, if these are too
// many.
func (p Policy) AdmitDeparture(so Departures, now time.Time) error {
	if going, active := so.Left+1, so.Left+so.Active; !p.Guard.Open(now) && p.Guard.Exceeded(going, active) {
		return TooManyDepartures(p.Guard, going, active)
	}
	return nil
}

// AdmitRemoval returns 503 for a write that would take so many users out of groups, if these are too
// many of those who are active.
func (p Policy) AdmitRemoval(going, active int, now time.Time) error {
	if !p.Guard.Open(now) && p.Guard.Exceeded(going, active) {
		return TooManyRemovals(p.Guard, going, active)
	}
	return nil
}
