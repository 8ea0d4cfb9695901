package readindex_test

import (
	"github.com/kubescim/kubescim/internal/readindex"
)

// readIndex takes part in the next round.
func (r *replica) readIndex(done func(readindex.Revisions, error)) {
	if err := r.view.MayRead(r.local()); err != nil {
		done(readindex.Revisions{}, err)
		return
	}
	if len(r.view.Links) == 0 {
		done(r.revisions(), nil)
		return
	}
	r.readers = append(r.readers, done)
	if !r.asking {
		r.asking = true
		r.after(0, r.round)
	}
}

// round asks all peers for the readers that wait.
func (r *replica) round() {
	if len(r.readers) == 0 {
		r.asking = false
		if r.afterThat != nil {
			r.afterThat()
		}
		return
	}
	readers := r.readers
	r.readers = nil
	r.rounds++
	end := func(revisions readindex.Revisions, err error) {
		for _, done := range readers {
			done(revisions, err)
		}
		r.after(0, r.round)
	}
	view := r.view
	if err := view.MayRead(r.local()); err != nil {
		end(readindex.Revisions{}, err)
		return
	}
	r.askAll(view, func(state readindex.ReadState) { end(state.Revisions.Max(r.revisions()), state.Err) })
}

// beat asks the peers when no reader has for some time.
func (r *replica) beat() {
	r.after(r.global(beat), r.beat)
	if r.asking || r.leaving {
		return
	}
	r.asking = true
	r.askAll(r.view, func(readindex.ReadState) { r.round() })
}

// askAll asks the peers of a view.
func (r *replica) askAll(view *readindex.View, done func(readindex.ReadState)) {
	answers, missing := make([]readindex.Answer, len(view.Links)), len(view.Links)
	finish := func() {
		for _, effect := range r.step(readindex.RoundEnded{View: view, Answers: answers}) {
			if state, is := effect.(readindex.ReadState); is {
				done(state)
			}
		}
	}
	if missing == 0 {
		finish()
		return
	}
	for i, id := range view.Links {
		r.ask(id, view.History, func(answer readindex.Answer) {
			r.heard(answer.History)
			if answer.Err != nil {
				r.step(readindex.Disconnected{Link: id, Err: answer.Err})
			}
			answers[i] = answer
			if missing--; missing == 0 {
				finish()
			}
		})
	}
}

// ask asks one peer. done is called once.
func (r *replica) ask(id readindex.LinkID, history uint64, done func(readindex.Answer)) {
	answered := false
	c := r.links[id]
	answer := func(a readindex.Answer) {
		if answered {
			return
		}
		answered = true
		if c != nil {
			c.waiting = nil
		}
		a.Link = id
		done(a)
	}
	if c == nil || c.closed {
		r.after(0, func() { answer(readindex.Answer{Err: errClosed}) })
		return
	}
	c.waiting = func(err error) { answer(readindex.Answer{Err: err}) }
	r.after(r.global(roundTimeout), func() { answer(readindex.Answer{Err: errTimeout}) })
	if c.legacy {
		history = 0
	}
	c.send(c.server, func() { c.server.answer(c, history, answer) })
}

// answer answers a question: history is heard first, then the Revisions are read, then the
// history. Whatever happens may happen between these.
func (r *replica) answer(c *conn, history uint64, reply func(readindex.Answer)) {
	if c.peer.gone {
		c.close()
		return
	}
	r.heard(history)
	r.after(r.w.delay()/8, func() {
		revisions := r.revisions()
		r.after(r.w.delay()/8, func() {
			a := readindex.Answer{Revisions: revisions, History: r.view.History, NoHistory: c.legacy}
			if c.legacy {
				a.History = 0
			}
			c.send(c.client, func() { reply(a) })
		})
	})
}

func (r *replica) heard(history uint64) {
	if r.view.History < history {
		r.step(readindex.HistoryHeard{Count: history})
	}
}

// leave ends the replica as a pod that is deleted ends.
func (r *replica) leave(done func()) {
	if r.leaving {
		return
	}
	r.leaving = true
	r.answeredAll(func() {
		effects := r.step(readindex.Leave{})
		r.whenNotAsking(func() { r.sendLeaveToAll(effects, done) })
	})
}

// answeredAll waits until no request of a client is under way.
func (r *replica) answeredAll(then func()) {
	if r.requests == 0 {
		then()
		return
	}
	r.after(leaseDuration/100, func() { r.answeredAll(then) })
}

func (r *replica) whenNotAsking(then func()) {
	if !r.asking {
		then()
		return
	}
	r.afterThat = then
}

func (r *replica) sendLeaveToAll(effects []readindex.Effect, done func()) {
	last, missing := r.revisions(), 1
	sent := func() {
		if missing--; missing == 0 {
			r.deleteLease(func() {
				r.crash()
				done()
			})
		}
	}
	for _, effect := range effects {
		if e, is := effect.(readindex.SendLeave); is {
			missing++
			r.sendLeave(e, last, sent)
		}
	}
	sent()
}

// sendLeave tells one peer, if need be by a connection of its own.
func (r *replica) sendLeave(e readindex.SendLeave, last readindex.Revisions, done func()) {
	r.sendLeaveBy(r.links[e.Link], last, func(err error) {
		if err == nil || e.Contact.Address == "" {
			done()
			return
		}
		r.hello(e.Contact, func(c *conn, err error) {
			if err != nil {
				done()
				return
			}
			r.sendLeaveBy(c, last, func(error) { done() })
		})
	})
}

func (r *replica) sendLeaveBy(c *conn, last readindex.Revisions, done func(error)) {
	if c == nil || c.closed {
		done(errClosed)
		return
	}
	ended := false
	end := func(err error) {
		if !ended {
			ended = true
			c.waiting = nil
			done(err)
		}
	}
	history := r.view.History
	if c.legacy {
		history = 0
	}
	c.waiting = end
	r.after(r.global(roundTimeout), func() { end(errTimeout) })
	c.send(c.server, func() {
		s := c.server
		if c.peer.gone {
			c.close()
			return
		}
		s.heard(history)
		own := s.store.revisions()
		s.after(s.w.delay()/8, func() {
			s.step(readindex.PeerLeft{Peer: c.peer.id, Last: last, Own: own})
			c.send(r, func() { end(nil) })
		})
	})
}
