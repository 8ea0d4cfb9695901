package cache

import (
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// progress is how far the cache has come, and how far it must have come for
// what this replica has acknowledged to clients.
type progress struct {
	// marks have the highest revision that an answer to a client rests on, or may rest on
	// because the cache shows it. Bookmarks do not count: they change nothing that is shown,
	// and other replicas get theirs at other times.
	marks *readindex.Marks

	mu sync.Mutex
	// era counts how often everything began anew, as it does with other types. The
	// watches of an earlier era bring the cache no further.
	era uint64
	// incarnation counts how often the cache, or a kind in it, stopped to show a
	// state of the API server. A read from memory compares it afterwards.
	incarnation uint64
	// applied is the revision that the cache has reached, by events, bookmarks
	// or a first list; 0 while it is not in step with the API server.
	applied readindex.Revisions
	// inVain is the highest revision that was waited for in vain, and until when nobody
	// else waits for one that is not higher.
	inVain   [readindex.Kinds]futility
	bookmark [readindex.Kinds]chan struct{}
	// changed is closed when applied changes, if anybody waits.
	changed chan struct{}
}

// futility is a revision that was waited for in vain.
type futility struct {
	revision uint64
	until    time.Time
}

// advance notes that the stream of a kind has reached the revision.
func (p *progress) advance(era uint64, kind readindex.Kind, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.era != era {
		return
	}
	p.applied[kind] = max(p.applied[kind], revision)
	p.wake()
}

// fallBehind notes, before the index changes, that a kind has lost its step with the
// API server.
func (p *progress) fallBehind(era uint64, kind readindex.Kind) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.era != era {
		return
	}
	p.applied[kind] = 0
	p.incarnation++
}

// startOver begins a new era, before the index changes, and returns it.
func (p *progress) startOver() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.era++
	p.incarnation++
	p.applied, p.inVain = readindex.Revisions{}, [readindex.Kinds]futility{}
	return p.era
}

// Seen is what the API server had shown at some moment.
type Seen struct {
	era       uint64
	revisions readindex.Revisions
}

// seen returns what the API server has shown up to now, to one tenant or of all: whatever it is
// asked from now on, its latest revisions cannot be lower, nor those of what is written.
func (p *progress) seen(tenant readindex.Tenant) Seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Seen{era: p.era, revisions: p.marks.Shown(tenant).Max(p.applied)}
}

// contradicts reports whether a revision is lower than it can be, unless history was
// rewritten since. Whoever has begun anew since knows already.
func (p *progress) contradicts(known Seen, kind readindex.Kind, revision uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.era == known.era && revision < known.revisions[kind]
}

// current returns the incarnation of the cache.
func (p *progress) current() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.incarnation
}

// wake wakes those who wait. The mutex is held.
func (p *progress) wake() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// synced reports whether the cache shows a state of the API server, if not the
// latest, for every kind.
func (p *progress) synced() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, revision := range p.applied {
		if revision == 0 {
			return false
		}
	}
	return true
}

// reached is the revision that each kind has reached.
func (p *progress) reached() readindex.Revisions {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.applied
}

// acknowledge notes that answers to clients of a tenant rest on the revision.
func (p *progress) acknowledge(tenant readindex.Tenant, kind readindex.Kind, revision uint64) {
	p.marks.Raise(tenant, kind, revision)
}

// acknowledgeIn does the same for the watch of an era, which shows nothing after that.
func (p *progress) acknowledgeIn(era uint64, tenant readindex.Tenant, kind readindex.Kind, revision uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.era == era {
		p.acknowledge(tenant, kind, revision)
	}
}
