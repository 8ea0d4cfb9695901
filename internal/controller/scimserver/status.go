package scimserver

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
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// state writes into the server's status what the scope has found, and returns what to tell.
func (s *scope) state(failure error) []reconcile.Event {
	s.failure = failure
	if ready, changed := setStatus(s); changed {
		return []reconcile.Event{reconcile.ReadyEvent(ready)}
	}
	return nil
}

// setStatus writes into the server's status what the scope has found. It returns what
// Ready says, and whether that has changed.
func setStatus(s *scope) (ready conditions.Summary, changed bool) {
	status := &s.server.Status
	if s.failure == nil {
		status.ObservedGeneration = s.server.Generation
	}
	found := conditionsOf(s)
	ready = decideReady(s, found)
	if s.goes() {
		return ready, conditions.Set(s.server, ready, conditions.False(
			scimv1alpha1.ConditionServerAvailable, scimv1alpha1.ReasonDeleting, "the server is stopped, since the ScimServer is being deleted"))
	}
	if !s.gathered { // a failure came first
		return ready, conditions.Set(s.server, ready)
	}
	status.URL = urlOf(s)
	status.Tenants = ptr.To(s.tenants)
	if s.running.Deployment != nil {
		status.ServerReplicas = s.running.Replicas()
		status.Replicas, status.Selector = s.running.Deployment.Status.Replicas, labels.Set(s.running.Selector).String()
	}
	if found.autoscaled == nil {
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionAutoscaled)
	}
	if found.tls == nil {
		meta.RemoveStatusCondition(&status.Conditions, scimv1alpha1.ConditionTLSServed)
	}
	return ready, conditions.Set(s.server, ready, found.all()...)
}

// goes reports whether the server is being deleted, and no tenants keep it.
func (s *scope) goes() bool { return !s.server.DeletionTimestamp.IsZero() && !s.held }

// found are the conditions of a server, apart from those that decideReady makes of them.
type found struct {
	server, connected, allowed, endpoint, certificate, confirmed, current metav1.Condition
	// autoscaled is nil for a server without autoscaling, and tls for one without TLS.
	autoscaled, tls *metav1.Condition
}

func conditionsOf(s *scope) found {
	return found{
		server: s.running.Available(), connected: s.running.Connected(), allowed: specAllowed(s),
		endpoint: s.endpoint.Accepted(), certificate: s.endpoint.CertificateValid(), confirmed: s.endpoint.Confirmed(),
		current: s.running.UpToDate(), autoscaled: s.running.Autoscaled(), tls: s.running.TLSServed(),
	}
}

func (f found) all() []metav1.Condition {
	all := []metav1.Condition{f.server, f.connected, f.allowed, f.endpoint, f.certificate, f.confirmed, f.current}
	for _, detail := range []*metav1.Condition{f.autoscaled, f.tls} {
		if detail != nil {
			all = append(all, *detail)
		}
	}
	return all
}

// specAllowed reports whether the server may have what it asks for.
func specAllowed(s *scope) metav1.Condition {
	if refused := slices.Concat(s.endpoint.Refused, s.running.Refused); len(refused) > 0 {
		return conditions.False(scimv1alpha1.ConditionSpecAllowed, scimv1alpha1.ReasonNotAllowed, config.Refusal(refused...))
	}
	return conditions.True(scimv1alpha1.ConditionSpecAllowed, scimv1alpha1.ReasonSucceeded, "the operator's configuration allows what the spec asks for")
}

// urlOf returns the URL to publish: that of the Ingress or the HTTPRoute as it is, and never one that the spec
// asks for and somebody else may hold.
func urlOf(s *scope) string {
	if s.endpoint.Spec.Host == "" {
		return contract.SharedURL(s.server.Namespace, s.server.Name)
	}
	return s.endpoint.URL(s.server.Status.URL)
}

// decideReady weighs the conditions: what needs somebody comes before what only needs
// time.
func decideReady(s *scope, f found) conditions.Summary {
	stalled := func(c metav1.Condition) conditions.Summary { return because(conditions.Stalled, c.Reason, c.Message) }
	waiting := func(c metav1.Condition) conditions.Summary {
		return because(conditions.Reconciling, c.Reason, c.Message)
	}
	answers := f.server.Reason == scimv1alpha1.ReasonSucceeded
	switch {
	case s.failure != nil:
		return because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.failure.Error())
	case s.goes():
		return because(conditions.Reconciling, scimv1alpha1.ReasonDeleting, deletionOf(s))
	case s.held:
		return because(conditions.Stalled, scimv1alpha1.ReasonHasTenants, heldBy(s.staying))
	case s.running.Problem != nil && !apply.IsLeftover(s.running.Problem):
		return stalled(f.server)
	case s.gathered && f.allowed.Status == metav1.ConditionFalse:
		return stalled(f.allowed)
	case f.endpoint.Status == metav1.ConditionFalse && !publishing.NeedsTime(f.endpoint):
		return stalled(f.endpoint)
	case f.server.Reason == scimv1alpha1.ReasonRolloutPaused:
		return stalled(f.server)
	case f.certificate.Status == metav1.ConditionFalse && !s.endpoint.ExpectsCertificate():
		return stalled(f.certificate)
	case running.NeedsCertificate(f.tls), running.LacksCertificate(f.tls) && s.running.IsStuck():
		return stalled(*f.tls)
	case running.LacksCertificate(f.tls):
		return waiting(*f.tls)
	case !answers && s.running.IsStuck():
		return stalled(f.server)
	case !answers:
		return waiting(f.server)
	case f.tls != nil && f.tls.Status != metav1.ConditionTrue:
		return waiting(*f.tls)
	case f.endpoint.Status == metav1.ConditionFalse:
		return waiting(f.endpoint)
	case f.connected.Status == metav1.ConditionFalse:
		return waiting(f.connected)
	case f.certificate.Status == metav1.ConditionFalse:
		return waiting(f.certificate)
	default:
		return because(conditions.Ready, scimv1alpha1.ReasonSucceeded, "the tenants are served at "+urlOf(s)+"/<tenant>"+scimv1alpha1.DefaultPath+", or at their own hosts")
	}
}

// deletionOf says how far the deletion has come, and whom it concerns.
func deletionOf(s *scope) string {
	if s.tenants == 0 {
		return s.deletion
	}
	return fmt.Sprintf("%s; ScimTenants that nobody serves until there is a ScimServer of this name again: %d, with all their users and groups", s.deletion, s.tenants)
}

func because(outcome conditions.Outcome, reason, message string) conditions.Summary {
	return conditions.Summary{Outcome: outcome, Reason: reason, Message: message}
}
