package scimtenant

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// actionMove is the action of the events about moves.
const actionMove = "Move"

// moved says how far the tenant has come to the server that its spec asks for; nil of one that was
// never moved.
func (s *scope) moved() *metav1.Condition {
	const conditionType = scimv1alpha1.ConditionMoved
	before := meta.FindStatusCondition(s.tenant.Status.Conditions, conditionType)
	switch {
	case s.obstacle != nil:
		return s.obstacle
	case len(s.listed) == 0, s.settled() && before == nil:
		return nil
	}
	wait, about := moving.Waits(s.next, s.targetName())
	if wait == moving.WaitNone {
		return ptr.To(conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "the tenant is served by "+nounOf(s.target)))
	}
	return ptr.To(conditions.False(conditionType, scimv1alpha1.ReasonMoving, fmt.Sprintf(
		"the tenant is being moved to %s, and is served meanwhile: waiting until %s", nounOf(s.target), s.waitsFor(wait, about))))
}

// waitsFor says what is waited for. It names no pods, and counts none, but those that keep a move waiting
// for long: each change of the text is one of the tenant, which all pods have to acknowledge again.
func (s *scope) waitsFor(wait moving.Wait, about string) string {
	server := nounOf(s.find(about))
	switch wait {
	case moving.WaitMemory:
		return "no replica of " + server + " reads from memory any more"
	case moving.WaitServing:
		return "all replicas of " + server + " serve it"
	case moving.WaitIdle:
		if first := s.first(); s.endpoint.Accepted().Status == metav1.ConditionFalse && !s.endpoint.LeadsTo(first.operand().Name) {
			return "what publishes the host leads to " + nounOf(first) + ", about which see EndpointAccepted"
		}
		idle := fmt.Sprintf("no request has come to %s for %d s", server, int(s.own.reconciler.IdleBeforeOff.Seconds()))
		if s.callers != "" {
			return idle + "; " + s.callers
		}
		return idle
	default:
		return "all replicas of other servers have acknowledged that they do not serve it any more"
	}
}

// nounOf is what people call a server of a tenant.
func nounOf(one server) string {
	if shared, is := one.(*sharedServer); is {
		return fmt.Sprintf("ScimServer %q", shared.name)
	}
	return "its own server"
}

// movedEvents tells that a move has begun, waits or has ended, after the conditions were as they were
// before. It is a warning of what waits for somebody, unless Ready tells that, and not of what passes.
func movedEvents(before []metav1.Condition, after *scimv1alpha1.ScimTenant, ready conditions.Summary) []reconcile.Event {
	was := meta.FindStatusCondition(before, scimv1alpha1.ConditionMoved)
	now := meta.FindStatusCondition(after.Status.Conditions, scimv1alpha1.ConditionMoved)
	if now == nil || was != nil && was.Status == now.Status && was.Reason == now.Reason {
		return nil
	}
	kind := corev1.EventTypeNormal
	if needsSomebody(now.Reason) {
		if ready.Reason == now.Reason {
			return nil
		}
		kind = corev1.EventTypeWarning
	}
	return []reconcile.Event{{Type: kind, Reason: now.Reason, Action: actionMove, Note: now.Message}}
}

// stays is the condition of a tenant that is not moved.
func stays(s *scope, reason, message string) *metav1.Condition {
	return ptr.To(conditions.False(scimv1alpha1.ConditionMoved, reason,
		fmt.Sprintf("the tenant is served by %s and cannot be moved to %s: %s", nounOf(s.first()), nounOf(s.target), message)))
}
