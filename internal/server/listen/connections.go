package listen

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// mostConnections bounds the connections of the SCIM API. With the buffers of
	// net/http and headers of headerBytes each takes up to 50 KiB, all of them a fifth of
	// a pod of 256 MiB. Over TLS, what of a record of 16 KiB is there already comes to that.
	mostConnections = 1024
	// mostHealthConnections bounds those of the probes and of Prometheus.
	mostHealthConnections = 32
)

// unknownShare is which part of the bound may be connections without a good token while one that is idle is closed instead:
// clients of one tenant that come with connections without end are not to close those of others that have just been opened.
const unknownShare = 16

// endingShare is which part of the bound may be exceeded by connections that were closed,
// and whose memory is free only once the server has let them go.
const endingShare = 8

// connections are the open connections of a server, of which never more than most are
// served. When one comes in addition, another is closed for it: while more than a few have never
// sent a good token, the one of these that has waited longest, and else, of the tenant that has
// most, the one that is idle longest. One whose request is being answered, for a good token, is
// never closed. So whoever has no token can keep nobody out who has one, and no tenant the others,
// however many connections they open.
type connections struct {
	most int
	shed prometheus.Counter // how many were closed for another

	mu      sync.Mutex
	open    map[net.Conn]*connection
	ending  int            // of them, those that were closed and that the server has not let go yet
	owned   map[string]int // of them, those of each tenant
	unknown *list.List     // those without a good token so far, longest open first
	idle    *list.List     // those with one that wait for the next request, longest idle first
	changed chan struct{}  // closed, and replaced, when one ends or becomes idle
	opened  time.Time      // when the last one was
}

// connection is one of them.
type connection struct {
	net.Conn
	port   string        // the tenant whose port it came in by; empty for the port of all
	known  bool          // it has sent a good token
	owner  string        // the tenant that the last one was for
	place  *list.Element // in unknown or idle; nil while it is in neither
	waits  bool          // its last request was answered, and the next one has not begun
	since  time.Time     // when it came to wait
	closed bool          // here, before its time
}

// tenant is whose connection it is, as far as that is known.
func (c *connection) tenant() string {
	if c.known {
		return c.owner
	}
	return c.port
}

func newConnections(most int, shed prometheus.Counter) *connections {
	return &connections{
		most: most, shed: shed, open: map[net.Conn]*connection{}, owned: map[string]int{},
		unknown: list.New(), idle: list.New(), changed: make(chan struct{}),
	}
}

// count returns how many there are, and when the last one was opened.
func (c *connections) count() (open int, opened time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.opened
}

// guard makes the server's connections be counted, and bounded, if it serves the
// listener that listen returns.
func (c *connections) guard(server *http.Server) {
	server.ConnState = c.follow
	server.ConnContext = func(ctx context.Context, one net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, accepted{connections: c, Conn: one, port: c.portOf(one)})
	}
}

type connectionKey struct{}

// accepted is a connection as its requests know it.
type accepted struct {
	net.Conn
	connections *connections
	port        string
}

// Trust takes note that the request with the context has a good token of a tenant, and so that
// the connection which it came over is one of that tenant's.
func Trust(ctx context.Context, tenant string) {
	if over, ok := ctx.Value(connectionKey{}).(accepted); ok {
		over.connections.trust(over.Conn, tenant)
	}
}

// PortOf returns the tenant whose port the request with the context came in by; empty for the port
// of all.
func PortOf(ctx context.Context) (tenant string) {
	over, _ := ctx.Value(connectionKey{}).(accepted)
	return over.port
}

// portOf returns the tenant whose port a connection came in by.
func (c *connections) portOf(one net.Conn) (tenant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.open[one]; known != nil {
		return known.port
	}
	return ""
}

// listen returns the listener with the bound. port is the tenant that it is for; empty for all.
func (c *connections) listen(listener net.Listener, port string) net.Listener {
	return &boundedListener{Listener: listener, connections: c, port: port, closed: make(chan struct{})}
}

// boundedListener is a net.Listener whose connections are connections.
type boundedListener struct {
	net.Listener
	connections *connections
	port        string
	once        sync.Once
	closed      chan struct{}
}

