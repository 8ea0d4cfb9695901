package contract

import coordinationv1 "k8s.io/api/coordination/v1"

// AnnotationFencesMembers is on the Lease of a server pod, and says that the pod, when it removes a
// member of a large group, writes the object that the member is for, even if that does not list
// it (internal/store/kubernetes/slice). Members are moved from object to object only while the
// Leases of all pods say so, since one of the release before would not notice. What is here goes
// with that.
const AnnotationFencesMembers = "scim.kubescim.dev/fences-members"

// AllFenceMembers reports whether the Leases, which are all that server pods of a namespace
// hold, say that members may be moved.
func AllFenceMembers(leases []coordinationv1.Lease) bool {
	for _, lease := range leases {
		if isReplica(lease) && lease.Annotations[AnnotationFencesMembers] == "" {
			return false
		}
	}
	return true
}
