package readindex_test

import (
	"github.com/kubescim/kubescim/internal/readindex"
)

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
	if c.protocol == 1 {
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
		own := s.store.marks.Floor()
		s.after(s.w.delay()/8, func() {
			s.step(readindex.PeerLeft{Peer: c.peer.id, Last: last, Own: own})
			c.send(r, func() { end(nil) })
		})
	})
}
