package store

import "time"

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
	// Retention is how long a kept user stays, from its deletion on, before it is
	// removed; nil for ever.
	Retention *time.Duration
}
