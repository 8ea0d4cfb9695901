package scimtenant

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// state writes into the tenant's status what the scope has found, and returns what to
// tell: about seats, and what Ready says.
func (s *scope) state(failure error) []reconcile.Event {
	s.failure = failure
	before := slices.Clone(s.tenant.Status.Conditions)
	ready, changed := setStatus(s)
	events := seatsEvents(before, s.tenant)
	if changed {
		events = append(events, reconcile.ReadyEvent(ready))
	}
	return events
}

// setStatus writes into the tenant's status what the scope has found. It returns what
// Ready says, and whether that has changed.
func setStatus(s *scope) (ready conditions.Summary, changed bool) {
	status := &s.tenant.Status
	if s.failure == nil {
		status.ObservedGeneration = s.tenant.Generation
	}
	found := conditionsOf(s)
	ready = decideReady(s, found)
	if !s.tenant.DeletionTimestamp.IsZero() {
		return ready, conditions.Set(s.tenant, ready, conditions.False(
			scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonDeleting, "the server is stopped, since the tenant is being deleted"))
	}
	if !s.gathered { // a failure came first
		return ready, conditions.Set(s.tenant, ready)
	}
	status.URL = urlOf(s)
	if s.deployment != nil {
		status.ServerReplicas = fmt.Sprintf("%d/%d", s.deployment.Status.ReadyReplicas, s.tenant.Replicas())
		status.Replicas, status.Selector = s.deployment.Status.Replicas, labels.Set(s.server.Selector).String()
	}
	status.State = s.tenant.State()
	if s.usage != nil {
		setUsage(s.tenant, *s.usage)
	}
	setSeats(s.tenant)
	if !s.server.Spec.Autoscaling.Enabled() {
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionAutoscaled)
	}
	return ready, conditions.Set(s.tenant, ready, found.all()...)
}

// found are the conditions of a tenant, apart from those that decideReady makes of them.
type found struct {
	server, connected, allowed, endpoint, certificate, confirmed, schemas metav1.Condition
	// autoscaled is nil for a server without autoscaling.
	autoscaled *metav1.Condition
}

// conditionsOf judges what the scope has found, once in a pass.
func conditionsOf(s *scope) found {
	return found{
		server: serverAvailable(s), connected: replicasConnected(s), allowed: specAllowed(s), endpoint: endpointAccepted(s),
		certificate: certificateValid(s), confirmed: endpointConfirmed(s), schemas: schemasAccepted(s),
		autoscaled: autoscaled(s),
	}
}

func (f found) all() []metav1.Condition {
	all := []metav1.Condition{f.server, f.connected, f.allowed, f.endpoint, f.certificate, f.confirmed, f.schemas}
	if f.autoscaled != nil {
		all = append(all, *f.autoscaled)
	}
	return all
}

// urlOf returns the URL to publish. Tokens are sent there: it is that of the Ingress
// as it is, and never one that the spec asks for and another tenant may hold.
func urlOf(s *scope) string {
	switch {
	case s.tenant.Spec.Endpoint.Host == "":
		return contract.URL(s.tenant)
	case s.ingress == nil:
		return ""
	default:
		return operand.PublishedURL(s.ingress)
	}
}

// serverAvailable reports whether the SCIM server answers.
func serverAvailable(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionServerAvailable
	wanted := s.tenant.Replicas()
	switch d := s.deployment; {
	case (isContested(s.serverProblem) || isInvalid(s.serverProblem)) && d != nil && d.Status.ReadyReplicas > 0:
		return conditions.True(conditionType, reasonOf(s.serverProblem), s.serverProblem.Error())
	case s.serverProblem != nil:
		return conditions.False(conditionType, reasonOf(s.serverProblem), s.serverProblem.Error())
	case d == nil && len(s.refused.server) > 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonNotAllowed, "the server's Deployment is not written: "+s.refused.String())
	case d == nil:
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed, "the server's Deployment could not be written; this is retried")
	case d.Spec.Paused && !rolledOut(d, wanted):
		return rolloutPaused(s)
	case d.Status.ReadyReplicas == 0:
		return conditions.False(conditionType, scimv1alpha1.ReasonServerUnavailable, fmt.Sprintf(
			"no server replica of %d is ready%s; if that lasts, see the events of its pods: kubectl describe pods -n %s -l %s=%s",
			wanted, trouble(s), s.tenant.Namespace, operand.LabelInstance, s.tenant.Name))
	case !rolledOut(d, wanted):
		return conditions.True(conditionType, scimv1alpha1.ReasonServerRollingOut, progressOf(s)+trouble(s))
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("all %d server replicas are ready", wanted))
	}
}

