package driver

import (
	"context"
	"errors"
	"runtime"
	"slices"
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
	asking turn

	mu     sync.Mutex
	next   *batch // Those that the next round is for; nil when there are none.
	making bool   // A goroutine makes rounds.
	made   int64
}

// batch is the calls that share a round.
type batch struct {
	// The following belong to rounds.mu until the round begins.

	calls int
	// promises is true if clients read, so that the round is to get promises.
	promises bool
	// disclosing is true if the round is to tell the peers something, even if not all can be
	// asked.
	disclosing bool

	done  chan struct{} // Closed when state is set.
	state readindex.ReadState
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

// readIndex goes by what the peers have promised, or else takes part in the next round.
func (r *rounds) readIndex(ctx context.Context, tenant readindex.Tenant) (readindex.Revisions, error) {
	v, now := r.node.view.Load(), r.node.now()
	if err := v.MayRead(now); err != nil {
		return readindex.Revisions{}, err
	}
	if len(v.links) == 0 {
		return r.node.revisionsOf(tenant), nil
	}
	if revisions, until := r.node.promises.Promised(v.View, tenant, now); until > now {
		if until-now < r.node.timing.Promise/2 {
			r.enter(func(next *batch) { next.promises = true })
		}
		r.metrics.promised.Inc()
		return revisions.Max(r.node.revisionsOf(tenant)), nil
	}
	mine := r.enter(func(next *batch) {
		next.calls++
		next.promises = true
	})
	select {
	case <-mine.done:
		return r.known(mine.state, tenant)
	case <-ctx.Done():
		return readindex.Revisions{}, ctx.Err()
	}
}

// known returns at which Revisions readers of a tenant may read after a round.
func (r *rounds) known(state readindex.ReadState, tenant readindex.Tenant) (readindex.Revisions, error) {
	if state.Err != nil {
		return readindex.Revisions{}, state.Err
	}
	revisions, err := r.node.promises.Known(tenant, state.History)
	if err != nil {
		return readindex.Revisions{}, err
	}
	// Whoever was given up since is not among them.
	if err := r.node.view.Load().MayRead(r.node.now()); err != nil {
		return readindex.Revisions{}, err
	}
	// The own ones come last: a peer that left in the meantime may have raised them.
	return revisions.Max(r.node.revisionsOf(tenant)), nil
}

// enter makes the caller part of the next round, and sees to it that there is one.
func (r *rounds) enter(as func(next *batch)) *batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == nil {
		r.next = &batch{done: make(chan struct{})}
	}
	as(r.next)
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
		mine.state = r.round(mine)
		close(mine.done)
		if mine.calls >= crowd {
			time.Sleep(spacing - time.Since(began))
		}
	}
}

// round asks all peers for a batch.
func (r *rounds) round(mine *batch) readindex.ReadState {
	r.asking.lock()
	defer r.asking.unlock()
	v := r.node.view.Load()
	err := v.MayRead(r.node.now())
	if err != nil && !mine.disclosing {
		return readindex.ReadState{Err: err}
	}
	began := time.Now()
	state := r.askAll(v, mine.promises && err == nil && v.promising())
	state.Err = errors.Join(err, state.Err)
	r.metrics.observe(began, state.Err)
	return state
}

// promising reports whether all peers can promise something: one who cannot makes what the others
// promise useless.
func (v *view) promising() bool {
	return !slices.ContainsFunc(v.links, func(l *link) bool { return l.protocol < protocol4 })
}

// askAll asks every peer in the view that has a link, for promises too if these are wanted.
// All questions are out before the first answer is read, so that the peers work in parallel.
// r.asking is held.
func (r *rounds) askAll(v *view, promises bool) readindex.ReadState {
	deadline, asked := time.Now().Add(r.node.timing.Round), r.node.now()
	for _, l := range v.links {
		question := r.node.promises.Ask(l.id, promises)
		l.ask(deadline, &question)
	}
	answers := make([]readindex.Answer, len(v.links))
	for i, l := range v.links {
		answers[i] = r.node.learn(l, asked)
	}
	for _, effect := range r.node.step(readindex.RoundEnded{View: v.View, Answers: answers}) {
		if state, is := effect.(readindex.ReadState); is {
			return state
		}
	}
	return readindex.ReadState{}
}

// learn reads and notes what a peer answers that was asked at that time or after.
func (n *node) learn(l *link, asked time.Duration) readindex.Answer {
	message, err := l.answer()
	if err != nil {
		n.step(readindex.Disconnected{Link: l.id, Err: err})
		return readindex.Answer{Link: l.id, Err: err}
	}
	n.heard(message.History)
	if l.protocol >= protocol4 {
		err = n.promises.Learn(l.id, asked, message)
	} else {
		err = n.promises.LearnRevisions(l.id, message.Changes.Floor)
	}
	return readindex.Answer{Link: l.id, History: message.History, NoHistory: l.protocol == protocol1, Err: err}
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
		_ = r.askAll(r.node.view.Load(), false) // What fails is noted where it fails.
		r.asking.unlock()
	}
}
