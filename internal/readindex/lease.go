package readindex

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// Fingerprint is the SHA-256 of a certificate. A replica writes that of its own into its
// Lease.
type Fingerprint [sha256.Size]byte

// String returns the fingerprint as it stands in a Lease.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Contact is how a replica is reached, as its Lease states. One without an address is of a
// release that knows nothing of ReadIndex.
type Contact struct {
	Address     string
	Fingerprint Fingerprint
}

// Lease is what a replica reads in the Lease of another one.
type Lease struct {
	// Name is that of the pod.
	Name string
	// Revision is the resourceVersion.
	Revision uint64
	Contact  Contact
	// Renewal differs between any two renewals.
	Renewal string
	// Duration is how long after a renewal the holder may count on it, and more.
	Duration time.Duration
	// Introducible is true when the holder looks for introductions in it.
	Introducible bool
	// Introductions are "name/token" of those that wait to be known by the holder.
	Introductions []string
	// Introduced are the tokens of those that the holder knows by an introduction.
	Introduced []string
}

// token stands for a process in an epoch.
func token(fingerprint Fingerprint, epoch int64) string {
	return tokenPrefix(fingerprint) + strconv.FormatInt(epoch, 10)
}

// tokenPrefix begins the tokens of the process with the fingerprint.
func tokenPrefix(fingerprint Fingerprint) string { return fingerprint.String()[:16] + "-" }

// Observation is for how long a Lease has been seen not to be renewed. Only the clock of
// the observer matters: nobody compares the renewTime, which another one wrote, with a
// clock. That somebody else has written to the Lease is no sign of life. The zero value
// has seen nothing.
type Observation struct {
	renewal string
	heard   int64
	since   time.Duration
	renewed bool // while it was observed
}

// Look is one look at a Lease.
type Look struct {
	// Heard counts the signs of life that came from the holder itself before the look.
	// An observation does not go on when it has been heard since.
	Heard int64
	// Began is when the look began, before the Lease was asked for; Ended when it was there.
	Began, Ended time.Duration
}

// RanOut notes what a look has shown, and reports whether the Lease has not been renewed
// for the whole of its duration, so that its holder no longer counts on it.
func (o *Observation) RanOut(lease *Lease, look Look) bool {
	if o.renewal != lease.Renewal || o.heard != look.Heard {
		same := o.renewal != "" && o.heard == look.Heard
		*o = Observation{renewal: lease.Renewal, heard: look.Heard, since: look.Ended, renewed: same}
		return false
	}
	return look.Began-o.since >= lease.Duration
}
