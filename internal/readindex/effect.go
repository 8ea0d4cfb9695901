package readindex

// Effect is something that the driver is to do. It carries them out in the order in which
// Step returns them, before the next Step. What takes long it only begins; the end of that
// is an Event.
type Effect interface{ effect() }

type (
	// Raise raises the own Revisions. It comes before the Publish that relies on it.
	Raise struct{ Revisions Revisions }

	// Publish makes the View the one that reads go by. It comes before everything that
	// others may conclude it from.
	Publish struct{ View *View }

	// Restart makes the store read everything anew, since history was rewritten. It comes
	// after the Publish that has the new count, so that no Revisions of the new history go
	// by the count of the former one.
	Restart struct{}

	// Added says that a replica has become a peer. It is the first effect about it.
	Added struct {
		Peer    PeerID
		Name    string
		Contact Contact
	}

	// Removed says that it is a peer no more: what is under way for it may be broken off,
	// and it is answered no more. Promises.Remove is to be called, after the Publish by which
	// its Revisions are not missed. It is the last effect about it.
	Removed struct{ Peer PeerID }

	// Connect dials a peer, and waits until it confirms that it knows this replica.
	// Connected or ConnectFailed ends it.
	Connect struct{ Peer PeerID }

	// Close closes a link.
	Close struct{ Link LinkID }

	// LookAtLease reads the Lease of a peer. PeerLease ends it.
	LookAtLease struct{ Peer PeerID }

	// Introduce makes the Lease of a peer, as it was looked at last, state these
	// introductions. IntroductionWritten ends it.
	Introduce struct {
		Peer          PeerID
		Introductions []string
	}

	// DeleteLease deletes the Lease of a peer as it was looked at last.
	DeleteLease struct{ Peer PeerID }

	// WriteLease writes the own Lease soon, since it is to state something else.
	WriteLease struct{}

	// List lists the Leases of the other replicas. Listed ends it.
	List struct{ Epoch int64 }

	// Sync asks the API server for its latest resourceVersions. Synced ends it.
	Sync struct{}

	// LookUp reads the Lease of who has dialled. LookedUp ends it.
	LookUp struct {
		Conn ConnID
		Name string
	}

	// Confirm tells who has dialled that this replica knows it, and answers it from now on.
	Confirm struct {
		Conn ConnID
		Peer PeerID
	}

	// Refuse closes the connection of who has dialled.
	Refuse struct {
		Conn ConnID
		Err  error
	}

	// ReadState is the outcome of a round. If Err is nil, those whose readers had come
	// before the round began may read at what is known of the peers, if that is of the
	// history, and at the own Revisions, which are read after that.
	ReadState struct {
		History uint64
		Err     error
	}

	// SendLeave tells a peer that this replica leaves, by the link if there is one, with
	// the own Revisions as they are after this.
	SendLeave struct {
		Name    string
		Contact Contact
		Link    LinkID
	}

	// Log says something to whoever runs the program.
	Log struct {
		Level   Level
		Message string
		// Attrs are names and values by turns.
		Attrs []any
	}
)

// Level is how much a message matters.
type Level int

// The levels.
const (
	Info Level = iota
	Warn
)

func (Raise) effect()       {}
func (Publish) effect()     {}
func (Restart) effect()     {}
func (Added) effect()       {}
func (Removed) effect()     {}
func (Connect) effect()     {}
func (Close) effect()       {}
func (LookAtLease) effect() {}
func (Introduce) effect()   {}
func (DeleteLease) effect() {}
func (WriteLease) effect()  {}
func (List) effect()        {}
func (Sync) effect()        {}
func (LookUp) effect()      {}
func (Confirm) effect()     {}
func (Refuse) effect()      {}
func (ReadState) effect()   {}
func (SendLeave) effect()   {}
func (Log) effect()         {}
