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
	// headSize is how long the head of a report is, in bytes: whose Reporter's it is, and its
	// number among those.
	headSize = 16
	// entrySize is how long an entry of a report is: the id of an account, and how many
	// requests and writes it has used.
	entrySize = 16
	// mostEntries is how many entries a report has at the most.
	mostEntries = 14
	// ReportSize is how long a report is at the most, in bytes.
	ReportSize = headSize + mostEntries*entrySize
)

var errReport = errors.New("the report of what was used is malformed")

// Reporter says to one peer what this replica has used. It has one user at a time.
type Reporter struct {
	buckets *Buckets
	// id tells the Reporter from those before it for the same peer.
	id uint64
	// reported is what the peer has confirmed.
	reported map[*account]used
	// sent is the last report, while the peer has not confirmed it: it may have charged it,
	// and gets the same again until it confirms. number is that of it, and pending what it
	// makes of reported.
	sent    []byte
	number  uint64
	pending map[*account]used
	// reached is when the peer was last known to have heard all, and asked when the last
	// report was made.
	reached, asked time.Time
}

// Reporter returns one for a peer that was reached at the time for the first time. What was
// used before is none of its business.
func (b *Buckets) Reporter(now time.Time) *Reporter {
	r := &Reporter{buckets: b, id: uint64(now.UnixNano()), pending: map[*account]used{}}
	r.begin(now)
	return r
}

// begin makes reports be of what is used from now on.
func (r *Reporter) begin(now time.Time) {
	r.buckets.mu.Lock()
	defer r.buckets.mu.Unlock()
	r.sent, r.reached, r.reported = nil, now, make(map[*account]used, len(r.buckets.counted))
	for _, counted := range r.buckets.counted {
		r.reported[counted] = counted.used
	}
}

// Report appends what the peer, which can be reached at the time, is to be told, to a buffer;
// nothing, when there is nothing. What does not fit into ReportSize, and what was used since a
// report that the peer has not confirmed, is for the next report.
func (r *Reporter) Report(buffer []byte, now time.Time) []byte {
	if now.Sub(r.reached) > patience {
		r.begin(now)
	}
	r.asked = now
	if r.sent == nil {
		r.sent = r.next()
	}
	if r.sent == nil {
		r.reached = now
	}
	return append(buffer, r.sent...)
}

// next returns a report of what was used since the last one; nil when that is too little everywhere
// to be worth one.
func (r *Reporter) next() (report []byte) {
	clear(r.pending)
	r.buckets.mu.Lock()
	defer r.buckets.mu.Unlock()
	r.forget()
	for id, counted := range r.buckets.counted {
		before := r.reported[counted]
		if !counted.usedPart(before, dueParts*r.buckets.replicas) {
			continue
		}
		if len(r.pending) == mostEntries {
			break
		}
		if report == nil {
			r.number++
			report = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, r.id), r.number)
		}
		r.pending[counted] = counted.used
		report = binary.BigEndian.AppendUint64(report, uint64(id))
		report = binary.BigEndian.AppendUint32(report, saturated(counted.used.requests-before.requests))
		report = binary.BigEndian.AppendUint32(report, saturated(counted.used.writes-before.writes))
	}
	return report
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
	r.sent, r.reached = nil, r.asked
}

// saturated is a number that fits.
func saturated(count uint64) uint32 { return uint32(min(count, math.MaxUint32)) }

// Charger charges what one peer reports, each report once. It is safe for concurrent use: a
// connection that broke may still have a report in it when the next one has the same.
type Charger struct {
	buckets *Buckets
	// reporter and number are of the last report that was charged.
	reporter, number uint64
}

// Charger returns one for a peer that has reported nothing yet.
func (b *Buckets) Charger() *Charger { return &Charger{buckets: b} }

// Charge charges what the peer has reported, unless that was charged already. Accounts that
// are not known here are left out: keys come and go at one replica before another.
func (c *Charger) Charge(report []byte, now time.Time) error {
	if len(report) < headSize || (len(report)-headSize)%entrySize != 0 {
		return errReport
	}
	reporter, number := binary.BigEndian.Uint64(report), binary.BigEndian.Uint64(report[8:])
	b := c.buckets
	b.mu.Lock()
	defer b.mu.Unlock()
	if reporter == c.reporter && number <= c.number {
		return nil
	}
	c.reporter, c.number = reporter, number
	for report = report[headSize:]; len(report) > 0; report = report[entrySize:] {
		if counted, known := b.counted[accountID(binary.BigEndian.Uint64(report))]; known {
			counted.fill(b.replicas, now)
			counted.requests.chargeReported(float64(binary.BigEndian.Uint32(report[8:])))
			counted.writes.chargeReported(float64(binary.BigEndian.Uint32(report[12:])))
		}
	}
	return nil
}
