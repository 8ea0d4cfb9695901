package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

var (
	errNoReplica = errors.New("what it says of itself is not what stands in the Lease of a replica of that name")
	errNoName    = errors.New("the name is not that of another pod")
)

// list returns the Leases of the other replicas.
func (r *Replica) list(ctx context.Context) ([]readindex.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	leases := &coordinationv1.LeaseList{}
	err := r.client.List(ctx, leases, client.InNamespace(r.pod.Namespace), client.MatchingLabels{
		v1alpha1.LabelTenant: r.tenant, v1alpha1.LabelLease: v1alpha1.LeaseReplica,
	}, client.Limit(readindex.MaxPeers+1))
	if err != nil {
		return nil, fmt.Errorf("listing the Leases of the other replicas: %w", err)
	}
	if leases.Continue != "" {
		return nil, readindex.ErrTooMany
	}
	var others []readindex.Lease
	for i := range leases.Items {
		if leases.Items[i].Name == r.pod.Name {
			continue
		}
		other, err := leaseOf(&leases.Items[i])
		if err != nil {
			return nil, err
		}
		others = append(others, other)
	}
	return others, nil
}

// lookUp reads the Lease of who dials and is not known.
func (r *Replica) lookUp(ctx context.Context, name string) (readindex.Lease, error) {
	if err := r.lookups.Wait(ctx); err != nil {
		return readindex.Lease{}, fmt.Errorf("waiting for a turn to look who dials: %w", err)
	}
	return r.leaseOfOther(ctx, name)
}

// leaseOfOther returns the Lease of another replica of the tenant, by the name that it has
// given itself.
func (r *Replica) leaseOfOther(ctx context.Context, name string) (readindex.Lease, error) {
	if err := checkName(name); err != nil || name == r.pod.Name {
		return readindex.Lease{}, errNoName
	}
	lease, err := getLease(ctx, r.client, client.ObjectKey{Namespace: r.pod.Namespace, Name: name})
	if err != nil {
		return readindex.Lease{}, err
	}
	if !isReplicaOf(r.tenant, lease) {
		return readindex.Lease{}, errNoReplica
	}
	return leaseOf(lease)
}

// checkName checks that a name can be that of a pod.
func checkName(name string) error {
	if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
		return errNoName
	}
	return nil
}

// lookAtLease looks at the Lease of a peer that could not be reached for some time.
func (r *Replica) lookAtLease(ctx context.Context, p *peer) {
	found, lease, err := r.readPeerLease(ctx, p)
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	p.lease = found
	r.stepLocked(readindex.PeerLease{Peer: p.id, Lease: lease, Err: err})
}

func (r *Replica) readPeerLease(ctx context.Context, p *peer) (*coordinationv1.Lease, *readindex.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	found, err := getLease(ctx, r.client, client.ObjectKey{Namespace: r.pod.Namespace, Name: p.name})
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	lease, err := leaseOf(found)
	return found, &lease, err
}

// introduce writes introductions into the Lease of a peer, unless it has changed.
func (r *Replica) introduce(ctx context.Context, p *peer, introductions []string) {
	r.mu.Lock()
	wanted := p.lease.DeepCopy()
	r.mu.Unlock()
	wanted.Annotations[contract.AnnotationPeerIntroductions] = strings.Join(introductions, ",")
	calling, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	if err := r.client.Update(calling, wanted); err != nil && ctx.Err() == nil {
		r.logger.Warn("introducing this replica to one that cannot be reached failed and is tried again",
			slog.String("replica", p.name), slog.Any("error", fmt.Errorf("writing an introduction into its Lease: %w", err)))
	}
	r.end(ctx, readindex.IntroductionWritten{Peer: p.id})
}

// tidy deletes a Lease that has run out, so that no newcomer waits for it.
func (r *Replica) tidy(ctx context.Context, lease *coordinationv1.Lease) {
	ctx, cancel := context.WithTimeout(ctx, r.timing.Call)
	defer cancel()
	if err := deleteLease(ctx, r.client, lease); err != nil {
		r.logger.Warn("tidying a Lease away failed", slog.String("replica", lease.Name), slog.Any("error", err))
	}
}
