package requestlog

import (
	"maps"
	"sync"
	"time"
)

const (
	// tenantBytes is what the records of one tenant take at the most, and processBytes those of all
	// tenants of a process.
	tenantBytes  = 64 << 10
	processBytes = 16 << 20
	// pageBytes is how much is given at a time.
	pageBytes = 4 << 10
	// mostPages leaves a sixteenth for what stands around pages.
	mostPages = processBytes / pageBytes * 15 / 16
)

// page has encoded records, each behind its length in two bytes.
type page struct {
	used int
	data [pageBytes - 8]byte
}

// Memory is what the logs of a process share: the room for their records. Its zero value is ready
// for use, by any number of goroutines.
type Memory struct {
	mu      sync.Mutex
	logs    map[*Log]struct{}
	pages   int // that have been given
	scratch [mostEncoded]byte
}

// Log is the log of one tenant. Records of it that are least needed make way for others: see lane.
// Without room for more, the tenant that has the most gives some up.
type Log struct {
	memory *Memory
	lanes  [lanes][]*page
	// refused is how many requests with a known key were refused, by Advice.Reason, since the log is
	// there, and refusedLast when the last of them was.
	refused     map[string]int64
	refusedLast map[string]time.Time
}

// lane is one of several rings that a tenant has, so that what comes often does not push out what is
// looked for. They stand in the order in which they make way.
type lane int

const (
	// unauthenticated are requests of which no key is known: anybody can send any number.
	unauthenticated lane = iota
	// claimed are those that name a key and have not proved to have it. The id of a key is no secret: who
	// knows one can send any number, too, but most often it is a token that was pasted wrongly.
	claimed
	// answered are those that got what they asked for.
	answered
	refused
	lanes
)

// laneMost is how many pages each has at the most: together, a page less than a tenant may have.
var laneMost = [lanes]int{unauthenticated: 2, claimed: 1, answered: 6, refused: 6}

func laneOf(r *Record) lane {
	switch {
	case r.KeyID == "":
		return unauthenticated
	case claims[r.Reason]:
		return claimed
	case r.Refused():
		return refused
	default:
		return answered
	}
}

// claims are the reasons, as in Record.Reason, for which a request is refused before it has proved to have the
// key that it names.
var claims = map[string]bool{"Mismatch": true, "IssuerUnavailable": true, "UnknownSigner": true, "UnknownIssuer": true, "Malformed": true}

// New returns the log of a tenant that shares the memory.
func (m *Memory) New() *Log {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.logs == nil {
		m.logs = map[*Log]struct{}{}
	}
	log := &Log{memory: m, refused: map[string]int64{}, refusedLast: map[string]time.Time{}}
	m.logs[log] = struct{}{}
	return log
}

// Close gives up what the log has. What is added later is lost.
func (l *Log) Close() {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	l.memory.pages -= l.pages()
	l.lanes = [lanes][]*page{}
	delete(l.memory.logs, l)
}

// Add adds a record.
func (l *Log) Add(r Record) {
	m, in := l.memory, laneOf(&r)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, open := m.logs[l]; !open {
		return
	}
	encoded := encode(m.scratch[:0], &r)
	to := l.last(in)
	if to == nil || to.used+2+len(encoded) > len(to.data) {
		to = m.page(l, in)
	}
	to.data[to.used], to.data[to.used+1] = byte(len(encoded)>>8), byte(len(encoded))
	copy(to.data[to.used+2:], encoded)
	to.used += 2 + len(encoded)
	if r.KeyID != "" && r.Refused() && !r.TurnedAway {
		reason := AdviceOn(r).Reason
		l.refused[reason]++
		l.refusedLast[reason] = r.Time
	}
}

// Records are those that the log has, in the order of time.
func (l *Log) Records() []Record {
	var records []Record
	for _, one := range l.snapshot() {
		for at := 0; at < one.used; {
			length := int(one.data[at])<<8 | int(one.data[at+1])
			records = append(records, decode(one.data[at+2:at+2+length]))
			at += 2 + length
		}
	}
	Sort(records)
	return records
}

// Refusals are how many requests with a known key were refused, by Advice.Reason, since the log is
// there.
func (l *Log) Refusals() map[string]int64 {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	return maps.Clone(l.refused)
}

// LastRefusal is when a request with a known key was last refused for an Advice.Reason; zero before the first.
func (l *Log) LastRefusal(reason string) time.Time {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	return l.refusedLast[reason]
}

// snapshot copies the pages, so that nobody waits while they are read.
func (l *Log) snapshot() (pages []page) {
	l.memory.mu.Lock()
	defer l.memory.mu.Unlock()
	for _, lane := range l.lanes {
		for _, one := range lane {
			pages = append(pages, *one)
		}
	}
	return pages
}

func (l *Log) pages() (count int) {
	for _, lane := range l.lanes {
		count += len(lane)
	}
	return count
}

func (l *Log) last(in lane) *page {
	if pages := l.lanes[in]; len(pages) > 0 {
		return pages[len(pages)-1]
	}
	return nil
}

// page adds an empty page to a lane: its own oldest one if it has as many as it may, a new one if
// there is room, or else the oldest of the log that has most. The mutex is held.
func (m *Memory) page(l *Log, in lane) *page {
	var fresh *page
	switch {
	case len(l.lanes[in]) == laneMost[in]:
		fresh = l.oldest(in)
	case m.pages < mostPages:
		fresh = &page{}
		m.pages++
	default:
		largest := m.largest(l)
		fresh = largest.oldest(largest.leastNeeded())
	}
	fresh.used = 0
	l.lanes[in] = append(l.lanes[in], fresh)
	return fresh
}

// oldest takes the oldest page out of a lane.
func (l *Log) oldest(in lane) *page {
	pages := l.lanes[in]
	first := pages[0]
	copy(pages, pages[1:])
	l.lanes[in] = pages[:len(pages)-1]
	return first
}

// largest is the log that has the most pages: the given one, if no other has more.
func (m *Memory) largest(than *Log) *Log {
	for other := range m.logs {
		if other.pages() > than.pages() {
			than = other
		}
	}
	return than
}

// leastNeeded is the lane of a log, which has pages, that is to make way: if it can, one that keeps
// another page.
func (l *Log) leastNeeded() lane {
	for _, least := range []int{2, 1} {
		for in, pages := range l.lanes {
			if len(pages) >= least {
				return lane(in)
			}
		}
	}
	return refused
}
