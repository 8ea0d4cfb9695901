package store

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
}
