package listen

import (
	"net"
	"net/http"
)

// What the tests say about times and bounds.
const (
	EndingShare = endingShare
	HeaderBytes = headerBytes
	Quiet       = quiet
)

// Connections are connections.
type Connections = connections

// NewConnections is newConnections.
var NewConnections = newConnections

// Guard bounds the connections of a server, and returns the listener that it is to serve.
func (c *connections) Guard(server *http.Server, listener net.Listener) net.Listener {
	c.guard(server)
	return c.listen(listener, "")
}

// Count is count.
var Count = (*connections).count

// CloseIdle is closeIdle.
var CloseIdle = (*connections).closeIdle

// Idle returns how many connections wait for the next request.
func (c *connections) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.idle.Len()
}
