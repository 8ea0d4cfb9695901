package running

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
)

// Available reports whether the server answers.
func (s *Server) Available() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionServerAvailable
	wanted := s.Spec.WantedReplicas()
	switch d := s.Deployment; {
	case (apply.IsContested(s.Problem) || apply.IsInvalid(s.Problem)) && d != nil && d.Status.ReadyReplicas > 0:
		return conditions.True(conditionType, apply.ReasonOf(s.Problem), s.Problem.Error())
	case s.Problem != nil:
		return conditions.False(conditionType, apply.ReasonOf(s.Problem), s.Problem.Error())
	case d == nil && len(s.Refused) > 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonNotAllowed, "the server's Deployment is not written: "+config.Refusal(s.Refused...))
	case d == nil:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed, "the server's Deployment could not be written; this is retried")
	case d.Spec.Paused && !s.RolledOut():
		return rolloutPaused(s)
	case d.Status.ReadyReplicas == 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonServerUnavailable, fmt.Sprintf(
			"no server replica of %d is ready%s; if that lasts, see the events of its pods: kubectl describe pods -n %s -l %s",
			wanted, trouble(s), s.Namespace(), labels.Set(s.Selector)))
	case !s.RolledOut():
		return conditions.True(conditionType, scimv1alpha1.ReasonServerRollingOut, progressOf(s)+trouble(s))
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("all %d server replicas are ready", wanted))
	}
}

// rolloutPaused is about a Deployment that somebody has paused, which the operator
// respects: it may be for a reason.
func rolloutPaused(s *Server) metav1.Condition {
	d := s.Deployment
	message := fmt.Sprintf("Deployment %s is paused while %s: let it go on with kubectl rollout resume deployment/%s -n %s",
		d.Name, progressOf(s), d.Name, d.Namespace)
	if d.Status.ReadyReplicas == 0 {
		return conditions.False(scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonRolloutPaused, message)
	}
	return conditions.True(scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonRolloutPaused, message)
}

// namedPairs bounds how many pairs of pods a message names.
const namedPairs = 3

// Connected reports whether the server's pods reach each other. They serve all
// the same when they do not, at a price.
func (s *Server) Connected() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionReplicasConnected
	if len(s.Unreachable) == 0 {
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "no server replica complains that it cannot reach another one")
	}
	var pairs []string
	for _, u := range s.Unreachable[:min(len(s.Unreachable), namedPairs)] {
		pairs = append(pairs, fmt.Sprintf("pod %s cannot reach pod %s", u.From, u.To))
	}
	if more := len(s.Unreachable) - len(pairs); more > 0 {
		pairs = append(pairs, fmt.Sprintf("and %d more", more))
	}
	return conditions.False(conditionType, scimv1alpha1.ReasonPeersUnreachable, fmt.Sprintf(
		"%s at port %d, so that every read is one of the API server: allow that port between the server's pods, in NetworkPolicies and firewalls",
		strings.Join(pairs, ", "), contract.PortPeers))
}

// Replicas says how many of the wanted pods are ready, as in 2/2. There must be a Deployment.
func (s *Server) Replicas() string {
	return fmt.Sprintf("%d/%d", s.Deployment.Status.ReadyReplicas, s.Spec.WantedReplicas())
}

// UpToDate reports whether the server's pods are of the operator's release and
// configuration. Others are not named: they are those of other people.
func (s *Server) UpToDate() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionUpToDate
	switch {
	case s.Waiting != nil && s.Waiting.Halted:
		return conditions.False(conditionType, scimv1alpha1.ReasonRolloutHalted,
			"the server serves as it is: the servers that got what is new with the operator first do not become ready, so that no more get it; whoever runs the operator has to see why")
	case s.Waiting != nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonWaitingForRollout,
			"the server serves as it is, and gets what is new with the operator in its turn: a few servers at a time do")
	case s.Deployment == nil || s.Problem != nil || len(s.Refused) > 0:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonNotWritten, "the server's Deployment is not written: see Ready")
	case !s.RolledOut():
		return conditions.False(conditionType, scimv1alpha1.ReasonServerRollingOut, "the pods of the server are coming: see ServerAvailable")
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "the pods of the server are what this operator and its configuration make of the spec")
	}
}
