package driver

import (
	"context"
	"net"
)

// SetListen makes the replica be reached in another way.
func (r *Replica) SetListen(listen func(ctx context.Context, network, address string) (net.Listener, error)) {
	r.listen = listen
}
