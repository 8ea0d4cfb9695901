package store

import (
	"time"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/userlabels"
)

// Policy has the tenant's rules that a store applies.
type Policy struct {
	// KeepDeletedUsers makes Delete keep a user, inactive and marked, instead
	// of deleting it.
	KeepDeletedUsers bool
	// RefuseRecreation makes Create answer 409 for the userName of a kept user
	// instead of bringing that user back.
	RefuseRecreation bool
	// RejectUnknownMembers makes a write of a group fail when a member's id is
	// unknown instead of leaving that member out.
	RejectUnknownMembers bool
	// Seats is how many active users there may be; 0 for any number. A write
	// that would make one more user active fails with 403 when they are taken.
	Seats int
	// ObjectLimit is how many users and groups there may be together, kept users
	// included; 0 for any number. A write that would add one fails with 403 at
	// the limit.
	ObjectLimit int
	// StorageLimit is how much the users and groups may take together, in bytes, kept
	// users included; 0 for any amount. A write that would add to it fails with 403
	// when they would take more.
	StorageLimit int64
	// Retention is how long a kept user stays, from its deletion on, before it is
	// removed; nil for ever.
	Retention *time.Duration
	// Tombstones is how long something is left of a user or group that is deleted for good, and nothing of
	// whom it was but the id, where a store leaves something; and MostTombstones for how many of them.
	Tombstones     time.Duration
	MostTombstones int
	// Labels are those that users have by their attributes, where a store keeps labels; nil for none.
	Labels *userlabels.Set
	// Guard stops mass deactivations with 503; nil for none.
	Guard *guard.Guard
}

// Counts say how much of what a Policy limits there is.
type Counts struct {
	// Active is how many users are, kept ones not counted.
	Active int
	// Objects is how many users and groups there are, kept users included.
	Objects int
	// Bytes is about how much they take where they are stored.
	Bytes int64
}

// Admit returns 403 for a write that would exceed a limit: one that makes next
// of current, which is nil for one that there was not, and inactive for one that was
// kept. Adding reports whether the write makes one more object.
func (p Policy) Admit(next, current *scim.Resource, adding bool, counts Counts) error {
	if adding && p.ObjectLimit > 0 && counts.Objects >= p.ObjectLimit {
		return Full(p.ObjectLimit)
	}
	if p.Seats > 0 && TakesSeat(next) && !TakesSeat(current) && counts.Active >= p.Seats {
		return SeatsTaken(p.Seats)
	}
	return p.AdmitBytes(Growth(next, current, adding), counts.Bytes)
}

// AdmitBytes returns 403 for a write by which what is stored would grow by so much, and
// exceed the limit.
func (p Policy) AdmitBytes(growth, stored int64) error {
	if p.StorageLimit > 0 && growth > 0 && stored > p.StorageLimit-growth {
		return StorageFull(p.StorageLimit)
	}
	return nil
}

// Growth is by how many bytes a write makes more of what is stored.
func Growth(next, current *scim.Resource, adding bool) int64 {
	grown := StoredSize(next)
	if current != nil {
		grown -= StoredSize(current)
	}
	if adding {
		grown += ObjectOverhead
	}
	return grown
}

// TakesSeat reports whether the resource is a user who is active. One of whom
// nothing is said is.
func TakesSeat(r *scim.Resource) bool {
	if r == nil || !IsUser(r.Type()) {
		return false
	}
	active, assigned := r.Active()
	return active || !assigned
}
