package operand

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Every server pod keeps a Lease that is named like the pod, is owned by it and
// has LabelTenant and LabelLease. The pod renews it, and states in an
// annotation which version of the verifiers Secret it goes by. That is how the
// operator knows that a token works, or no longer works, everywhere.
const (
	// AnnotationVerifiersVersion, on the Lease of a server pod, is the
	// resourceVersion of the verifiers Secret whose content the pod is using.
	// The pod updates it at once when that changes.
	AnnotationVerifiersVersion = "scim.kubescim.dev/verifiers-version"
	// NoVerifiers is the value of AnnotationVerifiersVersion when the Secret
	// does not exist.
	NoVerifiers = "0"

	// ReplicaLeaseDuration is how long a pod counts as alive after a renewal.
	ReplicaLeaseDuration = 30 * time.Second
	// ReplicaLeaseRenewal is how often a pod renews its Lease.
	ReplicaLeaseRenewal = 10 * time.Second
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