// Accept implements net.Listener. While nothing can be closed, others wait in the
// kernel's queue.
func (l *boundedListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		changed, admitted := l.connections.admit(accepted, l.port)
		if admitted {
			return accepted, nil
		}
		select {
		case <-changed:
		case <-l.closed:
			_ = accepted.Close() // There is nobody to tell.
			return nil, net.ErrClosed
		}
	}
}

// Close implements net.Listener.
func (l *boundedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// admit takes a connection if there is room for it, for which another one may have to be
// closed. If not, changed is closed when it is time to try again.
func (c *connections) admit(one net.Conn, port string) (changed <-chan struct{}, admitted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	serving, ending := len(c.open)-c.ending, c.ending <= c.most/endingShare
	if serving >= c.most && (!ending || !c.closeOne()) {
		return c.changed, false
	}
	added := &connection{Conn: one, port: port}
	c.opened = time.Now()
	added.place = c.unknown.PushBack(added)
	c.open[one] = added
	return nil, true
}

// closeOne closes the connection that is worth least, and reports whether there is one to
// be closed.
func (c *connections) closeOne() bool {
	first := c.worthLeast()
	if first == nil {
		return false
	}
	c.end(first)
	c.shed.Inc()
	return true
}

// end closes a connection that waits, by its place.
func (c *connections) end(place *list.Element) {
	victim, _ := place.Value.(*connection)
	c.remove(victim)
	victim.closed = true
	c.ending++
	closed := victim.Conn
	if secure, is := closed.(*tls.Conn); is {
		closed = secure.NetConn() // Its own Close waits for a client that reads nothing.
	}
	_ = closed.Close() // It ends, whatever Close says.
}

// closeIdle closes those of some tenants that have waited since before a time. Who was about to
// send something then has done so by now.
func (c *connections) closeIdle(before time.Time, of func(tenant string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, places := range []*list.List{c.idle, c.unknown} {
		for place := places.Front(); place != nil; {
			next := place.Next()
			if one, _ := place.Value.(*connection); one.waits && one.since.Before(before) && of(one.tenant()) {
				c.end(place)
			}
			place = next
		}
	}
}

// worthLeast is the place of the connection that is to be closed first; nil when there is none.
func (c *connections) worthLeast() (least *list.Element) {
	if c.unknown.Len() > c.most/unknownShare {
		return c.unknown.Front()
	}
	most := 0
	for place := c.idle.Front(); place != nil; place = place.Next() {
		if idle, _ := place.Value.(*connection); c.owned[idle.owner] > most {
			least, most = place, c.owned[idle.owner]
		}
	}
	if least == nil {
		return c.unknown.Front()
	}
	return least
}

// follow is the server's ConnState.
func (c *connections) follow(one net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[one]
	if known == nil {
		return
	}
	switch state {
	case http.StateIdle:
		known.waits, known.since = true, time.Now()
		if known.known && known.place == nil && !known.closed {
			known.place = c.idle.PushBack(known)
			c.wake()
		}
	case http.StateActive:
		known.waits = false
		if known.known {
			c.remove(known)
		}
	case http.StateClosed, http.StateHijacked:
		c.remove(known)
		c.disown(known)
		delete(c.open, one)
		if known.closed {
			c.ending--
		}
		c.wake()
	default:
	}
}

// trust takes note of a good token.
func (c *connections) trust(one net.Conn, owner string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	trusted := c.open[one]
	if trusted == nil || trusted.known && trusted.owner == owner {
		return
	}
	c.remove(trusted)
	c.disown(trusted)
	trusted.known, trusted.owner = true, owner
	c.owned[owner]++
}

// disown makes a connection be no tenant's.
func (c *connections) disown(one *connection) {
	if !one.known {
		return
	}
	if c.owned[one.owner]--; c.owned[one.owner] == 0 {
		delete(c.owned, one.owner)
	}
}

// remove takes a connection out of the list that it is in.
func (c *connections) remove(one *connection) {
	if one.place == nil {
		return
	}
	c.idle.Remove(one.place) // It is in one of them, and the other does nothing.
	c.unknown.Remove(one.place)
	one.place = nil
}

// wake wakes who waits for a change.
func (c *connections) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}
