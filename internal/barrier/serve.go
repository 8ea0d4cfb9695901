package barrier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// serve answers the other replicas until the context is done. Peers that it
// admits are tended under the second one.
func (b *Barrier) serve(ctx, tending context.Context, listener net.Listener) {
	config := listenConfig(b.certificate, b.protocols)
	unknown := &strangers{}
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		raw, err := listener.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			b.logger.Warn("accepting a connection failed", slog.Any("error", err))
			sleep(ctx, b.timing.Probe)
			continue
		}
		leave := unknown.enter(raw)
		b.running.Go(func() {
			defer func() { _ = raw.Close() }()
			defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
			defer leave()
			conn := tls.Server(raw, config)
			spoken, p, err := b.welcome(ctx, tending, conn)
			if err != nil {
				b.logger.Debug("a connection was refused", slog.Any("error", err))
				return
			}
			leave()
			b.answer(conn, spoken, p)
		})
	}
}

// welcome finds out who dials, and confirms that this replica knows them.
func (b *Barrier) welcome(ctx, tending context.Context, conn *tls.Conn) (protocol, *peer, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Connect)
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
	p, err := b.recognise(ctx, tending, string(name), fingerprintOf(conn.ConnectionState()))
	if err != nil {
		return 0, nil, err
	}
	if err := b.count(ctx, p); err != nil {
		return 0, nil, err
	}
	return spoken, p, writeFrame(conn, buffer, frameKnown, nil)
}

// checkName checks that a name can be that of another replica.
func (b *Barrier) checkName(name string) error {
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 || name == b.pod.Name {
		return errors.New("the name is not that of another pod")
	}
	return nil
}

// recognise returns the peer with the name and certificate. That of a newcomer
// must be the one in its Lease.
func (b *Barrier) recognise(ctx, tending context.Context, name string, print fingerprint) (*peer, error) {
	if err := b.checkName(name); err != nil {
		return nil, err
	}
	if p := b.recall(name, print); p != nil {
		return p, nil
	}
	if err := b.lookups.Wait(ctx); err != nil {
		return nil, fmt.Errorf("waiting for a turn to look who dials: %w", err)
	}
	lease, err := getLease(ctx, b.client, client.ObjectKey{Namespace: b.pod.Namespace, Name: name})
	if err != nil {
		return nil, err
	}
	c := contactOf(lease)
	if !isReplicaOf(b.tenant, lease) || c.address == "" || c.fingerprint != print {
		return nil, errStranger
	}
	return b.admit(tending, lease, false)
}

// recall returns the peer with the name and certificate, if it is known. That it
// dials is a sign of life.
func (b *Barrier) recall(name string, print fingerprint) *peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.peers[name]
	if p == nil || p.contact.address == "" || p.contact.fingerprint != print || b.leaving {
		return nil
	}
	p.heard++
	return p
}

// count makes rounds ask the peer from now on. They fail while it cannot be
// reached, so that a newcomer is given a moment to be dialled before that.
func (b *Barrier) count(ctx context.Context, p *peer) error {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Round)
	defer cancel()
	// If the time is up, it is counted without having been reached.
	_ = b.until(ctx, func() bool { return p.counted || p.gone.Load() })
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.gone.Load() {
		return errors.New("the replica is gone already")
	}
	if !p.counted {
		p.counted = true
		b.publishLocked()
	}
	return nil
}

// answer answers the questions of a peer until it leaves, or the connection ends
// or is silent for too long.
func (b *Barrier) answer(conn *tls.Conn, spoken protocol, p *peer) {
	defer b.servedBy(p, conn)()
	buffer := make([]byte, frameMax)
	for {
		if conn.SetDeadline(time.Now().Add(3*b.timing.Beat)) != nil {
			return
		}
		kind, content, err := spoken.readFrame(conn, buffer)
		if err != nil || p.gone.Load() {
			return
		}
		switch kind {
		case frameQuestion:
			b.rewind(spoken.decodeCount(content))
			// The count comes after the Mark: a Mark of the new history must not go by the
			// count of the former one.
			mark := b.mark()
			err = writeFrame(conn, buffer, frameMark, spoken.encodeMark(b.view.Load().rewritten, mark))
		case frameLeave:
			rewritten, last := spoken.decodeMark(content)
			b.rewind(rewritten)
			b.farewell(p, last)
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
func (b *Barrier) servedBy(p *peer, conn net.Conn) (undo func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.served = append(p.served, conn)
	if len(p.served) > maxServed {
		_ = p.served[0].Close()
		p.served = slices.Delete(p.served, 0, 1)
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		p.served = slices.DeleteFunc(p.served, func(other net.Conn) bool { return other == conn })
	}
}

// farewell takes over how far everything goes that a peer has told clients, and
// removes it. What the own store has not seen is looked up at the API server soon: it may
// be more than there is.
func (b *Barrier) farewell(p *peer, last Mark) {
	own := b.log.Mark()
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.gone.Load() {
		return
	}
	if own.Max(last) != own {
		b.handed = b.handed.Max(last)
		b.publishLocked()
	}
	// A round that finds it gone finds what it handed over.
	p.left.Store(true)
	b.removeLocked(p)
	b.publishLocked()
	b.logger.Info("a replica left", slog.String("replica", p.name))
}
