package driver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/sleep"
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

var errNoPeer = errors.New("the replica that asks is gone")

// server answers the other replicas.
type server struct {
	node    *node
	own     *identity
	running *sync.WaitGroup
}

// run answers the other replicas until the context is done.
func (s *server) run(ctx context.Context, listener net.Listener) {
	config := listenConfig(s.own)
	unknown := &unauthenticated{}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		raw, err := listener.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			s.node.logger.Warn("accepting a connection failed", slog.Any("error", err))
			sleep.For(ctx, s.node.timing.Probe)
			continue
		}
		leave := unknown.enter(raw)
		s.running.Go(func() {
			defer func() { _ = raw.Close() }()
			defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
			defer leave()
			conn := tls.Server(raw, config)
			spoken, p, err := s.handshake(ctx, conn)
			if err != nil {
				s.node.logger.Debug("a connection was refused", slog.Any("error", err))
				return
			}
			leave()
			s.answer(conn, spoken, p)
		})
	}
}

// handshake finds out who dials, and confirms that this replica knows them.
func (s *server) handshake(ctx context.Context, conn *tls.Conn) (protocol, *peer, error) {
	ctx, cancel := context.WithTimeout(ctx, s.node.timing.Connect)
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
	p, err := s.recognise(ctx, string(name), fingerprintOf(conn.ConnectionState()))
	if err != nil {
		return 0, nil, err
	}
	return spoken, p, spoken.writeFrame(conn, buffer, frameKnown, nil)
}

// recognise returns the peer with the name and certificate. That of a newcomer
// must be the one in its Lease.
func (s *server) recognise(ctx context.Context, name string, fingerprint readindex.Fingerprint) (*peer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	id, verdicts := s.node.dialled(name, fingerprint)
	for {
		select {
		case <-ctx.Done():
			s.node.hungUp(id)
			return nil, ctx.Err()
		case v := <-verdicts:
			if !v.lookUp {
				return v.peer, v.err
			}
			lease, err := s.node.leases.lookUp(ctx, name)
			s.node.step(readindex.LookedUp{Conn: id, Fingerprint: fingerprint, Lease: lease, Err: err})
		}
	}
}

// answer answers the questions of a peer until it leaves, or the connection ends
// or is silent for too long.
func (s *server) answer(conn *tls.Conn, spoken protocol, p *peer) {
	defer s.servedBy(p, conn)()
	buffer := make([]byte, frameMax)
	for {
		if conn.SetDeadline(time.Now().Add(3*s.node.timing.Beat)) != nil {
			return
		}
		kind, content, err := spoken.readFrame(conn, buffer)
		if err != nil || p.gone.Load() {
			return
		}
		switch kind {
		case frameQuestion:
			var reply []byte
			if reply, err = s.reply(spoken, p, content); err == nil {
				err = spoken.writeFrame(conn, buffer, frameAnswer, reply)
			}
		case frameLeave:
			history, last := spoken.decodeRevisions(content)
			s.node.heard(history)
			own := s.node.marks.Floor()
			s.node.step(readindex.PeerLeft{Peer: p.id, Last: last, Own: own})
			_ = spoken.writeFrame(conn, buffer, frameLeft, nil)
			return
		case frameReport:
			if err = p.charge(content); err == nil {
				err = spoken.writeFrame(conn, buffer, frameCharged, nil)
			}
		default:
			return
		}
		if err != nil {
			return
		}
	}
}

// reply returns the answer to a question.
func (s *server) reply(spoken protocol, p *peer, content []byte) ([]byte, error) {
	if spoken < protocol4 {
		s.node.heard(spoken.decodeCount(content))
		// The count comes after the Revisions: those of the new history must not go by
		// the count of the former one.
		own := s.node.revisions()
		return spoken.encodeRevisions(s.node.view.Load().History, own), nil
	}
	now := s.node.now()
	question := decodeMessage(content)
	s.node.heard(question.History)
	answer, is := s.node.promises.Answer(p.id, question, now)
	if !is {
		return nil, errNoPeer
	}
	return encodeMessage(&answer), nil
}

// servedBy notes that a peer asks by the connection, and closes the oldest one if it has
// too many. It returns what undoes that.
func (s *server) servedBy(p *peer, conn net.Conn) (undo func()) {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	p.served = append(p.served, conn)
	if len(p.served) > maxServed {
		_ = p.served[0].Close()
		p.served = slices.Delete(p.served, 0, 1)
	}
	return func() {
		s.node.mu.Lock()
		defer s.node.mu.Unlock()
		p.served = slices.DeleteFunc(p.served, func(other net.Conn) bool { return other == conn })
	}
}
