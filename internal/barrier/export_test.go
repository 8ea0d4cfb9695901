package barrier

import (
	"context"
	"net"
)

// SetDial makes the replica reach the others in another way.
func (b *Barrier) SetDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	b.dial = dial
}

// Members returns how many replicas this one knows, itself included.
func (b *Barrier) Members() int { return b.view.Load().members }

// Rounds returns how many rounds there have been.
func (b *Barrier) Rounds() int64 { return b.batches.count() }
