package readindex

import "time"

// Event is something that has happened to a replica. The driver tells the Core of it.
type Event interface{ apply(c *Core) }

// PeerID is another replica: one process. Another process in its pod has another one.
type PeerID uint64

// LinkID is a connection by which this replica asks a peer. The driver numbers them from 1.
type LinkID uint64

// ConnID is a connection by which somebody else wants to ask this replica. The driver
// numbers them.
type ConnID uint64

type (
	// Started says that what this replica wants is done from now on. Only Rewound may come
	// before.
	Started struct{}

	// LeaseWritten says that the own Lease was written by a call that began then.
	LeaseWritten struct {
		Began time.Duration
		// Unbroken is true when the Lease was this process's since it was written last.
		Unbroken bool
	}

	// LeaseLost says that the own Lease is gone, or another process's, or that the API
	// server no longer knows this replica: its ScimTenant is deleted, and with it the Lease.
	LeaseLost struct{}

	// Followed says that what this replica goes by besides the others was read after its Lease of
	// the epoch was written, and done: which tenants it serves and how, and whom it lets in.
	Followed struct{ Epoch int64 }

	// Listed is the answer to List: the Leases of the other replicas.
	Listed struct {
		Epoch  int64
		Leases []Lease
		Err    error
	}

	// Dialled says that somebody has dialled who gives the name of another pod and has
	// proved to have the key of the certificate. Confirm, Refuse or LookUp answers it.
	Dialled struct {
		Conn        ConnID
		Name        string
		Fingerprint Fingerprint
	}

	// LookedUp is the answer to LookUp: the Lease of a replica of the tenant. Confirm or
	// Refuse answers it.
	LookedUp struct {
		Conn        ConnID
		Fingerprint Fingerprint // of who dialled
		Lease       Lease
		Err         error
	}

	// Connected answers Connect: the peer has confirmed that it knows this replica, and
	// can be asked by the link.
	Connected struct {
		Peer PeerID
		Link LinkID
	}

	// ConnectFailed answers Connect, too.
	ConnectFailed struct {
		Peer PeerID
		Err  error
	}

	// Disconnected says that a question by a link has failed.
	Disconnected struct {
		Link LinkID
		Err  error
	}

	// PeerLease is the answer to LookAtLease. Lease is nil when there is none.
	PeerLease struct {
		Peer  PeerID
		Lease *Lease
		Err   error
	}

	// IntroductionWritten says that Introduce was carried out, or has failed.
	IntroductionWritten struct{ Peer PeerID }

	// Introduced says that the replica that holds the Lease has written the token into the
	// own Lease.
	Introduced struct {
		Token string
		Lease Lease
	}

	// Synced is the answer to Sync.
	Synced struct {
		// Before are the own Revisions at a moment after Sync and before Latest was asked for.
		Before Revisions
		// Latest are those that the API server had.
		Latest Revisions
		Err    error
	}

	// Rewound says that the API server has shown a resourceVersion that is lower than one
	// that it has shown before, where it cannot be.
	Rewound struct{}

	// HistoryHeard says that a peer knows of so many rewritten histories.
	HistoryHeard struct{ Count uint64 }

	// PeerLeft says that a peer has acknowledged its last answer. Its count of rewritten
	// histories was heard before.
	PeerLeft struct {
		Peer PeerID
		// Last are its Revisions, which it hands over.
		Last Revisions
		// Own are those that this replica's cover for every tenant, at a moment after it heard
		// the count.
		Own Revisions
	}

	// RoundEnded says that all links of a View were asked. There is one round at a time. What
	// failed, and the counts of histories, have been told before.
	RoundEnded struct {
		View    *View
		Answers []Answer
	}

	// Leave says that this replica has given its last answer to a client.
	Leave struct{}

	// Tick says that the time of Core.Due has come.
	Tick struct{}
)

// Answer is what became of a question.
type Answer struct {
	Link LinkID
	// History is how many rewritten histories the peer knew of after it had read its
	// Revisions.
	History uint64
	// NoHistory is true when the peer speaks a protocol that does not say so.
	NoHistory bool
	Err       error
}
