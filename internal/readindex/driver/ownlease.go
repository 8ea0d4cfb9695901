package driver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

// errReplaced ends a replica: there is another process in its pod.
var errReplaced = errors.New("another process has taken the replica's Lease over: only one may run in a pod")

// ownLease is the Lease of this replica. It has one user at a time.
type ownLease struct {
	client   client.Client
	pod      Pod
	tenant   string // empty for a server of many
	labels   client.MatchingLabels
	duration time.Duration
	contact  readindex.Contact
	states   func() map[string]string // the annotations besides the contact
	now      func() time.Duration
	// changed is told of the Lease when somebody else has written to it.
	changed func(context.Context, *coordinationv1.Lease)
	// rewound is set when the Lease was seen at a lower resourceVersion than before;
	// history is how many rewritten histories were known when it was written last.
	rewound bool
	history uint64
	highest uint64 // resourceVersion
	renewed time.Time
	// current is the Lease as this process wrote it last; nil before it has, and
	// after somebody has deleted it.
	current *coordinationv1.Lease
	// earlier is what is seen of the Lease of another pod of the same name.
	earlier readindex.Observation
}

// write says that the replica is alive, and what it states. fresh is true when the
// Lease was not held without a break since the last write.
func (l *ownLease) write(ctx context.Context) (fresh bool, err error) {
	if l.current == nil {
		return true, l.acquire(ctx)
	}
	err = l.put(ctx, l.current)
	if apierrors.IsConflict(err) {
		if err = l.reread(ctx); err == nil {
			l.changed(ctx, l.current)
			err = l.put(ctx, l.current)
		}
	}
	if apierrors.IsNotFound(err) {
		l.current = nil
		return true, l.acquire(ctx)
	}
	return false, err
}

// saw notes at which resourceVersion the Lease is. Each write makes it higher, unless
// etcd was restored to an older state.
func (l *ownLease) saw(lease *coordinationv1.Lease) {
	revision, err := strconv.ParseUint(lease.ResourceVersion, 10, 64)
	if err != nil {
		return
	}
	l.rewound = l.rewound || revision < l.highest
	l.highest = revision
}

// reread finds out who wrote to the Lease since: this process, to whom the answer
// was lost, somebody who has put a label on it, or another process in the pod.
func (l *ownLease) reread(ctx context.Context) error {
	found, err := getLease(ctx, l.client, l.key())
	if err != nil {
		return err
	}
	if contactOf(found) != l.contact {
		return errReplaced
	}
	l.saw(found)
	l.current = found
	return nil
}

// acquire makes the Lease, or takes it over from an earlier process in the pod,
// which is dead. One of another pod of the same name must run out first.
func (l *ownLease) acquire(ctx context.Context) error {
	look := readindex.Look{Began: l.now()}
	found, err := getLease(ctx, l.client, l.key())
	look.Ended = l.now()
	switch {
	case apierrors.IsNotFound(err):
		owner, err := l.owner(ctx)
		if err != nil {
			return err
		}
		return l.put(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
			Namespace: l.pod.Namespace, Name: l.pod.Name, OwnerReferences: owner,
		}})
	case err != nil:
		return err
	case ptr.Deref(found.Spec.HolderIdentity, "") != l.holder() && !l.ranOut(found, look):
		return errors.New("waiting until the Lease of an earlier pod of the same name has run out")
	}
	return l.put(ctx, found)
}

// ranOut reports whether the Lease of another pod of the same name has run out.
func (l *ownLease) ranOut(found *coordinationv1.Lease, look readindex.Look) bool {
	earlier := readindex.Lease{Renewal: renewalOf(found), Duration: durationOf(found)}
	return l.earlier.RanOut(&earlier, look)
}

// put writes the Lease, which has a resourceVersion if it exists.
func (l *ownLease) put(ctx context.Context, lease *coordinationv1.Lease) error {
	wanted := lease.DeepCopy()
	wanted.Labels = maps.Clone(map[string]string(l.labels))
	wanted.Annotations = l.states()
	wanted.Annotations[contract.AnnotationPeerAddress] = l.contact.Address
	wanted.Annotations[contract.AnnotationPeerFingerprint] = l.contact.Fingerprint.String()
	wanted.Spec = coordinationv1.LeaseSpec{
		HolderIdentity:       ptr.To(l.holder()),
		LeaseDurationSeconds: ptr.To(int32(l.duration / time.Second)),
		RenewTime:            ptr.To(metav1.NewMicroTime(l.renewal())),
	}
	var err error
	if wanted.ResourceVersion == "" {
		err = l.client.Create(ctx, wanted)
	} else {
		err = l.client.Update(ctx, wanted)
	}
	if err != nil {
		return fmt.Errorf("writing the replica's Lease: %w", err)
	}
	l.saw(wanted)
	l.current = wanted
	return nil
}

// renewal is the time of a renewal. No two are the same, since that is by which the
// others see that the Lease was renewed.
func (l *ownLease) renewal() time.Time {
	now := time.Now().Truncate(time.Microsecond)
	if !now.After(l.renewed) {
		now = l.renewed.Add(time.Microsecond)
	}
	l.renewed = now
	return now
}

// owner makes the Lease go with the ScimTenant. The pod would be the wrong owner:
// its process may live on after it (contract.ReplicaObserver). That of a server of many has none:
// it ends by itself, and whoever comes next tidies it away.
func (l *ownLease) owner(ctx context.Context) ([]metav1.OwnerReference, error) {
	if l.tenant == "" {
		return nil, nil
	}
	tenant := &scimv1alpha1.ScimTenant{}
	err := l.client.Get(ctx, client.ObjectKey{Namespace: l.pod.Namespace, Name: l.tenant}, tenant)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the ScimTenant: %w", err)
	}
	return []metav1.OwnerReference{{
		APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimTenant", Name: tenant.Name, UID: tenant.UID,
	}}, nil
}

// giveUp deletes the Lease, so that nobody waits for this replica.
func (l *ownLease) giveUp(ctx context.Context) error {
	if l.current == nil {
		// The first write may have been broken off after it was done.
		err := l.reread(ctx)
		if apierrors.IsNotFound(err) || errors.Is(err, errReplaced) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	err := deleteLease(ctx, l.client, l.current)
	if apierrors.IsConflict(err) {
		// The last renewal may have been broken off after it was done.
		if err = l.reread(ctx); err == nil {
			err = deleteLease(ctx, l.client, l.current)
		}
	}
	return err
}

func (l *ownLease) key() client.ObjectKey {
	return client.ObjectKey{Namespace: l.pod.Namespace, Name: l.pod.Name}
}

// holder tells pods of the same name apart.
func (l *ownLease) holder() string { return l.pod.Name + "_" + l.pod.UID }
