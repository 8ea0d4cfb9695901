package scimtenant

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/config"
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
		status.Servers = nil
		return ready, conditions.Set(s.tenant, ready, conditions.False(
			scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonDeleting, "the server is stopped, since the tenant is being deleted"))
	}
	if !s.gathered { // a failure came first
		return ready, conditions.Set(s.tenant, ready)
	}
	status.URL = urlOf(s)
	status.Servers = s.hosting()
	if s.own != nil && s.own.Deployment != nil {
		status.ServerReplicas = s.own.Replicas()
		status.Replicas, status.Selector = s.own.Deployment.Status.Replicas, labels.Set(s.own.Selector).String()
	}
	status.State = s.tenant.State()
	if s.usage != nil {
		setUsage(s.tenant, *s.usage)
	}
	setSeats(s.tenant)
	if found.autoscaled == nil {
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionAutoscaled)
	}
	return ready, conditions.Set(s.tenant, ready, found.all()...)
}

// found are the conditions of a tenant, apart from those that decideReady makes of them. How
// the replicas of a shared server are connected is in its own status.
type found struct {
	server, allowed, endpoint, certificate, confirmed, schemas metav1.Condition
	connected                                                  *metav1.Condition
	// autoscaled is nil for a server without autoscaling.
	autoscaled *metav1.Condition
	// current is nil without a server of its own.
	current *metav1.Condition
}

// conditionsOf judges what the scope has found, once in a pass.
func conditionsOf(s *scope) found {
	f := found{
		server: serverAvailable(s), allowed: specAllowed(s), endpoint: endpointAccepted(s),
		certificate: s.endpoint.CertificateValid(), confirmed: s.endpoint.Confirmed(), schemas: schemasAccepted(s),
	}
	if s.own != nil {
		f.connected, f.current, f.autoscaled = ptr.To(s.own.Connected()), ptr.To(s.own.UpToDate()), s.own.Autoscaled()
	}
	return f
}

func (f found) all() []metav1.Condition {
	all := []metav1.Condition{f.server, f.allowed, f.endpoint, f.certificate, f.confirmed, f.schemas}
	for _, optional := range []*metav1.Condition{f.connected, f.current, f.autoscaled} {
		if optional != nil {
			all = append(all, *optional)
		}
	}
	return all
}

// urlOf returns the URL to publish. Tokens are sent there: it is that of the Ingress
// as it is, and never one that the spec asks for and another tenant may hold.
func urlOf(s *scope) string {
	switch {
	case s.tenant.Spec.Endpoint.Host == "" && s.shared != nil:
		return s.sharedURL()
	case s.tenant.Spec.Endpoint.Host == "":
		return contract.URL(s.tenant)
	case s.endpoint.Ingress == nil:
		return ""
	default:
		return operand.PublishedURL(s.endpoint.Ingress)
	}
}

// serverAvailable reports whether a server answers for the tenant.
func serverAvailable(s *scope) metav1.Condition {
	if s.own != nil {
		return s.own.Available()
	}
	return sharedAvailable(s)
}

// endpointAccepted reports whether the tenant is published: under its own host, or that of its
// ScimServer.
func endpointAccepted(s *scope) metav1.Condition {
	if s.shared != nil && s.endpoint.Spec.Host == "" && len(s.endpoint.PublishedHosts()) == 0 {
		return sharedAccepted(s)
	}
	return s.endpoint.Accepted()
}

// specAllowed reports whether the tenant may have what it asks for.
func specAllowed(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionSpecAllowed
	if refused := s.refused(); len(refused) > 0 {
		return conditions.False(conditionType, scimv1alpha1.ReasonNotAllowed, config.Refusal(refused...))
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
	case s.own != nil && s.own.Problem != nil && !apply.IsLeftover(s.own.Problem):
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case s.gathered && f.allowed.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, f.allowed.Reason, f.allowed.Message)
	case f.endpoint.Status == metav1.ConditionFalse && f.endpoint.Reason != scimv1alpha1.ReasonProgressing:
		return because(conditions.Stalled, f.endpoint.Reason, f.endpoint.Message)
	case f.schemas.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, f.schemas.Reason, f.schemas.Message)
	case f.server.Reason == scimv1alpha1.ReasonRolloutPaused, f.server.Reason == scimv1alpha1.ReasonServerNotFound:
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case f.certificate.Status == metav1.ConditionFalse && !s.endpoint.ExpectsCertificate():
		return because(conditions.Stalled, f.certificate.Reason, f.certificate.Message)
	case f.server.Reason != scimv1alpha1.ReasonSucceeded && s.own != nil && s.own.IsStuck():
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case f.server.Reason != scimv1alpha1.ReasonSucceeded:
		return because(conditions.Reconciling, f.server.Reason, f.server.Message)
	case f.endpoint.Status == metav1.ConditionFalse:
		return because(conditions.Reconciling, f.endpoint.Reason, f.endpoint.Message)
	case f.connected != nil && f.connected.Status == metav1.ConditionFalse:
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
