package barrier

import (
	"errors"
	"log/slog"
)

// When etcd is restored to an older state and goes on from there, resourceVersions are
// given out a second time, and those of before say nothing any more. Each replica counts
// how often that has happened, as far as it knows, and says so with each question and
// each Mark. Whoever hears of a higher count than its own begins anew before it believes
// a Mark, or any of its own memory.

var errRewritten = errors.New("etcd has been restored to an older state, and everything is read anew")

// Rewound is to be called when the API server has shown a resourceVersion that is lower
// than one that it has shown before, where it cannot be.
func (b *Barrier) Rewound() {
	b.mu.Lock()
	next := b.rewritten + 1
	known := b.restarting
	b.mu.Unlock()
	if !known {
		b.rewind(next)
	}
}

// rewind begins anew unless this replica knows of as many rewritten histories.
func (b *Barrier) rewind(rewritten uint64) {
	if b.view.Load().rewritten >= rewritten {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rewritten >= rewritten {
		return
	}
	b.rewritten, b.restarting, b.handed = rewritten, true, Mark{}
	b.owed++
	b.publishLocked()
	b.log.Restart()
	b.logger.Warn("etcd seems to have been restored to an older state: everything is read anew, and from the API server until then", slog.Uint64("times", rewritten))
}

// mark is the own Mark, with what peers have handed over that nobody has seen yet.
func (b *Barrier) mark() Mark {
	// What is taken out of the view has been raised in the log before.
	handed := b.view.Load().handed
	return b.log.Mark().Max(handed)
}
