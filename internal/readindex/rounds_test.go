package readindex_test

import (
	"errors"

	"github.com/kubescim/kubescim/internal/readindex"
)

// newest is the protocol of this release.
const newest = 4

// readIndex goes by what the peers have promised, or takes part in the next round.
func (r *replica) readIndex(tenant readindex.Tenant, done func(readindex.Revisions, error)) {
	now, v := r.local(), r.view
	if err := v.MayRead(now); err != nil {
		done(readindex.Revisions{}, err)
		return
	}
	if len(v.Links) == 0 {
		done(r.revisionsOf(tenant), nil)
		return
	}
	if revisions, until := r.core.Promises().Promised(v, tenant, now); until > now {
		if until-now < promise/2 {
			r.renewing = true
			r.ask()
		}
		r.w.promised++
		done(revisions.Max(r.revisionsOf(tenant)), nil)
		return
	}
	r.renewing = true
	r.inRound(func(state readindex.ReadState) {
		r.after(r.w.delay(), func() {
			known, err := r.core.Promises().Known(tenant, state.History)
			if state.Err != nil {
				err = state.Err
			}
			// Whoever was given up since is not among what is known.
			if err == nil {
				err = r.view.MayRead(r.local())
			}
			done(known.Max(r.revisionsOf(tenant)), err)
		})
	})
}

// disclose waits until a client may be told what the marks of a tenant cover.
func (r *replica) disclose(tenant readindex.Tenant, done func()) {
	hidden := r.core.Promises().Hides(tenant, r.local())
	ended := false
	end := func() {
		if !ended {
			ended = true
			done()
		}
	}
	var try func(readindex.ReadState)
	try = func(state readindex.ReadState) {
		switch {
		case r.core.Promises().Disclosed(hidden, r.local()):
			end()
		case state.Err == nil:
			r.disclosing = true
			r.inRound(try)
		}
	}
	try(readindex.ReadState{})
	r.after(r.global(hidden.Until)+r.began-r.w.timeline.Now(), end)
}

// inRound takes part in the next round.
func (r *replica) inRound(done func(readindex.ReadState)) {
	r.readers = append(r.readers, done)
	r.ask()
}

// ask sees to it that there is a next round.
func (r *replica) ask() {
	if !r.asking {
		r.asking = true
		r.after(0, r.round)
	}
}

// round asks all peers for those that wait.
func (r *replica) round() {
	if len(r.readers) == 0 && !r.renewing { // Whoever discloses is one of the readers.
		r.asking = false
		if r.afterThat != nil {
			r.afterThat()
		}
		return
	}
	readers, renewing, disclosing := r.readers, r.renewing, r.disclosing
	r.readers, r.renewing, r.disclosing = nil, false, false
	r.rounds++
	end := func(state readindex.ReadState) {
		for _, done := range readers {
			done(state)
		}
		r.after(0, r.round)
	}
	view := r.view
	err := view.MayRead(r.local())
	if err != nil && !disclosing {
		end(readindex.ReadState{Err: err})
		return
	}
	r.askAll(view, renewing && err == nil, func(state readindex.ReadState) {
		state.Err = errors.Join(err, state.Err)
		end(state)
	})
}

// beat asks the peers when no reader has for some time.
func (r *replica) beat() {
	r.after(r.global(beat), r.beat)
	if r.asking || r.leaving {
		return
	}
	r.asking = true
	r.askAll(r.view, false, func(readindex.ReadState) { r.round() })
}

// askAll asks the peers of a view.
func (r *replica) askAll(view *readindex.View, promises bool, done func(readindex.ReadState)) {
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
		r.askOne(id, promises, func(answer readindex.Answer) {
			answers[i] = answer
			if missing--; missing == 0 {
				finish()
			}
		})
	}
}

// reply is the answer of a peer.
type reply struct {
	readindex.Message
	revisions readindex.Revisions // of one that speaks an older protocol
}

// askOne asks one peer. done is called once.
func (r *replica) askOne(id readindex.LinkID, promises bool, done func(readindex.Answer)) {
	answered := false
	c := r.links[id]
	lose := func(err error) {
		if answered {
			return
		}
		answered = true
		if c != nil {
			c.waiting = nil
		}
		r.step(readindex.Disconnected{Link: id, Err: err})
		done(readindex.Answer{Link: id, Err: err})
	}
	if c == nil || c.closed {
		r.after(0, func() { lose(errClosed) })
		return
	}
	c.waiting = lose
	r.after(r.global(roundTimeout), func() { lose(errTimeout) })
	asked := r.local()
	question := r.core.Promises().Ask(id, promises)
	if c.protocol == 1 {
		question.History = 0
	}
	c.send(c.server, func() {
		c.server.answer(c, question, func(a reply) {
			if answered {
				return
			}
			answered, c.waiting = true, nil
			r.heard(a.History)
			var err error
			if c.protocol == newest {
				err = r.core.Promises().Learn(id, asked, a.Message)
			} else {
				err = r.core.Promises().LearnRevisions(id, a.revisions)
			}
			done(readindex.Answer{Link: id, History: a.History, NoHistory: c.protocol == 1, Err: err})
		})
	})
}

// answer answers a question: history is heard first, then the Revisions are read, then the
// history. Whatever happens may happen between these.
func (r *replica) answer(c *conn, question readindex.Message, done func(reply)) {
	if c.peer.gone {
		c.close()
		return
	}
	r.heard(question.History)
	r.after(r.w.delay()/8, func() {
		if c.protocol == newest {
			answer, is := r.core.Promises().Answer(c.peer.id, question, r.local())
			if !is {
				c.close()
				return
			}
			c.send(c.client, func() { done(reply{Message: answer}) })
			return
		}
		revisions := r.revisions()
		r.after(r.w.delay()/8, func() {
			a := reply{Message: readindex.Message{History: r.view.History}, revisions: revisions}
			if c.protocol == 1 {
				a.History = 0
			}
			c.send(c.client, func() { done(a) })
		})
	})
}

func (r *replica) heard(history uint64) {
	if r.view.History < history {
		r.step(readindex.HistoryHeard{Count: history})
	}
}
