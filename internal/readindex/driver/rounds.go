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

// rounds ask the peers, for all calls of ReadIndex that wait.
type rounds struct {
	node    *node
	metrics *metrics
	// asking is held by who uses the links: one round at a time.
	asking  turn
	answers []readindex.Answer // of that round

	mu     sync.Mutex
	next   *batch // Those that the next round is for; nil when there are none.
	making bool   // A goroutine makes rounds.
	made   int64
}

// batch is the calls that share a round.
type batch struct {
	calls     int           // Belongs to rounds.mu.
	done      chan struct{} // Closed when revisions and err are set.
	revisions readindex.Revisions
	err       error
}

// count returns how many rounds there have been.
func (r *rounds) count() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.made
}

// turn is a lock that may be held for long.
type turn chan struct{}

func (t turn) lock()   { t <- struct{}{} }
func (t turn) unlock() { <-t }

// readIndex takes part in the next round.
func (r *rounds) readIndex(ctx context.Context, tenant readindex.Tenant) (readindex.Revisions, error) {
	v := r.node.view.Load()
	if err := v.MayRead(r.node.now()); err != nil {
		return readindex.Revisions{}, err
	}
	if len(v.links) == 0 {
		return r.node.revisionsOf(tenant), nil
	}
	mine := r.enter()
	select {
	case <-mine.done:
		// The own ones come last: a peer that left in the meantime may have raised them.
		return mine.revisions.Max(r.node.revisionsOf(tenant)), mine.err
	case <-ctx.Done():
		return readindex.Revisions{}, ctx.Err()
	}
}

// enter makes the caller part of the next round, and sees to it that there is one.
func (r *rounds) enter() *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &batch{done: make(chan struct{})}
	}
	r.next.calls++
	if !r.making {
		r.making = true
		go r.makeRounds()
	}
	return r.next
}

// makeRounds makes rounds while there are calls that wait for one.
func (r *rounds) makeRounds() {
	for {
		// Whoever can run and is about to call ReadIndex does so first. That costs nothing
		// when there is nobody, and makes rounds fewer when there are many.
		runtime.Gosched()
		r.mu.Lock()
		mine := r.next
		r.next = nil
		if mine == nil {
			r.making = false
			r.mu.Unlock()
			return
		}
		r.made++
		r.mu.Unlock()
		began := time.Now()
		mine.revisions, mine.err = r.round()
		close(mine.done)
		if mine.calls >= crowd {
			time.Sleep(spacing - time.Since(began))
		}
	}
}

// round asks all peers for a batch.
func (r *rounds) round() (readindex.Revisions, error) {
	r.asking.lock()
	defer r.asking.unlock()
	v := r.node.view.Load()
	if err := v.MayRead(r.node.now()); err != nil {
		return readindex.Revisions{}, err
	}
	began := time.Now()
	revisions, err := r.askAll(v)
	r.metrics.observe(began, err)
	return revisions, err
}

// askAll asks every peer in the view that has a link. All questions are out before
// the first answer is read, so that the peers work in parallel. r.asking is held.
func (r *rounds) askAll(v *view) (readindex.Revisions, error) {
	deadline := time.Now().Add(r.node.timing.Round)
	for _, l := range v.links {
		l.ask(deadline, v.History)
	}
	r.answers = r.answers[:0]
	for _, l := range v.links {
		answer := l.answer()
		r.node.heard(answer.History)
		if answer.Err != nil {
			r.node.step(readindex.Disconnected{Link: l.id, Err: answer.Err})
		}
		r.answers = append(r.answers, answer)
	}
	for _, effect := range r.node.step(readindex.RoundEnded{View: v.View, Answers: r.answers}) {
		if state, is := effect.(readindex.ReadState); is {
			return state.Revisions, state.Err
		}
	}
	return readindex.Revisions{}, nil
}

// beat asks the peers when no reader has for some time, which keeps connections
// alive and notices the dead.
func (r *rounds) beat(ctx context.Context) {
	ticker := time.NewTicker(r.node.timing.Beat)
	defer ticker.Stop()
	var before int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if rounds := r.count(); rounds != before {
			before = rounds
			continue
		}
		r.asking.lock()
		_, _ = r.askAll(r.node.view.Load()) // What fails is noted where it fails.
		r.asking.unlock()
	}
}
