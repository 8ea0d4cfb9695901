package scimtenant

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

// namedPairs bounds how many pairs of pods a message names.
const namedPairs = 3

// replicasConnected reports whether the server's pods reach each other. They serve all
// the same when they do not, at a price.
func replicasConnected(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionReplicasConnected
	if len(s.unreachable) == 0 {
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "no server replica complains that it cannot reach another one")
	}
	var pairs []string
	for _, u := range s.unreachable[:min(len(s.unreachable), namedPairs)] {
		pairs = append(pairs, fmt.Sprintf("pod %s cannot reach pod %s", u.From, u.To))
	}
	if more := len(s.unreachable) - len(pairs); more > 0 {
		pairs = append(pairs, fmt.Sprintf("and %d more", more))
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonPeersUnreachable, fmt.Sprintf(
		"%s at port %d, so that every read is one of the API server: allow that port between the tenant's pods, in NetworkPolicies and firewalls",
		strings.Join(pairs, ", "), contract.PortPeers))
}
