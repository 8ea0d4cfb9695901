package barrier

import (
	"context"
	"net"
)

// SetDial makes the replica reach the others in another way.
func (b *Barrier) SetDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	b.dial = dial
}

// SpeakOnly makes the replica one of a release that speaks other versions of the protocol,
// the one that it likes best first, and states that only where that release does.
func (b *Barrier) SpeakOnly(versions ...byte) {
	b.protocols = nil
	for _, version := range versions {
		b.protocols = append(b.protocols, protocol(version))
	}
}

// Members returns how many replicas this one knows, itself included.
func (b *Barrier) Members() int { return b.view.Load().members }

// Rounds returns how many rounds there have been.
func (b *Barrier) Rounds() int64 { return b.batches.count() }
