package contract

import (
	"maps"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Every server pod keeps a Lease that is named like the pod and has LabelTenant
// and LabelLease. It writes the Lease before it answers anything, renews it, and
// deletes it after its last answer. Nobody else does, except that a Lease that has
// run out is tidied away, that a pod which cannot be reached otherwise is introduced to in
// its Lease, and that all go with the ScimTenant: as long as there is
// a Lease that has not run out, its pod may be answering requests. That is why the
// pod does not own it: of a pod that is deleted by force, the process may live on.
//
// The pod states in an annotation up to which revision it goes by the ScimCredentials
// (AnnotationCredentialsRevision), which is how the operator knows that a token works, or no
// longer works, everywhere. In others it states how the other pods reach it (internal/readindex), and
// whom it cannot reach (see AnnotationUnreachablePeers).
const (
	// AnnotationPeerAddress, on the Lease of a server pod, is the address and
	// port at which the other pods of the tenant reach it.
	AnnotationPeerAddress = "scim.kubescim.dev/peer-address"
	// AnnotationPeerFingerprint, on the Lease of a server pod, is the SHA-256 of
	// the certificate by which the other pods know it, in hexadecimal digits.
	AnnotationPeerFingerprint = "scim.kubescim.dev/peer-fingerprint"

	// ReplicaLeaseDuration is how long a pod counts as alive after a renewal.
	// For as long, a pod that died without giving notice holds up the revocation
	// of a key, and the other pods read from the API server. The pod itself
	// counts on two thirds of it, which leaves it two renewals and their
	// repetitions.
	ReplicaLeaseDuration = 15 * time.Second
	// ReplicaLeaseRenewal is how often a pod renews its Lease. Each renewal is a
	// write to etcd, so that it should not be more often than needed.
	ReplicaLeaseRenewal = ReplicaLeaseDuration / 3
)

// ReplicaObserver knows which server pods are alive by having seen their Leases renewed,
// as client-go's leader election knows a leader. How the clocks of pods are set does not
// matter: the renewTime is compared with what it was, and never with a clock. It is safe
// for concurrent use; the zero value has seen nothing.
type ReplicaObserver struct {
	mu     sync.Mutex
	seen   map[types.NamespacedName]renewal
	pruned time.Time
}

// renewal is the last renewal of a Lease that was seen, and when.
type renewal struct {
	uid   types.UID
	at    metav1.MicroTime // by the pod's clock
	since time.Time        // by the observer's
}

// observerMemory is for how long a Lease is remembered that is not renewed. One that has
// been forgotten counts as alive once more for as long as its duration.
const observerMemory = time.Hour

// Live returns the Leases of those server pods that may be alive: all but those that were
// seen, by earlier calls, to be the same for their whole duration. So a pod that is dead
// counts as alive until it has been looked at for that long. now is when the Leases had
// been read, by a clock that is not set.
func (o *ReplicaObserver) Live(leases []coordinationv1.Lease, now time.Time) []coordinationv1.Lease {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.prune(now)
	var live []coordinationv1.Lease
	for _, lease := range leases {
		if isReplica(lease) && !o.ranOut(lease, now) {
			live = append(live, lease)
		}
	}
	return live
}

func (o *ReplicaObserver) ranOut(lease coordinationv1.Lease, now time.Time) bool {
	key := types.NamespacedName{Namespace: lease.Namespace, Name: lease.Name}
	seen, known := o.seen[key]
	if !known || seen.uid != lease.UID || !seen.at.Equal(lease.Spec.RenewTime) {
		o.seen[key] = renewal{uid: lease.UID, at: *lease.Spec.RenewTime, since: now}
		return false
	}
	return now.Sub(seen.since) >= time.Duration(*lease.Spec.LeaseDurationSeconds)*time.Second
}

// prune forgets, from time to time, what has not been renewed for long.
func (o *ReplicaObserver) prune(now time.Time) {
	if o.seen == nil {
		o.seen = map[types.NamespacedName]renewal{}
	}
	if now.Sub(o.pruned) < observerMemory {
		return
	}
	o.pruned = now
	maps.DeleteFunc(o.seen, func(_ types.NamespacedName, seen renewal) bool { return now.Sub(seen.since) >= observerMemory })
}

// isReplica reports whether the Lease is one that a server pod holds.
func isReplica(lease coordinationv1.Lease) bool {
	return lease.Labels[scimv1alpha1.LabelLease] == scimv1alpha1.LeaseReplica &&
		lease.Spec.RenewTime != nil && lease.Spec.LeaseDurationSeconds != nil
}

// Acknowledging returns how many of the server pods that are alive go by the
// ScimCredentials of their namespace of resourceVersion credentials or by newer ones. With
// none, "", there is nothing that a pod must have seen. Pods of the release before go by
// a Secret: see goesBy.
func Acknowledging(live []coordinationv1.Lease, credentials, verifiers string) (acknowledging int) {
	for _, lease := range live {
		if GoesByVerifiers(lease) && goesBy(lease, verifiers) ||
			!GoesByVerifiers(lease) && (credentials == "" || reached(lease.Annotations[AnnotationCredentialsRevision], credentials)) {
			acknowledging++
		}
	}
	return acknowledging
}

// reached reports whether a pod that goes by version has seen wanted. A value
// that is no resourceVersion has reached nothing.
func reached(version, wanted string) bool {
	order, err := resourceversion.CompareResourceVersion(version, wanted)
	return err == nil && order >= 0
}
