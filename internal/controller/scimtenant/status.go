package scimtenant

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// state writes into the tenant's status what the scope has found, and returns what to
// tell: about seats, and what Ready says.
func (s *scope) state(failure error) []reconcile.Event {
	s.failure = failure
	before := slices.Clone(s.tenant.Status.Conditions)
	ready, changed := setStatus(s)
	events := append(seatsEvents(before, s.tenant), movedEvents(before, s.tenant, ready)...)
	events = append(events, guardEvents(before, s.tenant)...)
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
	var found found
	if s.gathered {
		found = conditionsOf(s)
	}
	ready = decideReady(s, found)
	if !s.tenant.DeletionTimestamp.IsZero() {
		return ready, conditions.Set(s.tenant, ready, conditions.False(
			scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonDeleting, "the server is stopped, since the tenant is being deleted"))
	}
	if !s.gathered { // a failure came first
		return ready, conditions.Set(s.tenant, ready)
	}
	status.URL = urlOf(s)
	setServers(s)
	setReplicas(s)
	status.State = s.tenant.State()
	parts := found.all()
	if s.news != nil {
		parts = append(parts, s.news.conditions...)
		if s.news.usage != nil {
			setUsage(s.tenant, *s.news.usage)
		}
	}
	setSeats(s.tenant)
	for _, conditionType := range []string{
		scimv1alpha1.ConditionReplicasConnected, scimv1alpha1.ConditionUpToDate, scimv1alpha1.ConditionAutoscaled, scimv1alpha1.ConditionTLSServed,
	} {
		if found.detail(conditionType) == nil {
			meta.RemoveStatusCondition(&status.Conditions, conditionType)
		}
	}
	if contract.Guard(s.tenant) == nil {
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionDeactivationsAllowed)
	}
	if found.labels == nil {
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionLabelsAccepted)
	}
	return ready, conditions.Set(s.tenant, ready, parts...)
}

// setServers writes who serves the tenant. A list that changes, and be it by a host, is right only
// after the one that was read: a late write must not put servers back that serve the tenant no more.
func setServers(s *scope) {
	status := &s.tenant.Status
	status.Server, status.Servers = s.statedServer(), s.statedServers()
	if !slices.Equal(status.Servers, s.pass.Stored().Status.Servers) {
		s.pass.Lock()
	}
}

// setReplicas writes how many pods the tenant's own server has, while that serves it.
func setReplicas(s *scope) {
	status := &s.tenant.Status
	switch {
	case s.onShared() != nil:
		status.ServerReplicas, status.Replicas, status.Selector = "", 0, ""
	case s.own.Deployment != nil:
		status.ServerReplicas = s.own.Replicas()
		status.Replicas, status.Selector = s.own.Deployment.Status.Replicas, labels.Set(s.own.Selector).String()
	}
}

// found are the conditions of a tenant, apart from those that decideReady makes of them.
type found struct {
	server, allowed, endpoint, certificate, confirmed, schemas metav1.Condition
	// labels is nil for a tenant that wants none.
	labels *metav1.Condition
	// details are those of the server that has the traffic alone.
	details []metav1.Condition
	// moved is nil for a tenant that was never moved.
	moved *metav1.Condition
}

// detail returns one of the details; nil when it is none of them.
func (f found) detail(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(f.details, conditionType)
}

// conditionsOf judges what the scope has found, once in a pass.
func conditionsOf(s *scope) found {
	return found{
		server: s.first().available(), allowed: specAllowed(s), endpoint: endpointAccepted(s),
		certificate: certificateValid(s), confirmed: endpointConfirmed(s), schemas: schemasAccepted(s), labels: labelsAccepted(s.tenant),
		details: s.first().details(), moved: s.moved(),
	}
}

func (f found) all() []metav1.Condition {
	all := append([]metav1.Condition{f.server, f.allowed, f.endpoint, f.certificate, f.confirmed, f.schemas}, f.details...)
	for _, other := range []*metav1.Condition{f.moved, f.labels} {
		if other != nil {
			all = append(all, *other)
		}
	}
	return all
}

// urlOf returns the URL to publish. Tokens are sent there: it is that of the Ingress or the
// HTTPRoute as it is, and never one that the spec asks for and another tenant may hold.
func urlOf(s *scope) string {
	shared := s.onShared()
	switch {
	case s.endpoint.Unfit != "":
		return "" // Another one would stay: a tenant that is served without a host is given none.
	case s.endpoint.Spec.Host == "" && shared != nil && !s.keepsService():
		return shared.url()
	case s.endpoint.Spec.Host == "":
		return contract.URL(s.tenant)
	default:
		return s.endpoint.URL(s.tenant.Status.URL)
	}
}

// endpointAccepted reports whether the tenant is published: under its own host, or that of its
// ScimServer.
func endpointAccepted(s *scope) metav1.Condition {
	if shared := s.atHostOf(); shared != nil {
		return shared.accepted()
	}
	return s.endpoint.Accepted()
}

