package barrier

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var (
	errOlderRelease = errors.New("the replica is of a release that cannot be asked")
	errNoProtocol   = errors.New("the replicas have no protocol in common")
)

// tend keeps a link to a peer, and while there is none, finds out from the peer's
// Lease whether it is still alive. It ends with the context, which ends with the
// peer, or when there is another process in the peer's pod: then it returns the
// Lease of that one.
func (b *Barrier) tend(ctx context.Context, p *peer) *coordinationv1.Lease {
	var seen observation
	var tried, looked, told, reached time.Time
	for ctx.Err() == nil {
		sleep(ctx, time.Until(tried.Add(b.timing.Probe)))
		tried = time.Now()
		if reached.IsZero() {
			reached = tried
		}
		err := b.connect(ctx, p)
		if err == nil {
			select {
			case <-ctx.Done():
			case <-p.lost:
			}
			reached = time.Time{}
			continue
		}
		if ctx.Err() == nil && time.Since(looked) >= b.timing.Look {
			looked = time.Now()
			if looked.Sub(told) >= 10*b.timing.Look {
				told = looked
				b.logger.Warn("a replica cannot be reached; it is waited for until it can, or its Lease ends",
					slog.String("replica", p.name), slog.Any("error", err))
			}
			if next := b.lookAt(ctx, p, &seen, looked.Sub(reached)); next != nil {
				return next
			}
		}
	}
	return nil
}

// connect makes a link to a peer, for which the peer must know this replica.
func (b *Barrier) connect(ctx context.Context, p *peer) error {
	if p.contact.address == "" {
		return errOlderRelease
	}
	b.mu.Lock()
	epoch := b.epoch
	b.mu.Unlock()
	l, err := b.introduce(ctx, p)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.gone.Load() || b.epoch != epoch || b.leaving {
		l.close()
		return errors.New("the replica was reached too late")
	}
	select {
	case <-p.lost:
	default:
	}
	p.link, p.confirmed, p.counted = l, epoch, true
	p.heard++
	if p.unreachable {
		p.unreachable = false
		b.renewSoon()
	}
	b.publishLocked()
	return nil
}

// introduce dials a peer, and returns the link once the peer says that it knows
// this replica.
func (b *Barrier) introduce(ctx context.Context, p *peer) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Connect)
	defer cancel()
	raw, err := b.dial(ctx, "tcp", p.contact.address)
	if err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	l := &link{peer: p, conn: tls.Client(raw, dialConfig(b.certificate, p.contact.fingerprint, b.protocols))}
	if err := b.hello(ctx, l); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return l, nil
}

// hello tells a peer who dials.
func (b *Barrier) hello(ctx context.Context, l *link) error {
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
	if err := writeFrame(l.conn, l.buffer[:], frameHello, []byte(b.pod.Name)); err != nil {
		return err
	}
	_, err = l.protocol.expect(l.conn, l.buffer[:], frameKnown)
	return err
}

// lookAt looks at the Lease of a peer that could not be reached for some time. The peer
// is dropped when its Lease is gone or has run out. A Lease that is another process's by
// now is returned. One that goes on being renewed is asked for what the peer is not.
func (b *Barrier) lookAt(ctx context.Context, p *peer, seen *observation, since time.Duration) *coordinationv1.Lease {
	b.mu.Lock()
	heard := p.heard
	b.mu.Unlock()
	look := seen.begin(heard)
	ctx, cancel := context.WithTimeout(ctx, b.timing.Call)
	defer cancel()
	lease, err := getLease(ctx, b.client, client.ObjectKey{Namespace: b.pod.Namespace, Name: p.name})
	switch {
	case apierrors.IsNotFound(err):
		b.drop(p, heard, "its Lease is gone")
	case err != nil:
		b.logger.Warn("the Lease of a replica that cannot be reached cannot be read",
			slog.String("replica", p.name), slog.Any("error", err))
	case contactOf(lease) != p.contact:
		return lease
	case look.ranOut(lease):
		if b.drop(p, heard, "its Lease has run out") {
			// Dropping the peer has ended the context.
			b.tidy(context.WithoutCancel(ctx), lease)
		}
	case since >= b.timing.Lease && seen.renewed && p.contact.address != "":
		b.cannotReach(p)
		if err := b.introduceByLease(ctx, p, lease); err != nil && ctx.Err() == nil {
			b.logger.Warn("introducing this replica to one that cannot be reached failed and is tried again",
				slog.String("replica", p.name), slog.Any("error", err))
		}
	}
	return nil
}

// tidy deletes a Lease that has run out, so that no newcomer waits for it.
func (b *Barrier) tidy(ctx context.Context, lease *coordinationv1.Lease) {
	ctx, cancel := context.WithTimeout(ctx, b.timing.Call)
	defer cancel()
	if err := deleteLease(ctx, b.client, lease); err != nil {
		b.logger.Warn("tidying a Lease away failed", slog.String("replica", lease.Name), slog.Any("error", err))
	}
}
