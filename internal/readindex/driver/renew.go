package driver

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/sleep"
)

// newsSpacing is how soon after a write of the Lease the next one is made that somebody waits for.
// What the Lease states moves with objects that the authors of all tenants may change, as often as
// they please, and each change is one that every pod of a shared server states.
const newsSpacing = 100 * time.Millisecond

// keeper keeps the own Lease.
type keeper struct {
	node     *node
	own      *ownLease
	identity *identity
	// accepted is what the Lease is to state of the ScimCredentials, and tenants of the
	// ScimTenants.
	accepted, tenants *atomic.Pointer[accepted]
}

// run renews the Lease until the context is done.
func (k *keeper) run(ctx context.Context) error {
	renewal := k.node.timing.Lease / 3
	for ctx.Err() == nil {
		pause := renewal
		err := k.renew(ctx)
		if errors.Is(err, errReplaced) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			k.node.logger.Warn("writing the replica's Lease failed and is tried again", slog.Any("error", err))
			pause = renewal / 5
		}
		sleep.For(ctx, newsSpacing)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-k.node.renew:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

func (k *keeper) renew(ctx context.Context) error {
	n, own := k.node, k.own
	ctx, cancel := context.WithTimeout(ctx, n.timing.Call)
	defer cancel()
	began := n.now()
	fresh, err := own.write(ctx)
	// What the others have told this replica of since the last write is no news.
	if own.rewound && n.view.Load().History == own.history {
		n.step(readindex.Rewound{})
	}
	own.rewound, own.history = false, n.view.Load().History
	if fresh || errors.Is(err, errReplaced) || apierrors.IsUnauthorized(err) {
		n.step(readindex.LeaseLost{})
	}
	if err == nil {
		n.step(readindex.LeaseWritten{Began: began, Unbroken: !fresh})
	}
	return err
}

// readIntroductions reads the Leases of those that have introduced themselves in the own
// Lease.
func (k *keeper) readIntroductions(ctx context.Context, own *coordinationv1.Lease) {
	for _, introduction := range split(own.Annotations[contract.AnnotationPeerIntroductions], readindex.MaxPeers) {
		name, token, _ := strings.Cut(introduction, "/")
		lease, err := k.node.leases.ofOther(ctx, name)
		if err == nil {
			k.node.step(readindex.Introduced{Token: token, Lease: lease})
		} else if ctx.Err() == nil {
			k.node.logger.Warn("a replica that introduced itself by Lease is not known", slog.String("replica", name), slog.Any("error", err))
		}
	}
}

// states are the annotations of the Lease, but for the contact.
func (k *keeper) states() map[string]string {
	introduced, unreachable := k.node.statement()
	annotations := map[string]string{contract.AnnotationPeerProtocols: stated(k.identity.protocols), contract.AnnotationFencesMembers: "true"}
	if len(introduced) > 0 {
		annotations[contract.AnnotationIntroducedPeers] = strings.Join(introduced, ",")
	}
	if len(unreachable) > 0 {
		annotations[contract.AnnotationUnreachablePeers] = strings.Join(unreachable, ",")
	}
	for annotation, stated := range map[string]*atomic.Pointer[accepted]{
		contract.AnnotationCredentialsRevision: k.accepted, contract.AnnotationTenantsRevision: k.tenants,
	} {
		if now := stated.Load(); now != nil && now.revision != "" && now.era == k.node.view.Load().Era {
			annotations[annotation] = now.revision
		}
	}
	return annotations
}