// certificateValid leaves the certificate of a ScimServer's host to the ScimServer, so that one certificate makes one
// alert, however many tenants are there.
func certificateValid(s *scope) metav1.Condition {
	if shared := s.atHostOf(); shared != nil && shared.hasHost() {
		return conditions.True(scimv1alpha1.ConditionCertificateValid, scimv1alpha1.ReasonTLSElsewhere, fmt.Sprintf(
			"the host is that of ScimServer %q, whose CertificateValid is about its certificate", shared.name))
	}
	return s.endpoint.CertificateValid()
}

// endpointConfirmed leaves the Ingress or the HTTPRoute of a ScimServer's host to the ScimServer.
func endpointConfirmed(s *scope) metav1.Condition {
	if shared := s.atHostOf(); shared != nil && shared.hasHost() {
		return conditions.True(scimv1alpha1.ConditionEndpointConfirmed, scimv1alpha1.ReasonSucceeded, fmt.Sprintf(
			"the host is that of ScimServer %q, whose EndpointConfirmed is about what publishes it", shared.name))
	}
	return s.endpoint.Confirmed()
}

// atHostOf returns the ScimServer that publishes the tenant; nil when the tenant is published by itself.
func (s *scope) atHostOf() *sharedServer {
	shared := s.onShared()
	if shared == nil || s.endpoint.Spec.Host != "" || s.endpoint.Unfit != "" || len(s.endpoint.PublishedHosts()) > 0 || s.keepsService() {
		return nil
	}
	return shared
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
	tls := f.detail(scimv1alpha1.ConditionTLSServed)
	switch {
	case s.failure != nil:
		return because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.failure.Error())
	case !s.tenant.DeletionTimestamp.IsZero():
		return because(conditions.Reconciling, scimv1alpha1.ReasonDeleting, s.deletion)
	case s.first().problem() != nil:
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case s.gathered && f.allowed.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, f.allowed.Reason, f.allowed.Message)
	case f.endpoint.Status == metav1.ConditionFalse && !publishing.NeedsTime(f.endpoint):
		return because(conditions.Stalled, f.endpoint.Reason, f.endpoint.Message)
	case f.schemas.Status == metav1.ConditionFalse:
		return because(conditions.Stalled, f.schemas.Reason, f.schemas.Message)
	case isFalse(f.labels):
		return because(conditions.Stalled, f.labels.Reason, f.labels.Message)
	case f.server.Reason == scimv1alpha1.ReasonRolloutPaused, f.server.Reason == scimv1alpha1.ReasonServerNotFound:
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case f.certificate.Status == metav1.ConditionFalse && !s.endpoint.ExpectsCertificate():
		return because(conditions.Stalled, f.certificate.Reason, f.certificate.Message)
	case running.NeedsCertificate(tls), running.LacksCertificate(tls) && s.first().stuck():
		return because(conditions.Stalled, tls.Reason, tls.Message)
	case running.LacksCertificate(tls):
		return because(conditions.Reconciling, tls.Reason, tls.Message)
	case f.moved != nil && needsSomebody(f.moved.Reason):
		return because(conditions.Stalled, f.moved.Reason, f.moved.Message)
	case f.server.Reason != scimv1alpha1.ReasonSucceeded && s.first().stuck():
		return because(conditions.Stalled, f.server.Reason, f.server.Message)
	case f.server.Reason != scimv1alpha1.ReasonSucceeded:
		return because(conditions.Reconciling, f.server.Reason, f.server.Message)
	case isFalse(tls):
		return because(conditions.Reconciling, tls.Reason, tls.Message)
	case f.endpoint.Status == metav1.ConditionFalse:
		return because(conditions.Reconciling, f.endpoint.Reason, f.endpoint.Message)
	case isFalse(f.detail(scimv1alpha1.ConditionReplicasConnected)):
		connected := f.detail(scimv1alpha1.ConditionReplicasConnected)
		return because(conditions.Reconciling, connected.Reason, connected.Message)
	case f.certificate.Status == metav1.ConditionFalse:
		return because(conditions.Reconciling, f.certificate.Reason, f.certificate.Message)
	case s.tenant.State() == scimv1alpha1.TenantStatePaused:
		return because(conditions.Ready, scimv1alpha1.ReasonPaused,
			"the tenant is paused: clients are told to try again later; set spec.state to Active to serve them")
	default:
		return because(conditions.Ready, scimv1alpha1.ReasonSucceeded, servedAt(s, f.confirmed))
	}
}

func isFalse(condition *metav1.Condition) bool {
	return condition != nil && condition.Status == metav1.ConditionFalse
}

// needsSomebody reports whether a tenant that is not moved for this reason waits for somebody.
func needsSomebody(reason string) bool {
	return reason == scimv1alpha1.ReasonURLWouldChange || reason == scimv1alpha1.ReasonServerNotFound
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
