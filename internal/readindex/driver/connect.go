package driver

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
)

// peer is another replica. One effect is carried out for it at a time.
type peer struct {
	id      readindex.PeerID
	name    string
	contact readindex.Contact
	// rates are charged what it reports; nil for none.
	rates *ratelimit.Charger
	// gone is true once it is no peer any more.
	gone atomic.Bool

	// The following belong to node.mu.

	// stop ends what is under way for the peer.
	stop func()
	// lease is the Lease as it was looked at last.
	lease *coordinationv1.Lease
	// served are the connections by which the peer asks, the oldest first.
	served []net.Conn
}

// charge charges what the peer has let through.
func (p *peer) charge(report []byte) error {
	if p.rates == nil {
		return nil
	}
	return p.rates.Charge(report, time.Now())
}

// identity is what this process proves to others to be, and what it speaks.
type identity struct {
	name        string // of the pod
	certificate tls.Certificate
	fingerprint readindex.Fingerprint
	protocols   []protocol
}

// dialler dials other replicas.
type dialler struct {
	own     *identity
	timeout time.Duration
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// hello dials a replica, and returns the link once that says that it knows this one.
func (d *dialler) hello(ctx context.Context, to readindex.Contact) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, "tcp", to.Address)
	if err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	l := &link{conn: tls.Client(raw, dialConfig(d.own, to.Fingerprint))}
	if err := d.helloOn(ctx, l); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return l, nil
}

// helloOn tells a replica who dials.
func (d *dialler) helloOn(ctx context.Context, l *link) error {
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
	if err := l.protocol.writeFrame(l.conn, l.buffer[:], frameHello, []byte(d.own.name)); err != nil {
		return err
	}
	_, err = l.protocol.expect(l.conn, l.buffer[:], frameKnown)
	return err
}
