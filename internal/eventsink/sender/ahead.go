package sender

import (
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// aheadFor is for how long the cursor must have been ahead of memory, which is behind by some milliseconds at times, to
// be taken for one of another history.
const aheadFor = 30 * time.Second

// ahead reports whether the cursor is ahead of all that there is, for some kind, and whether it has been
// for long. Then it comes of another history, and what is written next would be taken for known.
func (s *Sender) ahead(now time.Time) (some, long bool) {
	for kind, applied := range s.memory.Applied() {
		since := &s.aheadSince[kind]
		switch {
		case applied == 0 || s.position[kind] <= applied:
			*since = time.Time{}
			continue
		case since.IsZero():
			*since = now
		}
		some, long = true, long || now.Sub(*since) >= aheadFor
	}
	return some, long
}

func cursorAhead() conditions.Summary {
	return conditions.Summary{
		Outcome: conditions.Stalled, Reason: scimv1alpha1.ReasonCursorAhead,
		Message: "the cursor is ahead of what the API server has, as it is after a restore of etcd: have the receiver forget what it knows, and take `status.cursor` away, so that all is sent again",
	}
}
