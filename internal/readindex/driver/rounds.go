package driver

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

const (
	// crowd is how many calls a round must have served for readers to be so many that
	// the next one is better for waiting for more: a round costs all replicas together
	// several times what a read costs.
	crowd = 4
	// spacing is how long after the one before it such a round begins.
	spacing = 700 * time.Microsecond
)

// batches are the calls of ReadIndex that wait for a round.
type batches struct {
	mu     sync.Mutex
	next   *batch // Those that the next round is for; nil when there are none.
	making bool   // A goroutine makes rounds.
	rounds int64
}

// batch is the calls that share a round.
type batch struct {
	calls     int           // Belongs to batches.mu.
	done      chan struct{} // Closed when revisions and err are set.
	revisions readindex.Revisions
	err       error
}

func (b *batches) count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rounds
}

// turn is a lock that may be held for long.
type turn chan struct{}

func (t turn) lock()   { t <- struct{}{} }
func (t turn) unlock() { <-t }

// ReadIndex takes part in the next round. It returns Revisions that are at least those of
// every member at some moment after the call began, the own ones included. An error
// means that a member could not be asked, or the context was done: the caller
// reads from the API server instead.
func (r *Replica) ReadIndex(ctx context.Context) (readindex.Revisions, error) {
	revisions, err := r.readIndex(ctx)
	if err != nil {
		r.metrics.fallbacks.Inc()
	}
	return revisions, err
}

func (r *Replica) readIndex(ctx context.Context) (readindex.Revisions, error) {
	v := r.view.Load()
	if err := v.MayRead(r.now()); err != nil {
		return readindex.Revisions{}, err
	}
	if len(v.links) == 0 {
		return r.revisions(), nil
	}
	mine := r.enter()
	select {
	case <-mine.done:
		return mine.revisions, mine.err
	case <-ctx.Done():
		return readindex.Revisions{}, ctx.Err()
	}
}

// enter makes the caller part of the next round, and sees to it that there is one.
func (r *Replica) enter() *batch {
	r.batches.mu.Lock()
	defer r.batches.mu.Unlock()
	if r.batches.next == nil {
		r.batches.next = &batch{done: make(chan struct{})}
	}
	r.batches.next.calls++
	if !r.batches.making {
		r.batches.making = true
		go r.makeRounds()
	}
	return r.batches.next
}

// makeRounds makes rounds while there are calls that wait for one.
func (r *Replica) makeRounds() {
	for {
		// Whoever can run and is about to call ReadIndex does so first. That costs nothing
		// when there is nobody, and makes rounds fewer when there are many.
		runtime.Gosched()
		r.batches.mu.Lock()
		mine := r.batches.next
		r.batches.next = nil
		if mine == nil {
			r.batches.making = false
			r.batches.mu.Unlock()
			return
		}
		r.batches.rounds++
		r.batches.mu.Unlock()
		began := time.Now()
		mine.revisions, mine.err = r.round()
		close(mine.done)
		if mine.calls >= crowd {
			time.Sleep(spacing - time.Since(began))
		}
	}
}

// round asks all peers for a batch.
func (r *Replica) round() (readindex.Revisions, error) {
	r.asking.lock()
	defer r.asking.unlock()
	v := r.view.Load()
	if err := v.MayRead(r.now()); err != nil {
		return readindex.Revisions{}, err
	}
	began := time.Now()
	revisions, err := r.askAll(v)
	r.metrics.observe(began, err)
	// The own ones come last: a peer that left in the meantime may have raised them.
	return revisions.Max(r.revisions()), err
}

// askAll asks every peer in the view that has a link. All questions are out before
// the first answer is read, so that the peers work in parallel. r.asking is held.
func (r *Replica) askAll(v *view) (readindex.Revisions, error) {
	deadline := time.Now().Add(r.timing.Round)
	for _, l := range v.links {
		l.ask(deadline, v.History)
	}
	r.answers = r.answers[:0]
	for _, l := range v.links {
		answer := l.answer()
		r.heard(answer.History)
		if answer.Err != nil {
			r.step(readindex.Disconnected{Link: l.id, Err: answer.Err})
		}
		r.answers = append(r.answers, answer)
	}
	for _, effect := range r.step(readindex.RoundEnded{View: v.View, Answers: r.answers}) {
		if state, is := effect.(readindex.ReadState); is {
			return state.Revisions, state.Err
		}
	}
	return readindex.Revisions{}, nil
}

// heard notes how often history was rewritten, as far as a peer knows.
func (r *Replica) heard(history uint64) {
	if r.view.Load().History < history {
		r.step(readindex.HistoryHeard{Count: history})
	}
}

// beat asks the peers when no reader has for some time, which keeps connections
// alive and notices the dead.
func (r *Replica) beat(ctx context.Context) {
	ticker := time.NewTicker(r.timing.Beat)
	defer ticker.Stop()
	var before int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if rounds := r.batches.count(); rounds != before {
			before = rounds
			continue
		}
		r.asking.lock()
		_, _ = r.askAll(r.view.Load()) // What fails is noted where it fails.
		r.asking.unlock()
	}
}
