package barrier

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

const (
	// crowd is how many calls a round must have served for readers to be so many that
	// the next one is better for waiting for more: a round costs all replicas together
	// several times what a read costs.
	crowd = 4
	// spacing is how long after the one before it such a round begins.
	spacing = 700 * time.Microsecond
)

// batches are the calls to Await that wait for a round.
type batches struct {
	mu     sync.Mutex
	next   *batch // Those that the next round is for; nil when there are none.
	asking bool   // A goroutine makes rounds.
	rounds int64
}

// batch is the calls that share a round.
type batch struct {
	calls int           // Belongs to batches.mu.
	done  chan struct{} // Closed when mark and err are set.
	mark  Mark
	err   error
}

func (b *batches) count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rounds
}

// Await takes part in the next round. It returns a Mark that is at least that of
// every member at some moment after the call began, the own Mark included. An error
// means that a member could not be asked, or the context was done: the caller
// reads from the API server instead.
func (b *Barrier) Await(ctx context.Context) (Mark, error) {
	mark, err := b.await(ctx)
	if err != nil {
		b.metrics.fallbacks.Inc()
	}
	return mark, err
}

func (b *Barrier) await(ctx context.Context) (Mark, error) {
	v, err := b.current()
	if err != nil {
		return Mark{}, err
	}
	if len(v.links) == 0 {
		return b.mark(), nil
	}
	mine := b.enter()
	select {
	case <-mine.done:
		return mine.mark, mine.err
	case <-ctx.Done():
		return Mark{}, ctx.Err()
	}
}

// current returns the view of a member. Being a member is looked at first: it
// holds then that every other member is in the view.
func (b *Barrier) current() (*view, error) {
	if !b.Member() {
		return nil, errNoMember
	}
	v := b.view.Load()
	return v, v.blocked
}

// enter makes the caller part of the next round, and sees to it that there is one.
func (b *Barrier) enter() *batch {
	b.batches.mu.Lock()
	defer b.batches.mu.Unlock()
	if b.batches.next == nil {
		b.batches.next = &batch{done: make(chan struct{})}
	}
	b.batches.next.calls++
	if !b.batches.asking {
		b.batches.asking = true
		go b.ask()
	}
	return b.batches.next
}

// ask makes rounds while there are calls that wait for one.
func (b *Barrier) ask() {
	for {
		// Whoever can run and is about to call Await does so first. That costs nothing
		// when there is nobody, and makes rounds fewer when there are many.
		runtime.Gosched()
		b.batches.mu.Lock()
		mine := b.batches.next
		b.batches.next = nil
		if mine == nil {
			b.batches.asking = false
			b.batches.mu.Unlock()
			return
		}
		b.batches.rounds++
		b.batches.mu.Unlock()
		began := time.Now()
		mine.mark, mine.err = b.round()
		close(mine.done)
		if mine.calls >= crowd {
			time.Sleep(spacing - time.Since(began))
		}
	}
}

// round asks all peers for a batch.
func (b *Barrier) round() (Mark, error) {
	b.wire.Lock()
	defer b.wire.Unlock()
	v, err := b.current()
	if err != nil {
		return Mark{}, err
	}
	began := time.Now()
	mark, err := b.askAll(v)
	b.metrics.observe(began, err)
	// The own Mark comes last: a peer that left in the meantime may have raised it.
	return mark.Max(b.mark()), err
}

// askAll asks every peer in the view that has a link. All questions are out before
// the first answer is read, so that the peers work in parallel.
func (b *Barrier) askAll(v *view) (Mark, error) {
	deadline := time.Now().Add(b.timing.Round)
	for _, l := range v.links {
		l.ask(deadline, v.rewritten)
	}
	var mark Mark
	var failed error
	for _, l := range v.links {
		rewritten, told, err := l.answer()
		b.rewind(rewritten)
		if err == nil && rewritten != v.rewritten && l.protocol != protocol1 {
			failed = errors.Join(failed, errRewritten) // It is a Mark of another history.
		}
		// What a peer told that left in the meantime is in the own Mark.
		if err != nil && !l.peer.left.Load() {
			b.linkLost(l, err)
			failed = errors.Join(failed, err)
		}
		mark = mark.Max(told)
	}
	return mark, failed
}

// beat asks the peers when no reader has for some time, which keeps connections
// alive and notices the dead.
func (b *Barrier) beat(ctx context.Context) {
	ticker := time.NewTicker(b.timing.Beat)
	defer ticker.Stop()
	var before int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if rounds := b.batches.count(); rounds != before {
			before = rounds
			continue
		}
		b.wire.Lock()
		_, _ = b.askAll(b.view.Load()) // What fails is noted where it fails.
		b.wire.Unlock()
	}
}