// rolloutPaused is about a Deployment that somebody has paused, which the operator
// respects: it may be for a reason.
func rolloutPaused(s *scope) metav1.Condition {
	d := s.deployment
	message := fmt.Sprintf("Deployment %s is paused while %s: let it go on with kubectl rollout resume deployment/%s -n %s",
		d.Name, progressOf(s), d.Name, d.Namespace)
	if d.Status.ReadyReplicas == 0 {
		return conditions.False(scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonRolloutPaused, message)
	}
	return conditions.True(scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonRolloutPaused, message)
}

// specAllowed reports whether the tenant may have what it asks for.
func specAllowed(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionSpecAllowed
	if s.refused.any() {
		return conditions.False(conditionType, scimv1alpha1.ReasonNotAllowed, s.refused.String())
	}
	return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, "the operator's configuration allows what the spec asks for")
}

// schemasAccepted reports whether the server can use the tenant's schema extensions.
func schemasAccepted(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionSchemasAccepted
	if _, err := contract.Registry(s.tenant); err != nil {
		return conditions.False(conditionType, scimv1alpha1.ReasonInvalidSchema,
			err.Error()+": correct it; until then the server goes by the last extensions that could be used")
	}
	return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded,
		fmt.Sprintf("%d schema extensions are in use", len(s.tenant.Spec.SchemaExtensions)))
}

// decideReady weighs the conditions: what needs somebody comes before what only needs
// time.
func decideReady(s *scope, f found) conditions.Summary {
	switch {
	case s.failure != nil:
		return because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.failure.Error())
	case !s.tenant.DeletionTimestamp.IsZero():
		return because(conditions.Reconciling, scimv1alpha1.ReasonDeleting, s.deletion)
	case s.serverProblem != nil && !isLeftover(s.serverProblem):
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case s.gathered && f.allowed.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, f.allowed.Reason, f.allowed.Message)
	case f.endpoint.Status == metav1.ConditionFalse && f.endpoint.Reason != scimv1alpha1.ReasonProgressing:
		return because(conditions.Stalled, f.endpoint.Reason, f.endpoint.Message)
	case f.schemas.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, f.schemas.Reason, f.schemas.Message)
	case f.server.Reason == scimv1alpha1.ReasonRolloutPaused:
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case f.certificate.Status == metav1.ConditionFalse && !expectsCertificate(s):
		return because(conditions.Stalled, f.certificate.Reason, f.certificate.Message)
	case f.server.Reason != scimv1alpha1.ReasonSucceeded && isStuck(s.deployment):
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case f.server.Reason != scimv1alpha1.ReasonSucceeded:
		return because(conditions.Reconciling, f.server.Reason, f.server.Message)
	case f.endpoint.Status == metav1.ConditionFalse:
		return because(conditions.Reconciling, f.endpoint.Reason, f.endpoint.Message)
	case f.connected.Status == metav1.ConditionFalse:
		return because(conditions.Reconciling, f.connected.Reason, f.connected.Message)
	case f.certificate.Status == metav1.ConditionFalse:
		return because(conditions.Reconciling, f.certificate.Reason, f.certificate.Message)
	case s.tenant.State() == scimv1alpha1.TenantStatePaused:
		return because(conditions.Ready, scimv1alpha1.ReasonPaused,
			"the tenant is paused: clients are told to try again later; set spec.state to Active to serve them")
	default:
		return because(conditions.Ready, scimv1alpha1.ReasonSucceeded, servedAt(s, f.confirmed))
	}
}

// servedAt says where a tenant is served that is as its spec asks for.
func servedAt(s *scope, confirmed metav1.Condition) string {
	if confirmed.Status != metav1.ConditionTrue {
		return "the tenant is to be served at " + urlOf(s) + "; no Ingress controller has confirmed that"
	}
	return "the tenant is served at " + urlOf(s)
}

func because(outcome conditions.Outcome, reason, message string) conditions.Summary {
	return conditions.Summary{Outcome: outcome, Reason: reason, Message: message}
}
