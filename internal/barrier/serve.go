package barrier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// maxConnections bounds the connections that are open at a time: some for each
	// peer, since one that broke may be noticed late.
	maxConnections = 4 * maxPeers
	// maxStrangers bounds those among them of whom it is not known yet who dials.
	maxStrangers = 32
	// lookupsPerSecond and lookupsAtOnce bound the reading of Leases for those who
	// dial and are not known.
	lookupsPerSecond = 20
	lookupsAtOnce    = 40
)

// serve answers the other replicas until the context is done. Peers that it
// admits are tended under the second one.
func (b *Barrier) serve(ctx, tending context.Context, listener net.Listener) {
	config := listenConfig(b.certificate)
	connections := make(chan struct{}, maxConnections)
	strangers := make(chan struct{}, maxStrangers)
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
		if !take(connections) {
			_ = raw.Close()
			continue
		}
		if !take(strangers) {
			<-connections
			_ = raw.Close()
			continue
		}
		b.running.Go(func() {
			defer func() { <-connections }()
			defer func() { _ = raw.Close() }()
			defer context.AfterFunc(ctx, func() { _ = raw.Close() })()
			known := sync.OnceFunc(func() { <-strangers })
			defer known()
			conn := tls.Server(raw, config)
			p, err := b.welcome(ctx, tending, conn)
			if err != nil {
				b.logger.Debug("a connection was refused", slog.Any("error", err))
				return
			}
			known()
			b.answer(conn, p)
		})
	}
}

// take takes one of what the channel has room for, if there is any left.
func take(room chan struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	default:
		return false
	}
}

// welcome finds out who dials, and confirms that this replica knows them.
func (b *Barrier) welcome(ctx, tending context.Context, conn *tls.Conn) (*peer, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Connect)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("agreeing on TLS: %w", err)
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	buffer := make([]byte, frameMax)
	name, err := expect(conn, buffer, frameHello)
	if err != nil {
		return nil, err
	}
	p, err := b.recognise(ctx, tending, string(name), fingerprintOf(conn.ConnectionState()))
	if err != nil {
		return nil, err
	}
	if err := b.count(ctx, p); err != nil {
		return nil, err
	}
	return p, writeFrame(conn, buffer, frameKnown, nil)
}

// recognise returns the peer with the name and certificate. That of a newcomer
// must be the one in its Lease.
func (b *Barrier) recognise(ctx, tending context.Context, name string, print fingerprint) (*peer, error) {
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 || name == b.pod.Name {
		return nil, errors.New("the name is not that of another pod")
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
		return nil, errors.New("the certificate is not the one in the Lease of a replica of that name")
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
func (b *Barrier) answer(conn *tls.Conn, p *peer) {
	buffer := make([]byte, frameMax)
	for {
		if conn.SetDeadline(time.Now().Add(3*b.timing.Beat)) != nil {
			return
		}
		kind, content, err := readFrame(conn, buffer)
		if err != nil || p.gone.Load() {
			return
		}
		switch kind {
		case frameQuestion:
			mark := encodeMark(b.log.Mark())
			err = writeFrame(conn, buffer, frameMark, mark[:])
		case frameLeave:
			b.farewell(p, decodeMark(content))
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

// farewell takes over how far everything goes that a peer has told clients, and
// removes it.
func (b *Barrier) farewell(p *peer, last Mark) {
	b.log.Raise(last)
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.gone.Load() {
		return
	}
	p.left.Store(true)
	b.removeLocked(p)
	b.publishLocked()
	b.logger.Info("a replica left", slog.String("replica", p.name))
}
