package driver

import (
	"context"
	"net"
	"sync"

	"github.com/kubescim/kubescim/internal/readindex"
)

// SetDial makes the replica reach the others in another way.
func (r *Replica) SetDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	r.node.dialler.dial = dial
}

// SpeakOnly makes the replica one of a release that speaks other versions of the protocol,
// the one that it likes best first, and states that only where that release does.
func (r *Replica) SpeakOnly(versions ...byte) {
	r.own.protocols = nil
	for _, version := range versions {
		r.own.protocols = append(r.own.protocols, protocol(version))
	}
}

// Members returns how many replicas this one knows, itself included.
func (r *Replica) Members() int { return r.node.view.Load().Members }

// Rounds returns how many rounds there have been.
func (r *Replica) Rounds() int64 { return r.rounds.count() }

// OnceRead has something happen between the next reading of the marks and what follows it.
func (r *Replica) OnceRead(then func()) {
	r.node.marks = &interrupted{marks: r.node.marks, then: sync.OnceFunc(then)}
}

// interrupted are marks after whose reading something happens.
type interrupted struct {
	marks
	then func()
}

func (i *interrupted) Max() readindex.Revisions {
	read := i.marks.Max()
	i.then()
	return read
}
