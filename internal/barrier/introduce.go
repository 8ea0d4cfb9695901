package barrier

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
)

// A replica that cannot reach another one, which is alive, is confirmed by way of that
// one's Lease. It writes its name and a token into it. The other one finds that when it
// renews the Lease, reads the Lease of who wrote it, makes it a peer that it cannot ask,
// so that it reads at the API server from then on, and puts the token into its own Lease.
// The token stands for the epoch, so that it confirms no other one.

// tokenLocked stands for this process in its epoch.
func (b *Barrier) tokenLocked() string {
	return tokenPrefix(b.fingerprint) + strconv.FormatInt(b.epoch, 10)
}

// tokenPrefix begins the tokens of the process with the fingerprint.
func tokenPrefix(print fingerprint) string { return printed(print)[:16] + "-" }

// cannotReach makes the Lease state that a peer is alive and cannot be reached.
func (b *Barrier) cannotReach(p *peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.unreachable || p.gone.Load() {
		return
	}
	p.unreachable = true
	b.renewSoon()
	b.logger.Warn("a replica that is alive cannot be reached: allow the peer port between the pods of the tenant; until then every read is one of the API server",
		slog.String("replica", p.name), slog.String("address", p.contact.address))
}

// introduceByLease takes the confirmation out of a peer's Lease, or asks for it there.
func (b *Barrier) introduceByLease(ctx context.Context, p *peer, lease *coordinationv1.Lease) error {
	b.mu.Lock()
	epoch, token := b.epoch, b.tokenLocked()
	confirmed := p.confirmed == epoch
	b.mu.Unlock()
	if confirmed || !canBeIntroducedTo(lease) {
		return nil
	}
	if slices.Contains(strings.Split(lease.Annotations[contract.AnnotationIntroducedPeers], ","), token) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !p.gone.Load() && b.epoch == epoch {
			p.confirmed, p.counted = epoch, true
			b.publishLocked()
		}
		return nil
	}
	mine := b.pod.Name + "/" + token
	waiting := introductionsIn(lease)
	if slices.Contains(waiting, mine) || len(waiting) >= maxPeers {
		return nil
	}
	wanted := lease.DeepCopy()
	wanted.Annotations[contract.AnnotationPeerIntroductions] = strings.Join(append(waiting, mine), ",")
	if err := b.client.Update(ctx, wanted); err != nil {
		return fmt.Errorf("writing an introduction into its Lease: %w", err)
	}
	return nil
}

// introductionsIn returns the introductions in a Lease, as many as there may be peers.
func introductionsIn(lease *coordinationv1.Lease) []string {
	value := lease.Annotations[contract.AnnotationPeerIntroductions]
	if value == "" {
		return nil
	}
	all := strings.SplitN(value, ",", maxPeers+1)
	return all[:min(len(all), maxPeers)]
}

// meet makes those peers that have introduced themselves in the own Lease. What does not
// succeed they try again.
func (b *Barrier) meet(ctx, tending context.Context, own *coordinationv1.Lease) {
	for _, introduction := range introductionsIn(own) {
		name, token, _ := strings.Cut(introduction, "/")
		if err := b.meetOne(ctx, tending, name, token); err != nil && ctx.Err() == nil {
			b.logger.Warn("a replica that introduced itself by Lease is not known", slog.String("replica", name), slog.Any("error", err))
		}
	}
}

func (b *Barrier) meetOne(ctx, tending context.Context, name, token string) error {
	if err := b.checkName(name); err != nil {
		return err
	}
	lease, err := getLease(ctx, b.client, client.ObjectKey{Namespace: b.pod.Namespace, Name: name})
	if err != nil {
		return err
	}
	if c := contactOf(lease); !isReplicaOf(b.tenant, lease) || c.address == "" || !strings.HasPrefix(token, tokenPrefix(c.fingerprint)) {
		return errStranger
	}
	p, err := b.admit(tending, lease, true)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !p.gone.Load() {
		p.introduced = token
	}
	return nil
}

// peerAnnotations are what the Lease states about other replicas.
func (b *Barrier) peerAnnotations() map[string]string {
	var introduced, unreachable []string
	b.mu.Lock()
	for _, p := range b.peers {
		if p.introduced != "" {
			introduced = append(introduced, p.introduced)
		}
		if p.unreachable {
			unreachable = append(unreachable, p.name)
		}
	}
	b.mu.Unlock()
	annotations := map[string]string{contract.AnnotationPeerProtocols: stated(b.protocols)}
	for name, values := range map[string][]string{
		contract.AnnotationIntroducedPeers: introduced, contract.AnnotationUnreachablePeers: unreachable,
	} {
		if len(values) > 0 {
			slices.Sort(values)
			annotations[name] = strings.Join(values, ",")
		}
	}
	return annotations
}
