package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/util/flowcontrol"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

var (
	errNoReplica = errors.New("what it says of itself is not what stands in the Lease of a replica of that name")
	errNoName    = errors.New("the name is not that of another pod")
)

// leases are those of a server's replicas, at the API server.
type leases struct {
	client client.Client
	pod    Pod // the own one
	labels client.MatchingLabels
	call   time.Duration // bounds a call
	// lookups bounds how often the API server is asked about those who dial.
	lookups flowcontrol.RateLimiter
}

// list returns the Leases of the other replicas.
func (l *leases) list(ctx context.Context) ([]readindex.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, l.call)
	defer cancel()
	found := &coordinationv1.LeaseList{}
	err := l.client.List(ctx, found, client.InNamespace(l.pod.Namespace), l.labels, client.Limit(readindex.MaxPeers+1))
	if err != nil {
		return nil, fmt.Errorf("listing the Leases of the other replicas: %w", err)
	}
	if found.Continue != "" {
		return nil, readindex.ErrTooMany
	}
	var others []readindex.Lease
	for i := range found.Items {
		if found.Items[i].Name == l.pod.Name {
			continue
		}
		other, err := leaseOf(&found.Items[i])
		if err != nil {
			return nil, err
		}
		others = append(others, other)
	}
	return others, nil
}

// lookUp reads the Lease of who dials and is not known.
func (l *leases) lookUp(ctx context.Context, name string) (readindex.Lease, error) {
	if err := l.lookups.Wait(ctx); err != nil {
		return readindex.Lease{}, fmt.Errorf("waiting for a turn to look who dials: %w", err)
	}
	return l.ofOther(ctx, name)
}

// ofOther returns the Lease of another replica of the tenant, by the name that it has
// given itself.
func (l *leases) ofOther(ctx context.Context, name string) (readindex.Lease, error) {
	if err := checkName(name); err != nil || name == l.pod.Name {
		return readindex.Lease{}, errNoName
	}
	lease, err := getLease(ctx, l.client, client.ObjectKey{Namespace: l.pod.Namespace, Name: name})
	if err != nil {
		return readindex.Lease{}, err
	}
	if !isReplicaOf(l.labels, lease) {
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

// of returns the Lease of a peer, and what it states; nil when there is none.
func (l *leases) of(ctx context.Context, name string) (*coordinationv1.Lease, *readindex.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, l.call)
	defer cancel()
	found, err := getLease(ctx, l.client, client.ObjectKey{Namespace: l.pod.Namespace, Name: name})
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	lease, err := leaseOf(found)
	return found, &lease, err
}

// introduce writes introductions into a Lease, unless it has changed.
func (l *leases) introduce(ctx context.Context, lease *coordinationv1.Lease, introductions []string) error {
	lease.Annotations[contract.AnnotationPeerIntroductions] = strings.Join(introductions, ",")
	ctx, cancel := context.WithTimeout(ctx, l.call)
	defer cancel()
	if err := l.client.Update(ctx, lease); err != nil {
		return fmt.Errorf("writing an introduction into its Lease: %w", err)
	}
	return nil
}
