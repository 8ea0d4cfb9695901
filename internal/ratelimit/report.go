package ratelimit

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

const (
	// patience is for how long a peer may be unreachable and still hear later of what was
	// used meanwhile.
	patience = 5 * time.Second
	// entrySize is how long an entry of a report is, in bytes: the id of an account, and how
	// many requests and writes it has used.
	entrySize = 16
	// ReportSize is how long a report is at the most, in bytes.
	ReportSize = 15 * entrySize
)

var errReport = errors.New("the report of what was used is malformed")

// Reporter says to one peer what this replica has used. It has one user at a time.
type Reporter struct {
	buckets *Buckets
	// reported is what the peer has confirmed.
	reported map[*account]used
	// pending is what the last report has made of that.
	pending map[*account]used
	// reached is when the peer could be reached last.
	reached time.Time
}

// Reporter returns one for a peer that was reached at the time for the first time. What was
// used before is none of its business.
func (b *Buckets) Reporter(now time.Time) *Reporter {
	r := &Reporter{buckets: b, pending: map[*account]used{}}
	r.begin(now)
	return r
}

// begin makes reports be of what is used from now on.
func (r *Reporter) begin(now time.Time) {
	r.buckets.mu.Lock()
	defer r.buckets.mu.Unlock()
	r.reached, r.reported = now, make(map[*account]used, len(r.buckets.counted))
	for _, counted := range r.buckets.counted {
		r.reported[counted] = counted.used
	}
}

// Report appends what the peer, which can be reached at the time, is to be told, to a buffer;
// nothing, when there is nothing. What does not fit into ReportSize is for the next report.
func (r *Reporter) Report(buffer []byte, now time.Time) []byte {
	if now.Sub(r.reached) > patience {
		r.begin(now)
	}
	r.reached = now
	clear(r.pending)
	r.buckets.mu.Lock()
	defer r.buckets.mu.Unlock()
	r.forget()
	for id, counted := range r.buckets.counted {
		before := r.reported[counted]
		if counted.used == before {
			continue
		}
		if len(r.pending) == ReportSize/entrySize {
			break
		}
		r.pending[counted] = counted.used
		buffer = binary.BigEndian.AppendUint64(buffer, uint64(id))
		buffer = binary.BigEndian.AppendUint32(buffer, saturated(counted.used.requests-before.requests))
		buffer = binary.BigEndian.AppendUint32(buffer, saturated(counted.used.writes-before.writes))
	}
	return buffer
}

// forget drops the accounts of keys that are gone. The buckets are locked.
func (r *Reporter) forget() {
	if len(r.reported) <= len(r.buckets.counted) {
		return
	}
	for counted := range r.reported {
		if r.buckets.counted[counted.id] != counted {
			delete(r.reported, counted)
		}
	}
}

// Confirm notes that the peer has confirmed the last report.
func (r *Reporter) Confirm() {
	for counted, now := range r.pending {
		r.reported[counted] = now
	}
}

// saturated is a number that fits.
func saturated(count uint64) uint32 { return uint32(min(count, math.MaxUint32)) }

// Charge charges what a peer has reported. Accounts that are not known here are left out:
// keys come and go at one replica before another.
func (b *Buckets) Charge(report []byte, now time.Time) error {
	if len(report)%entrySize != 0 {
		return errReport
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for ; len(report) > 0; report = report[entrySize:] {
		if counted, known := b.counted[accountID(binary.BigEndian.Uint64(report))]; known {
			counted.fill(b.replicas, now)
			counted.requests.chargeReported(float64(binary.BigEndian.Uint32(report[8:])))
			counted.writes.chargeReported(float64(binary.BigEndian.Uint32(report[12:])))
		}
	}
	return nil
}
