package contract

import (
	"cmp"
	"slices"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// The pods of a tenant ask each other at their peer ports (internal/readindex). Pods that
// cannot, because a NetworkPolicy or a firewall drops the packets, serve all the same: a
// pod that cannot be heard by another one introduces itself in that one's Lease, and from
// then on both read at the API server. That is correct and costly, so that they say it:
//
//   - AnnotationUnreachablePeers is on the Lease of each pod that cannot reach another one
//     although that one has renewed its Lease meanwhile. UnreachablePeers reads it.
//   - A pod that is about to be given up, since its Lease is not renewed, is in no such
//     list, nor is one that has been unreachable for less than ReplicaLeaseDuration.
//
// What a ScimTenant may say of it: "its pods cannot reach each other at port 8082, so that
// every read is one of the API server; allow that port between them".
const (
	// AnnotationPeerProtocols, on the Lease of a server pod, has the versions of the
	// protocol between pods that it speaks, as numbers with commas between them. A pod
	// with a peer address and without it is of an older release, which speaks 1 alone and
	// cannot be introduced to.
	AnnotationPeerProtocols = "scim.kubescim.dev/peer-protocols"
	// AnnotationPeerIntroductions, on the Lease of a server pod, is written by others
	// that cannot reach it: "name/token" of each, with commas between them. The pod takes
	// it off when it next renews its Lease.
	AnnotationPeerIntroductions = "scim.kubescim.dev/peer-introductions"
	// AnnotationIntroducedPeers, on the Lease of a server pod, has the tokens of those
	// whose introduction it has read, and whom it asks, or reads at the API server.
	AnnotationIntroducedPeers = "scim.kubescim.dev/introduced-peers"
	// AnnotationUnreachablePeers, on the Lease of a server pod, has the names of the pods
	// that it cannot reach although they are alive, with commas between them. It is absent
	// while there are none.
	AnnotationUnreachablePeers = "scim.kubescim.dev/unreachable-peers"
)

// Unreachable says that one server pod cannot reach another one, which is alive.
type Unreachable struct{ From, To string }

// UnreachablePeers returns what the Leases of server pods say of whom they cannot reach,
// in order. The Leases must be those of LiveReplicas: a dead pod's says what was.
func UnreachablePeers(leases []coordinationv1.Lease) []Unreachable {
	var found []Unreachable
	for _, lease := range leases {
		for _, to := range split(lease.Annotations[AnnotationUnreachablePeers]) {
			found = append(found, Unreachable{From: lease.Name, To: to})
		}
	}
	slices.SortFunc(found, func(a, b Unreachable) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To))
	})
	return found
}

// split returns the parts of an annotation's value that has commas between them.
func split(value string) []string {
	if value == "" {
		return nil
	}
	return strings.Split(value, ",")
}
