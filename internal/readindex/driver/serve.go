package driver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

const (
	// lookupsPerSecond and lookupsAtOnce bound the reading of Leases for those who
	// dial and are not known.
	lookupsPerSecond = 20
	lookupsAtOnce    = 40
	// maxServed bounds the connections by which one peer may ask, since one that broke
	// may be noticed late.
	maxServed = 4
)

// serve answers the other replicas until the context is done.
func (r *Replica) serve(ctx context.Context, listener net.Listener) {
	config := listenConfig(r.certificate, r.protocols)
	unknown := &unauthenticated{}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		raw, err := listener.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.logger.Warn("accepting a connection failed", slog.Any("error", err))
			sleep(ctx, r.timing.Probe)
			continue
		}
		leave := unknown.enter(raw)
		r.running.Go(func() {
			defer func() { _ = raw.Close() }()
			defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
			defer leave()
			conn := tls.Server(raw, config)
			spoken, p, err := r.handshake(ctx, conn)
			if err != nil {
				r.logger.Debug("a connection was refused", slog.Any("error", err))
				return
			}
			leave()
			r.answer(conn, spoken, p)
		})
	}
}

// handshake finds out who dials, and confirms that this replica knows them.
func (r *Replica) handshake(ctx context.Context, conn *tls.Conn) (protocol, *peer, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Connect)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return 0, nil, fmt.Errorf("agreeing on TLS: %w", err)
	}
	spoken, err := agreed(conn.ConnectionState().NegotiatedProtocol)
	if err != nil {
		return 0, nil, err
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, nil, err
	}
	buffer := make([]byte, frameMax)
	name, err := spoken.expect(conn, buffer, frameHello)
	if err != nil {
		return 0, nil, err
	}
	p, err := r.recognise(ctx, string(name), fingerprintOf(conn.ConnectionState()))
	if err != nil {
		return 0, nil, err
	}
	return spoken, p, writeFrame(conn, buffer, frameKnown, nil)
}

// verdict is what the Core has decided about who dials: to look it up, to confirm it as a
// peer, or to refuse it.
type verdict struct {
	lookUp bool
	peer   *peer
	err    error
}

// recognise returns the peer with the name and certificate. That of a newcomer
// must be the one in its Lease.
func (r *Replica) recognise(ctx context.Context, name string, print readindex.Fingerprint) (*peer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	verdicts := make(chan verdict, 1)
	r.mu.Lock()
	r.lastConn++
	id := r.lastConn
	r.handshakes[id] = verdicts
	r.stepLocked(readindex.Dialled{Conn: id, Name: name, Fingerprint: print})
	r.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			r.mu.Lock()
			delete(r.handshakes, id)
			r.mu.Unlock()
			return nil, ctx.Err()
		case v := <-verdicts:
			if !v.lookUp {
				return v.peer, v.err
			}
			lease, err := r.lookUp(ctx, name)
			r.step(readindex.LookedUp{Conn: id, Fingerprint: print, Lease: lease, Err: err})
		}
	}
}

// answer answers the questions of a peer until it leaves, or the connection ends
// or is silent for too long.
func (r *Replica) answer(conn *tls.Conn, spoken protocol, p *peer) {
	defer r.servedBy(p, conn)()
	buffer := make([]byte, frameMax)
	for {
		if conn.SetDeadline(time.Now().Add(3*r.timing.Beat)) != nil {
			return
		}
		kind, content, err := spoken.readFrame(conn, buffer)
		if err != nil || p.gone.Load() {
			return
		}
		switch kind {
		case frameQuestion:
			r.heard(spoken.decodeCount(content))
			// The count comes after the Revisions: those of the new history must not go by
			// the count of the former one.
			own := r.revisions()
			err = writeFrame(conn, buffer, frameRevisions, spoken.encodeRevisions(r.view.Load().History, own))
		case frameLeave:
			history, last := spoken.decodeRevisions(content)
			r.heard(history)
			own := r.log.Revisions()
			r.step(readindex.PeerLeft{Peer: p.id, Last: last, Own: own})
			_ = writeFrame(conn, buffer, frameLeft, nil)
			return
		default:
			return
		}
		if err != nil {
			return
		}
	}
}

// servedBy notes that a peer asks by the connection, and closes the oldest one if it has
// too many. It returns what undoes that.
func (r *Replica) servedBy(p *peer, conn net.Conn) (undo func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.served = append(p.served, conn)
	if len(p.served) > maxServed {
		_ = p.served[0].Close()
		p.served = slices.Delete(p.served, 0, 1)
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		p.served = slices.DeleteFunc(p.served, func(other net.Conn) bool { return other == conn })
	}
}
