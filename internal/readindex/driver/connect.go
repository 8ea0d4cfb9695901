package driver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/kubescim/kubescim/internal/readindex"
)

// peer is another replica. One effect is carried out for it at a time.
type peer struct {
	id      readindex.PeerID
	name    string
	contact readindex.Contact
	// gone is true once it is no peer any more.
	gone atomic.Bool

	// The following belong to Replica.mu.

	// stop ends what is under way for the peer.
	stop func()
	// lease is the Lease as it was looked at last.
	lease *coordinationv1.Lease
	// served are the connections by which the peer asks, the oldest first.
	served []net.Conn
}

// connect makes a link to a peer.
func (r *Replica) connect(ctx context.Context, p *peer) {
	l, err := r.hello(ctx, p.contact)
	if err != nil {
		r.end(ctx, readindex.ConnectFailed{Peer: p.id, Err: err})
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lastLink++
	l.id = r.lastLink
	r.links[l.id] = l
	r.stepLocked(readindex.Connected{Peer: p.id, Link: l.id})
}

// hello dials a replica, and returns the link once that says that it knows this one.
func (r *Replica) hello(ctx context.Context, to readindex.Contact) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Connect)
	defer cancel()
	raw, err := r.dial(ctx, "tcp", to.Address)
	if err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	l := &link{conn: tls.Client(raw, dialConfig(r.certificate, to.Fingerprint, r.protocols))}
	if err := r.helloOn(ctx, l); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return l, nil
}

// helloOn tells a replica who dials.
func (r *Replica) helloOn(ctx context.Context, l *link) error {
	if err := l.conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("agreeing on TLS: %w", err)
	}
	var err error
	if l.protocol, err = agreed(l.conn.ConnectionState().NegotiatedProtocol); err != nil {
		return err
	}
	// The context has a deadline, and may be done before that.
	deadline, _ := ctx.Deadline()
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, l.close)()
	if err := writeFrame(l.conn, l.buffer[:], frameHello, []byte(r.pod.Name)); err != nil {
		return err
	}
	_, err = l.protocol.expect(l.conn, l.buffer[:], frameKnown)
	return err
}
