package replica

import (
	"sync"

	"github.com/kubescim/kubescim/internal/readindex"
)

// progress is a revision of objects, and the era in which it was read.
type progress struct {
	revision string // empty for none
	era      readindex.Era
	number   uint64 // counts
}

// acknowledgement knows up to which revision of some objects the process goes: it has done what
// follows from them for all tenants, and nothing is done any more that does not follow.
type acknowledgement struct {
	// accept is told the revision, each time that it is another one, and whether that is news for
	// anybody. It must not block.
	accept func(revision string, era readindex.Era, news bool)

	mu   sync.Mutex
	seen progress
	// pending is what is still being done that does not follow from what has been seen, and
	// up to where the process went before.
	pending map[any]*pending
}

type pending struct {
	before progress
	round  uint64
}

// begin notes that something about a subject has changed. What it returns must be called once
// nothing is done any more that does not follow from it, unless begin was called again before for
// the same subject. It does not matter if it never is in that case.
func (k *acknowledgement) begin(subject any) (done func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending == nil {
		k.pending = map[any]*pending{}
	}
	mine := k.pending[subject]
	if mine == nil {
		mine = &pending{before: k.seen}
		k.pending[subject] = mine
	}
	mine.round++
	round := mine.round
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.pending[subject] == mine && mine.round == round {
			delete(k.pending, subject)
			k.report(true)
		}
	}
}

// reach notes that all has begun that follows from the objects up to a revision, and whether there
// was anything to be begun.
func (k *acknowledgement) reach(revision string, era readindex.Era, news bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = progress{revision: revision, era: era, number: k.seen.number + 1}
	k.report(news)
}

// report says up to where the process goes. The mutex is held.
func (k *acknowledgement) report(news bool) {
	reached := k.seen
	for _, one := range k.pending {
		if one.before.number < reached.number {
			reached = one.before
		}
	}
	if reached.revision != "" {
		k.accept(reached.revision, reached.era, news)
	}
}
