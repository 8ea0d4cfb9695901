package moving_test

import "time"

// client sends one request after another, on one connection for as long as that is open.
type client struct {
	*world
	// at is the replica that it has a connection to; nil when it has none.
	at *replica
	// drained is what its drained was when the connection was made.
	drained int
	// pause is how long it waits at most between two requests.
	pause time.Duration
	// paused is true while it sends nothing.
	paused bool
}

// call starts a client.
func (w *world) call(pause time.Duration) *client {
	c := &client{world: w, pause: pause}
	c.next()
	return c
}

func (c *client) next() {
	c.after(c.delay(c.pause), func() {
		if c.paused {
			c.next()
			return
		}
		c.request(c.random == nil || c.random.IntN(2) == 0, c.next)
	})
}

// request sends one request.
func (c *client) request(write bool, done func()) {
	if c.at != nil && (!c.at.alive || c.at.drained != c.drained || !c.at.member()) {
		c.at = nil // It was closed.
	}
	if c.at == nil {
		c.at = c.dial()
	}
	if c.at == nil {
		c.after(time.Second, done)
		return
	}
	at := c.at
	c.drained = at.drained
	at.request(write, func() {
		if at.drains() {
			c.at = nil // The answer says so.
		}
		done()
	})
}

// dial finds a replica that is ready.
func (c *client) dial() *replica {
	to := c.routes()
	var ready []*replica
	for _, r := range c.replicas {
		if r.server == to.server && r.member() {
			ready = append(ready, r)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	found := ready[0]
	if c.random != nil {
		found = ready[c.random.IntN(len(ready))]
	}
	if found.port != to.port {
		c.violated("%v gets a request at port %d, and listens at %d", found, to.port, found.port)
	}
	return found
}
