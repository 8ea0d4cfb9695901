package barrier

import (
	"context"
	"net"
)

// turn is a lock that may be held for long. Time goes on in a bubble of testing/synctest
// while somebody waits for it.
type turn chan struct{}

// Lock takes the turn.
func (t turn) Lock() { t <- struct{}{} }

// Unlock gives it back.
func (t turn) Unlock() { <-t }

// SetNetwork makes the replica reach the others, and be reached, in another way.
func (b *Barrier) SetNetwork(
	dial func(ctx context.Context, network, address string) (net.Conn, error),
	listen func(ctx context.Context, network, address string) (net.Listener, error),
) {
	b.dial, b.listenWith = dial, listen
}

// MembersKnown returns how many replicas this one knows, itself included.
func (b *Barrier) MembersKnown() int { return b.view.Load().members }

// SpeakOnly1 makes the replica one of the release before this one.
func (b *Barrier) SpeakOnly1() { b.protocols = []protocol{protocol1} }
