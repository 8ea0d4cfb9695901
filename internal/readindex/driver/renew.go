package driver

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

// keepLease renews the Lease until the context is done.
func (r *Replica) keepLease(ctx context.Context, own *ownLease) error {
	renewal := r.timing.Lease / 3
	for ctx.Err() == nil {
		pause := renewal
		err := r.renewLease(ctx, own)
		if errors.Is(err, errReplaced) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			r.logger.Warn("writing the replica's Lease failed and is tried again", slog.Any("error", err))
			pause = renewal / 5
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-r.renew:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func (r *Replica) renewLease(ctx context.Context, own *ownLease) error {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	began, known := r.now(), r.view.Load().History
	fresh, err := own.write(ctx)
	// That the others have told this replica of it meanwhile is no news.
	if own.rewound && known == own.history {
		r.Rewound()
	}
	own.rewound, own.history = false, r.view.Load().History
	if fresh || errors.Is(err, errReplaced) || apierrors.IsUnauthorized(err) {
		r.step(readindex.LeaseLost{})
	}
	if err == nil {
		r.step(readindex.LeaseWritten{Began: began, Unbroken: !fresh})
	}
	return err
}

// renewSoon has the Lease written at once, since it is to state something else.
func (r *Replica) renewSoon() {
	select {
	case r.renew <- struct{}{}:
	default: // The write that is due will state it.
	}
}

// readIntroductions reads the Leases of those that have introduced themselves in the own
// Lease.
func (r *Replica) readIntroductions(ctx context.Context, own *coordinationv1.Lease) {
	for _, introduction := range split(own.Annotations[contract.AnnotationPeerIntroductions], readindex.MaxPeers) {
		name, token, _ := strings.Cut(introduction, "/")
		lease, err := r.leaseOfOther(ctx, name)
		if err == nil {
			r.step(readindex.Introduced{Token: token, Lease: lease})
		} else if ctx.Err() == nil {
			r.logger.Warn("a replica that introduced itself by Lease is not known", slog.String("replica", name), slog.Any("error", err))
		}
	}
}

// states are the annotations of the Lease, but for the contact.
func (r *Replica) states() map[string]string {
	r.mu.Lock()
	introduced, unreachable := r.core.Statement()
	r.mu.Unlock()
	annotations := map[string]string{contract.AnnotationPeerProtocols: stated(r.protocols)}
	if len(introduced) > 0 {
		annotations[contract.AnnotationIntroducedPeers] = strings.Join(introduced, ",")
	}
	if len(unreachable) > 0 {
		annotations[contract.AnnotationUnreachablePeers] = strings.Join(unreachable, ",")
	}
	if version := r.accepted.Load(); version != nil && *version != "" {
		annotations[contract.AnnotationVerifiersVersion] = *version
	}
	if r.usage != nil {
		if usage := r.usage(); usage != "" {
			annotations[contract.AnnotationUsage] = usage
		}
	}
	return annotations
}
