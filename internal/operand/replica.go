package operand

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Every server pod keeps a Lease that is named like the pod and has LabelTenant
// and LabelLease. It writes the Lease before it answers anything, renews it, and
// deletes it after its last answer. Nobody else does, except that a Lease that has
// run out is tidied away, and that all go with the ScimTenant: as long as there is
// a Lease that has not run out, its pod may be answering requests. That is why the
// pod does not own it: of a pod that is deleted by force, the process may live on.
//
// The pod states in an annotation which version of the verifiers Secret it goes
// by, which is how the operator knows that a token works, or no longer works,
// everywhere. In two others it states how the other pods reach it
// (internal/barrier).
const (
	// AnnotationVerifiersVersion, on the Lease of a server pod, is the
	// resourceVersion of the verifiers Secret whose content the pod is using.
	// The pod updates it at once when that changes. It is absent until the pod
	// has read the Secret for the first time.
	AnnotationVerifiersVersion = "scim.kubescim.dev/verifiers-version"
	// NoVerifiers is the value of AnnotationVerifiersVersion when the Secret
	// does not exist.
	NoVerifiers = "0"

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

// LiveReplicas returns the Leases of those server pods that were alive within
// their Lease's duration.
func LiveReplicas(leases []coordinationv1.Lease, now time.Time) []coordinationv1.Lease {
	var live []coordinationv1.Lease
	for _, lease := range leases {
		if isLive(lease, now) {
			live = append(live, lease)
		}
	}
	return live
}

// Accepting returns how many server pods are alive, and how many of them go by
// the verifiers Secret of resourceVersion version or by a newer one. With
// NoVerifiers for version, those count that know that there is no Secret.
func Accepting(leases []coordinationv1.Lease, version string, now time.Time) (accepting, live int) {
	for _, lease := range LiveReplicas(leases, now) {
		live++
		if reached(lease.Annotations[AnnotationVerifiersVersion], version) {
			accepting++
		}
	}
	return accepting, live
}

// AllAccept reports whether every server pod that is alive goes by the verifiers
// Secret of resourceVersion version. It is true when no pod is alive.
func AllAccept(leases []coordinationv1.Lease, version string, now time.Time) bool {
	accepting, live := Accepting(leases, version, now)
	return accepting == live
}

func isLive(lease coordinationv1.Lease, now time.Time) bool {
	if lease.Labels[scimv1alpha1.LabelLease] != scimv1alpha1.LeaseReplica ||
		lease.Spec.RenewTime == nil || lease.Spec.LeaseDurationSeconds == nil {
		return false
	}
	duration := time.Duration(*lease.Spec.LeaseDurationSeconds) * time.Second
	return now.Before(lease.Spec.RenewTime.Add(duration))
}

// reached reports whether a pod that goes by version has seen wanted. A value
// that is no resourceVersion has reached nothing.
func reached(version, wanted string) bool {
	if wanted == NoVerifiers || version == NoVerifiers {
		return version == wanted
	}
	order, err := resourceversion.CompareResourceVersion(version, wanted)
	return err == nil && order >= 0
}
